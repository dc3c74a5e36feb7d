"""Exact search in an index of any size, against a plain computation in float64."""

import os
import subprocess
import sys

import numpy as np
import pytest
from small import ROOT

from autoencoders.core.errors import InputError
from autoencoders.core.rows import Rows
from autoencoders.uses import exact

by_metric = pytest.mark.parametrize("metric", exact.METRICS)


def plain(index: np.ndarray, queries: np.ndarray, k: int, metric: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows of the nearest and their distances, from the distances of each query to all."""
    a, b = index.astype(np.float64), queries.astype(np.float64)
    if metric == "cosine":
        a, b = (x / np.where(np.linalg.norm(x, axis=1) > 0, np.linalg.norm(x, axis=1), 1)[:, None] for x in (a, b))
        distances = 1 - b @ a.T
    else:
        distances = np.sqrt(((b[:, np.newaxis] - a) ** 2).sum(axis=2))
    order = np.lexsort((np.broadcast_to(np.arange(len(a)), distances.shape), distances.astype(np.float32)))[:, :k]
    return order, np.take_along_axis(distances, order, 1)


@pytest.fixture
def small_parts(monkeypatch):
    """Let parts of an index be of 64 vectors, and queries 70 at a time."""
    for name, value in {"LEAST_VECTORS": 64, "OF_VECTORS": 1, "QUERIES": 70}.items():
        monkeypatch.setattr(exact, name, value)


@pytest.fixture
def compared(monkeypatch):
    """The numbers of vectors whose distances to a query are computed in float64."""
    numbers: list[int] = []
    distances = exact._Search._distances

    def counted(self, queries, points, directed):
        numbers.append(len(queries))
        return distances(self, queries, points, directed)

    monkeypatch.setattr(exact._Search, "_distances", counted)
    return numbers


@by_metric
@pytest.mark.parametrize("scale", [1, 1e-30, 1e-18, 1e12, 1e25])
def test_the_nearest_are_those_of_a_comparison_with_all(metric, scale, small_parts):
    random = np.random.default_rng(0)
    index = random.normal(size=(700, 9)).astype(np.float32) + 3
    index[600], index[3] = 0, 1000
    queries = np.concatenate([random.normal(size=(300, 9)).astype(np.float32), index[:2], index[600:601]])
    index, queries = index * np.float32(scale), queries * np.float32(scale)
    found = exact.nearest(index, queries, 5, metric)
    rows, distances = plain(index, queries, 5, metric)
    np.testing.assert_allclose(found.distances, distances, rtol=1e-6, atol=1e-6 if metric == "cosine" else 0)
    # A query of zeros is as far from all, by angle.
    assert np.array_equal(found.rows[:-1], rows[:-1])
    assert found.rows.dtype == np.int64 and found.distances.dtype == np.float32


@by_metric
def test_a_query_has_the_same_neighbours_alone_and_whatever_the_parts(metric, request):
    random = np.random.default_rng(1)
    # Codes that differ by roundings, far from zero.
    index = (random.normal(size=(2000, 33)) * 1e-6 + 10).astype(np.float32)
    queries = index[:90] + np.float32(1e-6)
    together = exact.nearest(index, queries, 20, metric)
    for place in range(len(queries)):
        alone = exact.nearest(index, queries[place : place + 1], 20, metric)
        assert np.array_equal(alone.rows[0], together.rows[place])
        assert np.array_equal(alone.distances[0], together.distances[place])
    request.getfixturevalue("small_parts")
    in_parts = exact.nearest(index, queries, 20, metric)
    assert np.array_equal(in_parts.rows, together.rows) and np.array_equal(in_parts.distances, together.distances)


@by_metric
def test_of_equally_near_vectors_the_first_rows_come_first(metric, small_parts):
    index = np.tile(np.random.default_rng(2).normal(size=(4, 3)).astype(np.float32), (25, 1))
    found = exact.nearest(index, index[1:2], 10, metric)
    assert found.rows[0].tolist() == list(range(1, 41, 4))
    assert (found.distances == 0).all()


def test_a_vector_of_zeros_is_at_distance_1_from_all_by_angle(small_parts):
    index = np.tile(np.array([[1, 0], [0, 0], [-1, 0]], np.float32), (40, 1))
    found = exact.nearest(index, index[:3], 120, "cosine")
    thirds = [np.arange(start, 120, 3) for start in range(3)]
    assert np.array_equal(found.rows[0], np.concatenate(thirds))
    assert np.array_equal(found.rows[1], np.arange(120)) and (found.distances[1] == 1).all()
    assert np.array_equal(found.rows[2], np.concatenate(thirds[::-1]))
    assert np.array_equal(found.distances[0], np.repeat(np.float32([0, 1, 2]), 40))


@by_metric
def test_some_rows_of_an_index_are_searched_and_few_are_read_at_a_time(metric, small_parts):
    random = np.random.default_rng(3)
    index, read = random.normal(size=(500, 7)).astype(np.float32), []
    rows = Rows(index).map(lambda block: read.append(len(block)) or block)
    found = exact.nearest(rows, index[:9], 4, metric, slice(100, 400))
    inside, distances = plain(index[100:400], index[:9], 4, metric)
    assert np.array_equal(found.rows, 100 + inside)
    np.testing.assert_allclose(found.distances, distances, rtol=1e-5)
    # One to know the width.
    assert read[1:] == [64, 64, 64, 64, 44]


@by_metric
def test_few_vectors_are_compared_in_float64(metric, compared):
    random = np.random.default_rng(4)
    # Far from zero, as codes of ReLU are, and one very long.
    index = random.normal(size=(20_000, 16)).astype(np.float32) + 20
    index[100] *= 1000
    exact.nearest(index, index[:500], 10, metric)
    # The k nearest of the first vectors, and k times the logarithm of how often these are contained in all: 47.
    assert sum(compared) / 500 < 100


@by_metric
@pytest.mark.parametrize("value", [0, 1])
def test_copies_of_a_vector_are_not_all_compared_in_float64(metric, value, compared):
    index = np.full((20_000, 16), value, np.float32)
    index[1::2] += np.random.default_rng(5).normal(size=(10_000, 16)).astype(np.float32)
    found = exact.nearest(index, index[:4:2], 10, metric)
    if value or metric == "euclidean":
        assert found.rows.tolist() == [list(range(0, 20, 2))] * 2
    else:
        assert found.rows.tolist() == [list(range(10))] * 2
    assert sum(compared) <= 2 * exact.OF_VECTORS // 16


def test_the_kernels_of_another_processor_change_no_bit():
    program = """
import numpy as np
from autoencoders.uses import exact
index = np.maximum(np.random.default_rng(6).standard_normal((3000, 70), np.float32), 0)
print([(near.rows.tobytes().hex(), near.distances.tobytes().hex())
       for near in (exact.nearest(index, index[:100], 9, metric) for metric in exact.METRICS)])
product = index.T @ index
print(product.tobytes().hex())
"""
    found = []
    for kernels in ("Haswell", "Sandybridge"):
        variables = {**os.environ, "OPENBLAS_CORETYPE": kernels, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(
            [sys.executable, "-c", program], env=variables, capture_output=True, text=True, check=True
        )
        found.append(done.stdout.splitlines())
    if found[0][1] == found[1][1]:
        pytest.skip("OpenBLAS takes one kernel for both, or NumPy has another library")
    assert found[0][0] == found[1][0]


@by_metric
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_no_numbers_are_refused(metric, value):
    good, bad = np.eye(3, dtype=np.float32), np.eye(3, dtype=np.float32)
    bad[1, 1] = value
    for index, queries in ((good, bad), (bad, good)):
        with pytest.raises(InputError, match="^index or codes hold values that are no finite numbers; use others"):
            exact.nearest(index, queries, 1, metric)


def test_no_queries_have_no_neighbours():
    found = exact.nearest(np.eye(3, dtype=np.float32), np.empty((0, 3), np.float32), 2, "cosine")
    assert found.rows.shape == found.distances.shape == (0, 2)
