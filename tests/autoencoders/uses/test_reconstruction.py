import numpy as np
import pytest
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from autoencoders.uses import reconstruction

RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.random((6, 16, 16, 3), dtype=np.float32)
FOUND = np.clip(IMAGES + RANDOM.normal(0, 0.1, IMAGES.shape).astype(np.float32), 0, 1)


def test_scores_are_the_means_of_each_images_own():
    scores = reconstruction.scores([(IMAGES, FOUND)])
    pairs = list(zip(IMAGES, FOUND, strict=True))
    assert scores["psnr"] == pytest.approx(np.mean([peak_signal_noise_ratio(a, b, data_range=1) for a, b in pairs]))
    ssim = [structural_similarity(a, b, data_range=1, channel_axis=-1) for a, b in pairs]
    assert scores["ssim"] == pytest.approx(np.mean(ssim))
    assert scores["mean_squared_error"] == pytest.approx(np.square(IMAGES - FOUND).mean())


def test_scores_do_not_depend_on_how_the_images_are_cut_into_blocks():
    whole = reconstruction.scores([(IMAGES, FOUND)])
    cut = reconstruction.scores([(IMAGES[:1], FOUND[:1]), (IMAGES[1:], FOUND[1:])])
    assert cut == pytest.approx(whole, rel=1e-6)


def test_cross_entropy_is_kerass():
    from autoencoders.networks.runtime import keras

    expected = keras.losses.BinaryCrossentropy()(IMAGES, FOUND)
    assert reconstruction.cross_entropy(IMAGES, FOUND).mean() == pytest.approx(float(expected), rel=1e-5)


def test_a_certain_and_wrong_pixel_costs_a_finite_amount():
    scores = reconstruction.scores([(np.zeros((1, 8, 8, 1), np.float32), np.ones((1, 8, 8, 1), np.float32))])
    assert np.isfinite(list(scores.values())).all()
    assert scores["psnr"] == 0


def test_a_perfect_reconstruction_has_a_finite_psnr_above_any_rounding():
    scores = reconstruction.scores([(IMAGES, IMAGES)])
    assert scores["ssim"] == pytest.approx(1)
    assert 50 < scores["psnr"] < 60


@pytest.mark.parametrize(("height", "width", "window"), [(16, 5, 5), (4, 40, 3), (6, 6, 5), (2, 9, 1), (1, 1, 1)])
def test_images_smaller_than_the_window_are_compared_by_a_smaller_one(height, width, window):
    images = RANDOM.random((2, height, width, 3), dtype=np.float32)
    found = reconstruction.similarity(images, 0.5 * images)
    options = {"win_size": window, "use_sample_covariance": window > 1, "data_range": 1, "channel_axis": -1}
    expected = [structural_similarity(image, 0.5 * image, **options) for image in images]
    assert found.tolist() == pytest.approx(expected) and np.isfinite(found).all()
    assert reconstruction.similarity(images, images) == pytest.approx(1)
