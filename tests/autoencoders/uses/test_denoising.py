import numpy as np
import pytest
from scipy.ndimage import median_filter
from skimage.metrics import peak_signal_noise_ratio
from skimage.restoration import denoise_nl_means

from autoencoders.core.rows import blocks
from autoencoders.images.preparation import add_noise
from autoencoders.uses import denoising

SETTINGS = {"patch_size": 3, "patch_distance": 4, "h": 0.8}


def squares(n: int, channels: int) -> np.ndarray:
    """Return images of two shades, the one a square in the other."""
    images = np.full((n, 16, 16, channels), 0.3, np.float32)
    images[:, 4:12, 4:12] = 0.7
    return images


def same(images: np.ndarray) -> np.ndarray:
    return images


@pytest.mark.parametrize("channels", [1, 3])
def test_the_median_is_taken_over_a_square_of_each_channel(channels):
    images = np.random.default_rng(0).random((3, 8, 9, channels), dtype=np.float32)
    found = denoising.median(images, 3)
    assert found.dtype == np.float32 and found.shape == images.shape
    for image, restored in zip(images, found, strict=True):
        for channel in range(channels):
            assert np.array_equal(restored[..., channel], median_filter(image[..., channel], size=3, mode="reflect"))


@pytest.mark.parametrize("channels", [1, 3])
def test_non_local_means_are_those_of_scikit_image_told_the_noise(channels):
    images = np.random.default_rng(0).random((2, 12, 12, channels), dtype=np.float32)
    found = denoising.non_local_means(images, 0.2, **SETTINGS)
    assert found.dtype == np.float32 and found.shape == images.shape
    options = {"patch_size": 3, "patch_distance": 4, "h": 0.16, "sigma": 0.2, "fast_mode": True, "channel_axis": -1}
    for image, restored in zip(images, found, strict=True):
        assert np.array_equal(restored, denoise_nl_means(image, **options).reshape(image.shape))


@pytest.mark.parametrize("channels", [1, 3])
def test_both_filters_take_noise_off(channels):
    clean = squares(4, channels)
    methods = {
        "noisy": same,
        "median": lambda images: denoising.median(images, 3),
        "nlm": lambda images: denoising.non_local_means(images, 0.1, **SETTINGS),
    }
    found = denoising.compare(clean, methods, 0.1, seed=0)
    assert list(found) == list(methods)
    assert found["median"]["psnr"] > found["noisy"]["psnr"] + 3
    assert found["nlm"]["psnr"] > found["noisy"]["psnr"] + 3
    assert found["nlm"]["ssim"] > found["noisy"]["ssim"]


def test_every_method_is_given_the_same_images_and_scored_against_the_clean_ones():
    clean = squares(5, 3)
    seen = []

    def remember(images):
        seen.append(images)
        return images

    found = denoising.compare(clean, {"one": remember, "other": remember}, 0.2, seed=0)
    assert found["one"] == found["other"] and np.array_equal(*seen)
    expected = add_noise(clean, 0.2, np.random.default_rng(0))
    assert np.array_equal(seen[0], expected)
    pairs = zip(clean, expected, strict=True)
    psnr = np.mean([peak_signal_noise_ratio(*pair, data_range=1) for pair in pairs])
    assert found["one"]["psnr"] == pytest.approx(psnr, rel=1e-5)


def test_levels_differ_in_the_strength_of_the_noise_alone():
    clean = np.full((3, 8, 8, 1), 0.5, np.float32)
    (weak,), (strong,) = ([worse for _, worse in denoising.noisy(clean, noise, 0)] for noise in (0.01, 0.05))
    np.testing.assert_allclose((strong - 0.5) / 5, weak - 0.5, atol=1e-6)
    ((_, other),) = denoising.noisy(clean, 0.05, 1)
    assert not np.allclose(other, strong)


def test_noise_is_drawn_anew_for_each_block(monkeypatch):
    monkeypatch.setattr(denoising, "blocks", lambda n: blocks(n, 4))
    clean = np.full((10, 8, 8, 1), 0.5, np.float32)
    found = list(denoising.noisy(clean, 0.1, 0))
    assert [len(images) for images, _ in found] == [len(worse) for _, worse in found] == [4, 4, 2]
    assert not np.allclose(found[0][1], found[1][1])


def test_clipping_halves_the_deviation_of_noise_on_black():
    grey, black = np.full((20, 16, 16, 1), 0.5, np.float32), np.zeros((20, 16, 16, 1), np.float32)
    assert denoising.deviation(grey, 0.1, seed=0) == pytest.approx(0.1, rel=0.05)
    assert denoising.deviation(black, 0.1, seed=0) == pytest.approx(0.1 / 2**0.5, rel=0.05)


def test_the_best_setting_is_that_of_the_highest_psnr():
    clean = squares(4, 1)
    methods = {size: (lambda images, size=size: denoising.median(images, size)) for size in (9, 3, 1)}
    found = denoising.compare(clean, methods, 0.1, seed=0)
    assert denoising.best(clean, methods, 0.1, seed=0) == 3
    assert found[3]["psnr"] == max(scores["psnr"] for scores in found.values())
