"""How near a reconstruction comes to its image."""

from collections.abc import Iterable
from typing import TypeAlias

import numpy as np

# Of the probabilities in the cross-entropy, as Keras's own `epsilon`: no finite float32 score is lost to log(0).
EPSILON = 1e-7
# Each image's cross-entropy, squared error and structural similarity, float [n].
PerImage: TypeAlias = tuple[np.ndarray, np.ndarray, np.ndarray]
# Pixels a side of the window of the structural similarity: scikit-image's own default.
WINDOW = 7


def scores(pairs: Iterable[tuple[np.ndarray, np.ndarray]]) -> dict[str, float]:
    """Return the mean scores of reconstructions over all images.

    Parameters
    ----------
    pairs : iterable of (images, reconstructions)
        Blocks of float32 [n, height, width, channels] in 0 to 1.

    Returns
    -------
    dict
        `binary_crossentropy` in nats a value; `mean_squared_error`; `psnr` in dB, the mean of the images' own;
        `ssim`, the structural similarity (Wang et al., 2004) in -1 to 1.
    """
    return means(image_scores(images, found) for images, found in pairs)


def image_scores(images: np.ndarray, found: np.ndarray) -> PerImage:
    """Return the scores of each image of one pair; see `scores`."""
    return cross_entropy(images, found), squared_error(images, found), similarity(images, found)


def means(per_image: Iterable[PerImage]) -> dict[str, float]:
    """Return what `scores` returns, from what `image_scores` returns for each block."""
    entropy, error, ssim = (np.concatenate(values) for values in zip(*per_image, strict=True))
    return {
        "binary_crossentropy": float(entropy.mean()),
        "mean_squared_error": float(error.mean()),
        "psnr": float(psnr(error).mean()),
        "ssim": float(ssim.mean()),
    }


def cross_entropy(images: np.ndarray, found: np.ndarray) -> np.ndarray:
    """Return each image's mean binary cross-entropy [n]; both arguments [n, …] in 0 to 1."""
    found = np.clip(found, EPSILON, 1 - EPSILON)
    entropy = -(images * np.log(found) + (1 - images) * np.log1p(-found))
    return entropy.mean(axis=tuple(range(1, images.ndim)))


def squared_error(images: np.ndarray, found: np.ndarray) -> np.ndarray:
    """Return each image's mean squared error [n]; both arguments [n, …] in 0 to 1."""
    return np.square(images - found).mean(axis=tuple(range(1, images.ndim)))


def psnr(error: np.ndarray) -> np.ndarray:
    """Return the peak signal-to-noise ratio in dB of mean squared errors [n] of images in 0 to 1.

    An error of zero counts as that of a half step of 8 bits in every pixel, so that means stay finite.
    """
    return -10 * np.log10(np.maximum(error, (0.5 / 255) ** 2))


def similarity(images: np.ndarray, found: np.ndarray) -> np.ndarray:
    """Return each image's structural similarity [n], by scikit-image with its window of 7×7 pixels.

    Images are float32 [n, height, width, channels]. Where a side has fewer pixels than the window, the window is the
    largest that fits and has an odd side; of one pixel, variances are 0 and means alone count.
    """
    # scikit-image takes half a second to import, which whoever wants other scores need not wait for.
    from skimage.metrics import structural_similarity

    side = min(WINDOW, *images.shape[1:3])
    window = side - (side + 1) % 2
    options = {} if window == WINDOW else {"win_size": window, "use_sample_covariance": window > 1}
    return np.array(
        [
            structural_similarity(image, other, data_range=1.0, channel_axis=-1, **options)
            for image, other in zip(images, found, strict=True)
        ]
    )
