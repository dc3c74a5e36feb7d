import numpy as np
import pytest

from autoencoders.pages import thumbnails


@pytest.mark.parametrize("channels", [1, 3])
def test_each_pixel_of_a_thumbnail_is_the_mean_of_those_it_stands_for(channels):
    pixels = np.random.default_rng(0).integers(0, 256, (2, 220, 220, channels), np.uint8)
    means = pixels.reshape(2, 110, 2, 110, 2, channels).mean(axis=(2, 4))
    np.testing.assert_allclose(thumbnails.shrunk(pixels, 110), means, atol=1.5)


@pytest.mark.parametrize(
    ("size", "expected"),
    [((28, 28), (28, 28)), ((64, 40), (64, 40)), ((256, 512), (32, 64)), ((1000, 1), (64, 1)), ((65, 65), (64, 64))],
)
def test_a_thumbnail_keeps_the_proportion_and_no_side_is_larger_than_asked_for(size, expected):
    assert thumbnails.size(size, 64) == expected
    images = np.zeros((1, *size, 3), np.uint8)
    assert thumbnails.shrunk(images, 64).shape == (1, *expected, 3)
