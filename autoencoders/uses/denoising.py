"""Removing noise from images without learning: two filters for a denoising autoencoder to be compared with."""

from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar

import numpy as np
from scipy.ndimage import median_filter
from skimage.restoration import denoise_nl_means

from autoencoders.core.rows import blocks
from autoencoders.images.preparation import add_noise
from autoencoders.uses.reconstruction import scores, squared_error

Method = Callable[[np.ndarray], np.ndarray]
Setting = TypeVar("Setting")


def median(images: np.ndarray, size: int) -> np.ndarray:
    """Replace each value by the median of a square of `size` pixels around it, channel by channel.

    Images are float32 [n, height, width, channels]; beyond their edges they are mirrored.
    """
    return median_filter(images, size=(1, size, size, 1), mode="reflect")


def non_local_means(images: np.ndarray, noise: float, *, patch_size: int, patch_distance: int, h: float) -> np.ndarray:
    """Replace each pixel by a mean of those whose surroundings are like its own (Buades, Coll and Morel, 2005).

    Parameters
    ----------
    images : ndarray of shape (n, height, width, channels), float32 in 0 to 1
    noise : float
        The noise's deviation (see `deviation`), above 0; what it adds to the patches' distances is taken off.
    patch_size, patch_distance : int
        As scikit-image's `denoise_nl_means` takes them, which does the work in its fast mode (Darbon et al., 2008).
    h : float
        The filter's strength in multiples of `noise`.

    Returns
    -------
    ndarray of shape (n, height, width, channels), float32 in 0 to 1
    """
    settings = {"patch_size": patch_size, "patch_distance": patch_distance, "h": h * noise, "sigma": noise}
    found = [denoise_nl_means(image, fast_mode=True, channel_axis=-1, **settings) for image in images]
    # A single channel does not come back.
    return np.reshape(found, images.shape)


def noisy(clean: np.ndarray, noise: float, seed: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield blocks of images, and the same with Gaussian noise of standard deviation `noise`, clipped to 0 to 1.

    Images are float32 [n, height, width, channels] in 0 to 1. The same seed gives the same pattern at every level,
    only weaker or stronger, so that levels differ by nothing else.
    """
    random = np.random.default_rng(seed)
    for rows in blocks(len(clean)):
        yield clean[rows], add_noise(clean[rows], noise, random)


def deviation(clean: np.ndarray, noise: float, seed: int) -> float:
    """Return the root of the mean squared difference that such noise makes to such images; arguments as of `noisy`.

    Clipping makes it less than `noise`: where most pixels are black, half of what is drawn comes to nothing.
    """
    errors = [squared_error(images, worse) for images, worse in noisy(clean, noise, seed)]
    return float(np.sqrt(np.concatenate(errors).mean()))


def compare(
    clean: np.ndarray, methods: Mapping[Setting, Method], noise: float, seed: int
) -> dict[Setting, dict[str, float]]:
    """Score what methods make of noisy images against the clean ones.

    Parameters
    ----------
    clean : ndarray of shape (n, height, width, channels), float32 in 0 to 1
    methods : mapping of name or setting to function
        From noisy images to restored ones, both float32 [n, height, width, channels] in 0 to 1.
    noise, seed
        As `noisy` takes them; every method is given the same images.

    Returns
    -------
    dict of dict
        `autoencoders.uses.reconstruction.scores` for each method.
    """
    return {
        name: scores((images, method(worse)) for images, worse in noisy(clean, noise, seed))
        for name, method in methods.items()
    }


def best(clean: np.ndarray, methods: Mapping[Setting, Method], noise: float, seed: int) -> Setting:
    """Return the setting whose method restores images with the highest mean PSNR; arguments as of `compare`."""
    found = compare(clean, methods, noise, seed)
    return max(found, key=lambda setting: found[setting]["psnr"])
