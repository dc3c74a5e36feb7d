import numpy as np
import pytest
from scipy.spatial.distance import cdist
from threadpoolctl import threadpool_limits

from autoencoders.core.errors import ArgumentError
from autoencoders.images.preparation import Preparation
from autoencoders.uses import samples

SETTINGS = {"components": [1, 2, 3, 5], "covariance_type": "full", "max_width": 10, "ridge": 1e-4, "seed": 0}


def clumps(n: int, width: int, seed: int = 0) -> np.ndarray:
    """Return codes in three clumps, far apart, of the same size and of standard deviation 1."""
    random = np.random.default_rng(seed)
    centres = 30 * np.eye(3, width)
    return (centres[np.arange(n) % 3] + random.normal(size=(n, width))).astype(np.float32)


@pytest.mark.parametrize("covariance_type", ["full", "diag"])
def test_the_number_of_components_is_the_one_of_the_lowest_bic(covariance_type):
    density = samples.fit(clumps(300, 4), **{**SETTINGS, "covariance_type": covariance_type})
    assert list(density.bic) == [1, 2, 3, 5]
    assert min(density.bic, key=density.bic.get) == density.mixture.n_components == 3
    assert density.pca is None


def test_samples_are_spread_as_the_codes_are():
    codes = clumps(600, 4)
    drawn = samples.fit(codes, **SETTINGS).sample(600, seed=1)
    assert drawn.dtype == np.float32 and drawn.shape == codes.shape
    nearest = cdist(drawn, 30 * np.eye(3, 4)).argmin(axis=1)
    assert np.all(np.bincount(nearest) > 150)
    # In no order: the first few are of all three.
    assert set(nearest[:20]) == {0, 1, 2}
    spread = [drawn[nearest == clump].std(axis=0) for clump in range(3)]
    np.testing.assert_allclose(spread, 1, atol=0.2)


def test_wide_codes_are_drawn_along_their_principal_components_alone():
    random = np.random.default_rng(0)
    basis = np.linalg.qr(random.normal(size=(200, 3)))[0].T.astype(np.float32)
    codes = clumps(300, 3) @ basis + np.float32(5)
    density = samples.fit(codes, **{**SETTINGS, "max_width": 3})
    drawn = density.sample(50, seed=0)
    assert density.mixture.n_components == 3 and drawn.shape == (50, 200)
    inside = (drawn - 5) @ basis.T @ basis
    np.testing.assert_allclose(drawn - 5, inside, atol=1e-3)
    assert cdist(drawn, codes).min(axis=1).max() < 5


def test_no_more_principal_components_are_asked_for_than_there_are_codes():
    density = samples.fit(clumps(6, 40), **{**SETTINGS, "components": [1], "max_width": 20})
    assert density.sample(4, seed=0).shape == (4, 40)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("dead", [slice(2, 5), slice(None)])
def test_codes_with_units_that_never_change_have_a_density(dead):
    codes = clumps(60, 5)
    codes[:, dead] = 0
    drawn = samples.fit(codes, **SETTINGS).sample(30, seed=0)
    assert np.isfinite(drawn).all() and np.abs(drawn[:, dead]).max() < 0.5


def test_the_same_seed_gives_the_same_bytes_on_any_number_of_threads():
    codes = clumps(300, 400)
    found = []
    for threads in (1, 2):
        with threadpool_limits(threads):
            density = samples.fit(codes, **SETTINGS)
            found.append((density.bic, density.sample(20, seed=3).tobytes(), density.sample(20, seed=3).tobytes()))
    assert found[0] == found[1] and found[0][1] == found[0][2]
    assert density.sample(20, seed=4).tobytes() != found[0][1]


def test_more_components_than_codes_are_refused():
    with pytest.raises(ArgumentError, match=r"^components asks for 5, more than the 4 training images; lower"):
        samples.fit(clumps(4, 3), **SETTINGS)


def test_the_prior_is_standard_normal():
    codes = samples.prior(5000, 3, seed=0)
    assert codes.dtype == np.float32 and codes.shape == (5000, 3)
    np.testing.assert_allclose(codes.mean(axis=0), 0, atol=0.06)
    np.testing.assert_allclose(np.cov(codes.T), np.eye(3), atol=0.06)
    assert np.array_equal(codes, samples.prior(5000, 3, seed=0))


def test_pairs_are_of_different_classes_and_no_row_is_in_two():
    labels = np.repeat(np.arange(4), 25)
    found = samples.pairs(labels, 30, 0, 100)
    assert found.shape == (30, 2) and len(np.unique(found)) == 60
    assert np.all(labels[found[:, 0]] != labels[found[:, 1]])
    assert np.array_equal(found[:7], samples.pairs(labels, 7, 0, 100))
    assert not np.array_equal(found, samples.pairs(labels, 30, 1, 100))


@pytest.mark.parametrize("labels", [[], [1], [2, 2, 2]])
def test_images_of_one_class_make_no_pairs(labels):
    with pytest.raises(ArgumentError, match=r"^pairs finds no two test images of different classes; raise "):
        samples.pairs(np.array(labels, dtype=np.int64), 5, 0, len(labels))


def test_without_labels_any_two_different_rows_are_a_pair():
    found = samples.pairs(None, 30, 0, 9)
    assert found.shape == (4, 2) and len(np.unique(found)) == 8
    assert not np.array_equal(found, samples.pairs(None, 30, 1, 9))
    with pytest.raises(ArgumentError, match=r"^pairs finds no two test images; raise "):
        samples.pairs(None, 5, 0, 1)


def test_an_interpolation_goes_from_one_code_to_the_other_in_equal_steps():
    starts, ends = np.array([[0, 4], [1, 1]], np.float32), np.array([[2, 0], [1, 3]], np.float32)
    lines = samples.interpolate(starts, ends, 3)
    assert lines.dtype == np.float32
    assert lines.tolist() == [[[0, 4], [1, 2], [2, 0]], [[1, 1], [1, 2], [1, 3]]]


@pytest.mark.parametrize("colour", ["grey", "rgb"])
def test_prepared_images_are_given_another_networks_colour(colour):
    stored = np.random.default_rng(0).integers(0, 256, (5, 4, 6, 3), dtype=np.uint8)
    found = samples.recoloured(Preparation("rgb", flat=False)(stored), colour)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, Preparation(colour, flat=False)(stored), atol=1e-6)


def test_recognition_counts_what_is_sure_and_how_evenly_it_spreads():
    sure, half = np.eye(4) * 0.9 + 0.025, np.full((4, 4), 0.25)
    assert samples.recognition(np.concatenate([sure, half]), 0.9) == {
        "recognised": 0.5,
        "evenness": pytest.approx(1),
    }
    two = sure[[0, 0, 1, 1]]
    assert samples.recognition(two, 0.9) == {"recognised": 1, "evenness": pytest.approx(0.5)}
    assert samples.recognition(sure[[2, 2]], 0.9) == {"recognised": 1, "evenness": pytest.approx(0)}
    assert samples.recognition(half, 0.9) == {"recognised": 0, "evenness": None}


def test_the_distance_to_the_nearest_training_image_is_a_root_mean_square():
    training = np.zeros((3, 4), np.float32)
    training[1] = 0.5
    training[2] = 1
    rows, distances = samples.nearest(training, np.array([[1, 1, 1, 0.8], [0.5, 0.5, 0.5, 0.5]], np.float32))
    assert rows.tolist() == [2, 1]
    assert distances.tolist() == pytest.approx([0.1, 0], abs=1e-6)
