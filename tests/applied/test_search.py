"""Exact search, against a plain computation in float64."""

import numpy as np
import pytest

from applied import search
from autoencoders.core.errors import InputError


def plain(index: np.ndarray, queries: np.ndarray, k: int, metric: str) -> np.ndarray:
    """Distances of each query to all, and the rows of the nearest, one by one."""
    a, b = index.astype(np.float64), queries.astype(np.float64)
    if metric == "cosine":
        a, b = (x / np.where(np.linalg.norm(x, axis=1) > 0, np.linalg.norm(x, axis=1), 1)[:, None] for x in (a, b))
        distances = 1 - b @ a.T
    else:
        distances = np.sqrt(((b[:, np.newaxis] - a) ** 2).sum(axis=2))
    order = np.lexsort((np.broadcast_to(np.arange(len(a)), distances.shape), distances.astype(np.float32)))[:, :k]
    return order, np.take_along_axis(distances, order, 1)


@pytest.mark.parametrize("metric", search.METRICS)
@pytest.mark.parametrize("blocks", [1, 7])
def test_the_nearest_are_those_of_a_comparison_with_all(metric, blocks, monkeypatch):
    random = np.random.default_rng(0)
    index = random.normal(size=(700, 9)).astype(np.float32) + 3
    index[600] = 0
    queries = np.concatenate([random.normal(size=(300, 9)).astype(np.float32), index[:2], index[600:601]])
    monkeypatch.setattr(search, "DISTANCES", 100 * search.MOST_QUERIES if blocks > 1 else search.DISTANCES)
    found = search.nearest(index, queries, 5, metric)
    rows, distances = plain(index, queries, 5, metric)
    np.testing.assert_allclose(found.distances, distances, rtol=1e-6, atol=1e-6)
    # A query of zeros is as far from all.
    assert np.array_equal(found.rows[:-1], rows[:-1])
    assert found.rows.dtype == np.int64 and found.distances.dtype == np.float32


@pytest.mark.parametrize("metric", search.METRICS)
def test_a_query_has_the_same_neighbours_alone_and_whatever_the_blocks(metric, monkeypatch):
    random = np.random.default_rng(1)
    # Codes that differ by roundings, far from zero.
    index = (random.normal(size=(2000, 33)) * 1e-6 + 10).astype(np.float32)
    queries = index[:40] + np.float32(1e-6)
    together = search.nearest(index, queries, 20, metric)
    for place in range(len(queries)):
        alone = search.nearest(index, queries[place : place + 1], 20, metric)
        assert np.array_equal(alone.rows[0], together.rows[place])
        assert np.array_equal(alone.distances[0], together.distances[place])
    monkeypatch.setattr(search, "NUMBERS", 3300)
    in_blocks = search.nearest(index, queries, 20, metric)
    assert np.array_equal(in_blocks.rows, together.rows) and np.array_equal(in_blocks.distances, together.distances)


@pytest.mark.parametrize("metric", search.METRICS)
def test_of_equally_near_codes_the_first_rows_come_first(metric, monkeypatch):
    monkeypatch.setattr(search, "NUMBERS", 30)
    index = np.tile(np.random.default_rng(2).normal(size=(4, 3)).astype(np.float32), (25, 1))
    found = search.nearest(index, index[1:2], 10, metric)
    assert found.rows[0].tolist() == list(range(1, 41, 4))
    assert (found.distances == 0).all()


def test_a_code_without_direction_is_at_distance_1_from_all():
    index = np.array([[1, 0], [0, 0], [-1, 0]], np.float32)
    assert search.nearest(index, index[1:2], 3, "cosine").distances.tolist() == [[1, 1, 1]]
    found = search.nearest(index, index[:1], 3, "cosine")
    assert (found.rows.tolist(), found.distances.tolist()) == ([[0, 1, 2]], [[0, 1, 2]])


@pytest.mark.parametrize(
    ("k", "metric", "sentence"),
    [(0, "cosine", "k is 0"), (4, "cosine", "k is 4, but is to lie in 1 to 3"), (1, "manhattan", "metric is")],
)
def test_wrong_arguments_are_said(k, metric, sentence):
    with pytest.raises(InputError, match=sentence):
        search.nearest(np.eye(3, dtype=np.float32), np.eye(3, dtype=np.float32), k, metric)


def test_values_that_are_no_numbers_are_refused():
    index = np.eye(3, dtype=np.float32)
    index[1, 1] = np.nan
    with pytest.raises(InputError, match="no finite numbers"):
        search.nearest(index, np.eye(3, dtype=np.float32), 1, "euclidean")


def test_no_queries_have_no_neighbours():
    found = search.nearest(np.eye(3, dtype=np.float32), np.empty((0, 3), np.float32), 2)
    assert found.rows.shape == found.distances.shape == (0, 2)
