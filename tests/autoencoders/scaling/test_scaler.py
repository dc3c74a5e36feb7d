import numpy as np
import pytest
from sklearn.decomposition import PCA
from threadpoolctl import threadpool_limits

from autoencoders.core.rows import Rows
from autoencoders.scaling.components import principal_components
from autoencoders.scaling.pooling import pool
from autoencoders.scaling.scaler import scaler

PLAIN = {"scaling": "none", "shrinkage": 0, "n_components": None, "unit_length": False, "seed": 0}


def vectors(n: int, width: int, seed: int = 0) -> np.ndarray:
    """Return vectors with a mean, and with less variance in each number than in the one before."""
    drawn = np.random.default_rng(seed).normal(size=(n, width))
    return (drawn * np.linspace(3, 0.5, width) + 4).astype(np.float32)


def components(training: np.ndarray, others: np.ndarray, n: int) -> np.ndarray:
    """Return the largest principal components of `others` by the eigenvectors of the covariance of `training`."""
    _, directions = np.linalg.eigh(np.cov(training, rowvar=False))
    return (others - training.mean(axis=0)) @ directions[:, ::-1][:, :n]


def test_nothing_is_fitted_where_nothing_is_to_be_done():
    assert scaler(vectors(9, 3), **PLAIN) is None


def test_standardising_takes_mean_and_deviation_of_the_training_vectors():
    training, others = vectors(60, 4), vectors(20, 4, seed=1) + 1
    found = scaler(training, **{**PLAIN, "scaling": "standardise"}).transform(others)
    np.testing.assert_allclose(found, (others - training.mean(axis=0)) / training.std(axis=0), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("scaling", ["none", "whiten"])
def test_the_largest_components_of_the_training_vectors_are_kept(scaling):
    training, others = vectors(200, 6), vectors(20, 6, seed=1)
    found = scaler(training, **{**PLAIN, "scaling": scaling, "n_components": 3}).transform(others)
    expected = components(training, others, 3)
    if scaling == "whiten":
        expected /= components(training, training, 3).std(axis=0, ddof=1)
    # A component's sign is a matter of chance, so that products are compared.
    np.testing.assert_allclose(found @ found.T, expected @ expected.T, rtol=1e-3, atol=1e-3)


def test_shrinkage_adds_to_the_variances_by_which_is_whitened():
    training = vectors(200, 6)
    found = scaler(training, **{**PLAIN, "scaling": "whiten", "shrinkage": 0.5}).transform(training)
    variances = components(training, training, 6).var(axis=0, ddof=1)
    expected = variances / (variances + 0.5 * training.var(axis=0, ddof=1).mean())
    np.testing.assert_allclose(found.var(axis=0, ddof=1), expected, rtol=1e-3)


def test_components_are_standardised_where_both_are_asked_for():
    training = vectors(60, 5)
    found = scaler(training, **{**PLAIN, "scaling": "standardise", "n_components": 2}).transform(training)
    np.testing.assert_allclose(np.cov(found, rowvar=False, ddof=0), np.eye(2), atol=1e-4)


@pytest.mark.parametrize(
    "training",
    [vectors(20, 30), vectors(90, 6) * np.array([1, 1, 0, 1, 1, 1], np.float32)],
    ids=["fewer vectors than numbers", "a number that never changes"],
)
@pytest.mark.parametrize("n_components", [None, 1000])
def test_whitening_does_not_blow_up_what_never_varied_in_training(training, n_components):
    fitted = scaler(training, **{**PLAIN, "scaling": "whiten", "n_components": n_components})
    found = fitted.transform(training + vectors(len(training), training.shape[1], seed=1))
    assert found.shape[1] == np.linalg.matrix_rank(training - training.mean(axis=0))
    assert np.abs(found).max() < 100


def test_vectors_of_unit_length_keep_their_direction_and_zeros_stay():
    others = np.array([[3, 4], [0.6, 0.8], [0, 0]], np.float32)
    found = scaler(vectors(9, 2), **{**PLAIN, "unit_length": True}).transform(others)
    np.testing.assert_allclose(found, [[0.6, 0.8], [0.6, 0.8], [0, 0]], rtol=1e-6)


@pytest.mark.parametrize("scaling", ["none", "whiten"])
def test_neither_chance_nor_the_number_of_threads_changes_a_bit(scaling):
    training, found = vectors(600, 550), []
    for threads in (1, 2):
        with threadpool_limits(threads):
            fitted = scaler(training, **{**PLAIN, "scaling": scaling, "n_components": 4})
            found.append(fitted.transform(training).tobytes())
    assert found[0] == found[1]


@pytest.mark.parametrize("block_size", [7, 1000])
@pytest.mark.parametrize(("n", "width", "kept"), [(300, 9, 9), (300, 9, 3), (5, 9, 4)])
def test_components_from_blocks_are_those_of_scikit_learn(monkeypatch, block_size, n, width, kept):
    monkeypatch.setattr("autoencoders.core.rows.BLOCK_SIZE", block_size)
    training = vectors(n, width) + np.float32(1e5)
    pca = PCA(svd_solver="full").fit(training.astype(np.float64))
    mean, directions, variances, total = principal_components(Rows(training[:2], training[2:]), kept)
    np.testing.assert_allclose(mean, pca.mean_, rtol=1e-12)
    np.testing.assert_allclose(variances, pca.explained_variance_[:kept], rtol=1e-9)
    assert total == pytest.approx(pca.explained_variance_.sum(), rel=1e-9)
    signs = np.sign(np.einsum("ij,ij->i", directions, pca.components_[:kept]))
    np.testing.assert_allclose(directions * signs[:, np.newaxis], pca.components_[:kept], atol=1e-7)
    assert (directions.max(axis=1) == np.abs(directions).max(axis=1)).all()


def test_quadrants_are_averaged_filter_by_filter():
    # Rows, columns and filters of one code; the filters differ by 100.
    places = np.arange(16, dtype=np.float32).reshape(4, 4)
    codes = np.stack([places, places + 100], axis=-1).reshape(1, -1)
    found = pool(codes, (4, 4, 2), 2)
    assert found.dtype == np.float32
    assert found.tolist() == [[2.5, 102.5, 4.5, 104.5, 10.5, 110.5, 12.5, 112.5]]


def test_a_grid_that_does_not_divide_the_positions_leaves_none_out_and_takes_none_twice():
    codes = np.eye(15, dtype=np.float32)
    cells = pool(codes, (5, 3, 1), 2) > 0
    assert cells.sum(axis=1).tolist() == [1] * 15
    assert sorted(cells.sum(axis=0).tolist()) == [2, 3, 4, 6]


@pytest.mark.parametrize(("shape", "grid"), [((12,), 2), ((2, 3, 2), None), ((2, 3, 2), 2), ((2, 3, 2), 5)])
def test_codes_stay_where_there_is_nothing_to_pool(shape, grid):
    codes = vectors(3, 12)
    assert pool(codes, shape, grid) is codes
