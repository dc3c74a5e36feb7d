import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from autoencoders.core.rows import Rows
from autoencoders.scaling import scaler
from autoencoders.scaling.pooling import pool
from autoencoders.scaling.scaler import Scaler


class Counted:
    """Vectors that remember the most of them that were asked for at once, and how many in all."""

    def __init__(self, array: np.ndarray):
        self.array, self.shape, self.dtype = array, array.shape, array.dtype
        self.most = self.total = 0

    def __getitem__(self, key):
        found = self.array[key]
        self.most, self.total = max(self.most, len(found)), self.total + len(found)
        return found


def vectors(n: int, width: int, seed: int = 0) -> np.ndarray:
    """Return vectors with a mean, and with less variance in each number than in the one before."""
    drawn = np.random.default_rng(seed).normal(size=(n, width))
    return (drawn * np.linspace(3, 0.5, width) + 4).astype(np.float32)


def components(training: np.ndarray, others: np.ndarray, n: int) -> np.ndarray:
    """Return the largest principal components of `others` by the eigenvectors of the covariance of `training`."""
    _, directions = np.linalg.eigh(np.cov(training, rowvar=False))
    return (others - training.mean(axis=0)) @ directions[:, ::-1][:, :n]


def split(array: np.ndarray) -> Rows:
    return Rows(array[: len(array) // 3], array[len(array) // 3 :])


def test_vectors_stay_as_they_are_where_nothing_is_asked_for():
    training = vectors(9, 3)
    assert Scaler().fit_transform(training) is training


def test_standardising_takes_mean_and_deviation_of_the_training_vectors():
    training, others = vectors(60, 4), vectors(20, 4, seed=1) + 1
    found = Scaler(scaling="standardise").fit(training).transform(others)
    np.testing.assert_allclose(found, (others - training.mean(axis=0)) / training.std(axis=0), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("scaling", ["none", "whiten"])
def test_the_largest_components_of_the_training_vectors_are_kept(scaling):
    training, others = vectors(200, 6), vectors(20, 6, seed=1)
    found = Scaler(scaling, pca=3).fit(training).transform(others)
    expected = components(training, others, 3)
    if scaling == "whiten":
        expected /= components(training, training, 3).std(axis=0, ddof=1)
    # A component's sign is a matter of chance, so that products are compared.
    np.testing.assert_allclose(found @ found.T, expected @ expected.T, rtol=1e-3, atol=1e-3)


def test_ridge_adds_to_the_variances_by_which_is_whitened():
    training = vectors(200, 6)
    found = Scaler("whiten", ridge=0.5).fit_transform(training)
    variances = components(training, training, 6).var(axis=0, ddof=1)
    expected = variances / (variances + 0.5 * training.var(axis=0, ddof=1).mean())
    np.testing.assert_allclose(found.var(axis=0, ddof=1), expected, rtol=1e-3)


def test_components_are_standardised_where_both_are_asked_for():
    found = Scaler("standardise", pca=2).fit_transform(vectors(60, 5))
    np.testing.assert_allclose(np.cov(found, rowvar=False, ddof=0), np.eye(2), atol=1e-4)


@pytest.mark.parametrize(
    "training",
    [vectors(20, 30), vectors(90, 6) * np.array([1, 1, 0, 1, 1, 1], np.float32)],
    ids=["fewer vectors than numbers", "a number that never changes"],
)
@pytest.mark.parametrize("pca", [None, 1000])
def test_whitening_does_not_blow_up_what_never_varied_in_training(training, pca):
    fitted = Scaler("whiten", pca=pca).fit(training)
    found = fitted.transform(training + vectors(len(training), training.shape[1], seed=1))
    assert found.shape[1] == np.linalg.matrix_rank(training - training.mean(axis=0))
    assert np.abs(found).max() < 100


@pytest.mark.parametrize("memory", [None, 0])
def test_whitening_leaves_components_of_little_variance_as_exact_as_the_vectors_are(memory):
    # Of the last component, whose deviation is 0.02, the vectors, of which the numbers reach 50, have four digits.
    random = np.random.default_rng(0)
    turned, _ = np.linalg.qr(random.normal(size=(40, 40)))
    training = (random.normal(size=(600, 40)) * np.geomspace(10, 0.02, 40) @ turned + 20).astype(np.float32)
    found = Scaler("whiten", memory=memory).fit(training if memory is None else split(training)).transform(training)
    exact = components(training.astype(np.float64), training.astype(np.float64), 40)
    exact /= exact.std(axis=0, ddof=1)
    signs = np.sign((found * exact).sum(axis=0))
    np.testing.assert_allclose(found * signs, exact, atol=2e-5)


def test_vectors_of_unit_length_keep_their_direction_and_zeros_stay():
    others = np.array([[3, 4], [0.6, 0.8], [0, 0]], np.float32)
    found = Scaler(unit_length=True).fit(vectors(9, 2)).transform(others)
    np.testing.assert_allclose(found, [[0.6, 0.8], [0.6, 0.8], [0, 0]], rtol=1e-6)


@pytest.mark.parametrize("memory", [None, 0])
def test_codes_with_positions_are_pooled_before_everything_else(memory):
    training, settings = vectors(60, 4 * 4 * 3), {"scaling": "whiten", "pca": 3}
    pooled = pool(training, (4, 4, 3), 2)
    given, alone = (training, pooled) if memory is None else (split(training), split(pooled))
    found = Scaler(**settings, pooling=2, shape=(4, 4, 3), memory=memory).fit(given).transform(training)
    assert np.array_equal(found, Scaler(**settings, memory=memory).fit(alone).transform(pooled))


@pytest.mark.parametrize("block_size", [7, 1000])
@pytest.mark.parametrize("unit_length", [False, True])
@pytest.mark.parametrize(
    "settings",
    [
        {"scaling": "standardise"},
        {"pca": 3},
        {"scaling": "standardise", "pca": 3},
        {"scaling": "whiten"},
        {"scaling": "whiten", "pca": 3, "ridge": 0.7},
        {"scaling": "whiten", "pca": 99},
    ],
    ids=str,
)
def test_vectors_larger_than_memory_are_scaled_as_those_in_memory(monkeypatch, block_size, settings, unit_length):
    monkeypatch.setattr("autoencoders.core.rows.BLOCK_SIZE", block_size)
    training, others = vectors(40, 6), vectors(30, 6, seed=1)
    training[:, 4] = others[:, 4] = 2
    settings = {**settings, "unit_length": unit_length}
    whole = Scaler(**settings).fit(training).transform(others)
    large = Scaler(**settings, memory=training.nbytes - 1).fit(split(training))
    assert isinstance(large.transform(split(others)), Rows)
    found = large.transform(others)
    assert found.dtype == np.float32 and found.shape == whole.shape
    # A component's sign is a matter of chance.
    signs = np.where((found * whole).sum(axis=0) < 0, -1, 1)
    assert (signs == 1).all() or "pca" in settings or settings["scaling"] == "whiten"
    np.testing.assert_allclose(found * signs, whole, rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(np.asarray(large.transform(split(others))), found, rtol=1e-4, atol=1e-4)


def test_vectors_that_fit_are_scaled_in_memory_and_larger_others_where_they_are_read():
    training = vectors(40, 6)
    scaling = Scaler("whiten", memory=training.nbytes).fit(split(training))
    whole = Scaler("whiten").fit(training).transform(training)
    assert scaling.transform(split(training)).tobytes() == whole.tobytes()
    larger = scaling.transform(split(vectors(41, 6)))
    assert isinstance(larger, Rows) and larger.shape == (41, 6)


@pytest.mark.parametrize(
    "settings", [{"scaling": "whiten"}, {"scaling": "standardise", "pca": 2}, {"scaling": "standardise"}], ids=str
)
def test_what_never_varied_is_not_divided_by(settings):
    same = np.full((60, 4), 3, np.float32)
    assert (Scaler(**settings, memory=0).fit(split(same)).transform(same) == 0).all()


def test_components_of_very_wide_vectors_are_those_of_a_sample_that_fits(monkeypatch):
    monkeypatch.setattr(scaler, "MAX_COVARIANCE_WIDTH", 5)
    training = Counted(vectors(4000, 6))
    fitted = Scaler("whiten", pca=2, memory=8 * 6 * 500).fit(Rows(training))
    # And one to see what pooling makes of it.
    assert training.total == 500 + 1
    found = fitted.transform(training.array)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found.std(axis=0), 1, atol=0.15)


def test_the_number_of_threads_changes_no_bit_of_vectors_larger_than_memory():
    training, found = vectors(3000, 300), []
    for threads in (1, 2):
        with threadpool_limits(threads):
            fitted = Scaler("whiten", pca=20, memory=0).fit(split(training))
            found.append(fitted.transform(training).tobytes())
    assert found[0] == found[1]
