import warnings

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from threadpoolctl import threadpool_limits

from autoencoders.core.errors import ArgumentError
from autoencoders.core.rows import Rows
from autoencoders.uses import neighbours

METRICS = ["cosine", "euclidean"]


def vectors(n: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, width)).astype(np.float32)


def test_neighbours_are_those_found_by_hand():
    index = np.array([[10, 0], [0, 1], [-1, 0], [1, 1]], dtype=np.float32)
    found = neighbours.nearest(index, np.array([[2, 0]], dtype=np.float32), METRICS, 4)
    assert list(found) == METRICS
    # Angles of 0, 45, 90 and 180 degrees; then distances from (2, 0).
    assert found["cosine"].rows.tolist() == [[0, 3, 1, 2]]
    assert found["cosine"].distances[0] == pytest.approx([0, 1 - 0.5**0.5, 1, 2])
    assert found["euclidean"].rows.tolist() == [[3, 1, 2, 0]]
    assert found["euclidean"].distances[0] == pytest.approx([2**0.5, 5**0.5, 3, 8])


@pytest.mark.parametrize("metric", METRICS)
def test_neighbours_are_those_of_a_plain_sort_of_all_distances(metric):
    index, queries = vectors(200, 12), vectors(20, 12, seed=1)
    found = neighbours.nearest(index, queries, [metric], 7)[metric]
    distances = cdist(queries.astype(np.float64), index.astype(np.float64), metric)
    assert np.array_equal(found.rows, np.argsort(distances, axis=1)[:, :7])
    assert np.allclose(found.distances, np.sort(distances, axis=1)[:, :7], atol=1e-5)


def test_a_vector_of_zeros_is_at_cosine_distance_one_from_all():
    index = np.array([[-1, 0], [0, 0], [1, 0], [0, 0]], dtype=np.float32)
    queries = np.array([[2, 0], [0, 0]], dtype=np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = neighbours.nearest(index, queries, METRICS, 4)
    assert found["cosine"].distances.tolist() == [[0, 1, 1, 2], [1, 1, 1, 1]]
    assert found["cosine"].rows[0, [0, 3]].tolist() == [2, 0]


@pytest.mark.parametrize("memory", [0, 4 * 4 * 12 * 7, 4 * 12 * 199, 4 * 12 * 200])
def test_an_index_searched_in_parts_gives_the_same_neighbours(memory):
    index, queries = vectors(200, 12), vectors(20, 12, seed=1)
    whole = neighbours.nearest(index, queries, METRICS, 7)
    for metric, found in neighbours.nearest(Rows(index[:120], index[120:]), queries, METRICS, 7, memory).items():
        assert np.array_equal(found.rows, whole[metric].rows)
        np.testing.assert_allclose(found.distances, whole[metric].distances, rtol=1e-4)


@pytest.mark.parametrize("metric", METRICS)
def test_many_vectors_in_memory_are_searched_as_those_in_parts(metric, monkeypatch):
    index, queries = vectors(200, 12), vectors(20, 12, seed=1)
    few = neighbours.nearest(index, queries, [metric], 7)[metric]
    in_parts = neighbours.nearest(Rows(index), queries, [metric], 7, 0)[metric]
    monkeypatch.setattr(neighbours, "FEW", 199)
    many = neighbours.nearest(index, queries, [metric], 7)[metric]
    assert np.array_equal(many.rows, few.rows) and not np.array_equal(many.distances, few.distances)
    assert [part.tobytes() for part in many] == [part.tobytes() for part in in_parts]


def test_other_metrics_are_scikit_learns_in_parts_too():
    index, queries = vectors(200, 12), vectors(20, 12, seed=1)
    found = neighbours.nearest(Rows(index), queries, ["manhattan"], 7, 4 * 4 * 12 * 50)["manhattan"]
    distances = cdist(queries, index, "cityblock")
    assert np.array_equal(found.rows, np.argsort(distances, axis=1)[:, :7])


def test_the_number_of_threads_changes_no_bit():
    index, queries = vectors(1500, 700), vectors(300, 700, seed=1)
    found = []
    for threads in (1, 2):
        with threadpool_limits(threads):
            found.append(neighbours.nearest(index, queries, METRICS, 5))
    for metric in METRICS:
        assert [part.tobytes() for part in found[0][metric]] == [part.tobytes() for part in found[1][metric]]


def test_more_neighbours_than_vectors_and_no_queries_are_refused():
    index = vectors(4, 2)
    with pytest.raises(ArgumentError, match=r"^k is 5, more than the 4 vectors of the index; lower it\.$"):
        neighbours.nearest(index, index, METRICS, 5)
    with pytest.raises(ArgumentError, match="^queries are empty"):
        neighbours.nearest(index, index[:0], METRICS, 4)


def test_precision_is_the_share_of_neighbours_of_the_querys_class():
    found = np.array([[1, 1, 0, 1], [0, 2, 2, 0]])
    shares = neighbours.precision_at(found, np.array([1, 2]), [4, 1, 2])
    assert shares == {4: pytest.approx(5 / 8), 1: 0.5, 2: 0.75}
    assert list(shares) == [4, 1, 2]
