import numpy as np
import pytest
from scipy.spatial.distance import cdist

from autoencoders.core import rows as core_rows
from autoencoders.core.rows import Rows
from autoencoders.exports import measures
from autoencoders.images.preparation import scale

RANDOM = np.random.default_rng(0)
CODES = RANDOM.normal(size=(70, 6)).astype(np.float32)
# A cluster of one, and one of none.
CLUSTERS = np.where(np.arange(70) == 9, 2, np.arange(70) % 2)


@pytest.fixture(params=[1000, 16], ids=["in one block", "in several"])
def block(request, monkeypatch):
    monkeypatch.setattr(core_rows, "BLOCK_SIZE", request.param)


def rows(array: np.ndarray) -> Rows:
    return Rows(array[:20], array[20:])


def test_quantiles_ascend_from_the_least_to_the_largest_and_of_nothing_there_are_none():
    values = RANDOM.normal(size=33).astype(np.float32)
    found = measures.quantiles(values)
    assert found.dtype == np.float64 and found.shape == (1001,)
    assert (found[0], found[500], found[-1]) == (values.min(), np.median(values), values.max())
    assert (np.diff(found) >= 0).all()
    assert np.isnan(measures.quantiles(values[:0])).all()


def test_errors_are_means_over_each_images_own_pixels(block):
    images = RANDOM.integers(0, 256, (70, 4, 5, 3), np.uint8)
    found = measures.reconstruction_errors(rows(images), scale, lambda stored: np.zeros(stored.shape, np.float32))
    np.testing.assert_allclose(found, np.square(images / 255).mean(axis=(1, 2, 3)), rtol=1e-6)


@pytest.mark.parametrize("memory", [2**20, 500])
def test_the_distance_to_an_index_is_that_to_its_nearest_code(block, memory):
    queries = RANDOM.normal(size=(40, 6)).astype(np.float32)
    found = measures.index_distances(rows(CODES), rows(queries), memory)
    np.testing.assert_allclose(found, cdist(queries, CODES).min(axis=1), rtol=1e-5)


def test_a_code_belongs_to_the_nearest_centre(block):
    to_each = cdist(CODES, CODES[:4])
    clusters, distances = measures.to_centres(rows(CODES), lambda codes: cdist(codes, CODES[:4]))
    assert clusters.dtype == np.int64 and np.array_equal(clusters, to_each.argmin(axis=1))
    np.testing.assert_allclose(distances, to_each.min(axis=1), rtol=1e-6)


@pytest.mark.parametrize("memory", [2**20, 500])
def test_within_a_cluster_the_nearest_other_code_counts(block, memory):
    found = measures.within_clusters(rows(CODES), CLUSTERS, memory)
    apart = cdist(CODES, CODES)
    apart[np.diag_indices(70)] = np.inf
    apart[CLUSTERS[:, np.newaxis] != CLUSTERS] = np.inf
    assert np.isnan(found[9])
    others = np.arange(70) != 9
    np.testing.assert_allclose(found[others], apart.min(axis=1)[others], rtol=1e-5)


def test_quantiles_by_cluster_leave_out_what_is_not_known_and_are_none_of_an_empty_cluster():
    values = np.arange(70.0)
    values[9] = np.nan
    found = measures.by_cluster(values, CLUSTERS, 4)
    assert (found[0, 0], found[0, -1], found[1, 0], found[1, -1]) == (0, 68, 1, 69)
    assert np.isnan(found[2:]).all()


def test_the_most_central_rows_come_first_equal_ones_in_their_order_and_the_rest_is_minus_one(block):
    means = np.stack([CODES[cluster == CLUSTERS].mean(axis=0) for cluster in range(3)])
    distances = measures.to_means(rows(CODES), CLUSTERS, means)
    np.testing.assert_allclose(distances, np.linalg.norm(CODES - means[CLUSTERS], axis=1), rtol=1e-5, atol=1e-6)
    found = measures.central(distances, CLUSTERS, 4, 3)
    members = np.flatnonzero(CLUSTERS == 0)
    assert found[0].tolist() == members[np.argsort(distances[members])][:3].tolist()
    assert found[2:].tolist() == [[9, -1, -1], [-1, -1, -1]]
    assert measures.central(np.ones(5), np.zeros(5, int), 1, 3).tolist() == [[0, 1, 2]]
