"""From images as stored to what networks take, and from labels to targets.

Images are stored as uint8 and turned into float32 block by block where they are used: at four bytes a
value (and grey needs fractions) the prepared form is four times the size of the stored one.
"""

from typing import NamedTuple

import numpy as np


class Preparation(NamedTuple):
    """The form in which a network takes images.

    Attributes
    ----------
    colour : {"grey", "rgb"}
        Grey is the mean of the three channels, as in the chapter; images of one channel stay as they are.
    flat : bool
        Whether each image is a vector, as dense layers take it, or keeps height, width and channels.
    """

    colour: str
    flat: bool

    def shape(self, image_shape: tuple[int, int, int]) -> tuple[int, ...]:
        """Return the shape of one prepared image, given the (height, width, channels) of a stored one."""
        height, width, channels = image_shape
        shape = (height, width, 1 if self.colour == "grey" else channels)
        return (int(np.prod(shape)),) if self.flat else shape

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """Return `images`, uint8 [N, H, W, C] in 0 to 255, as float32 in 0 to 1 of shape [N, *shape]."""
        prepared = scale(images) if self.colour == "rgb" else grey(images)
        return prepared.reshape(len(images), -1) if self.flat else prepared


def scale(images: np.ndarray) -> np.ndarray:
    """Return uint8 images in 0 to 255 as float32 in 0 to 1, of the same shape."""
    return np.divide(images, np.float32(255), dtype=np.float32)


def grey(images: np.ndarray) -> np.ndarray:
    """Return the mean over the channels of uint8 [N, H, W, C] as float32 [N, H, W, 1] in 0 to 1.

    The chapter (Exercise 20) takes the plain mean, not a luminance; so does this.
    """
    # A sum of a few bytes is exact in float32, so that only the division rounds.
    total = images.sum(axis=-1, keepdims=True, dtype=np.float32)
    return total / np.float32(255 * images.shape[-1])


def one_hot(labels: np.ndarray, n_classes: int) -> np.ndarray:
    """Return labels [N], integers from 0 to n_classes - 1, as float32 [N, n_classes] of zeros and a one.

    Raises
    ------
    ValueError
        If a label is out of range.
    """
    labels = np.asarray(labels)
    if labels.size and not 0 <= labels.min() <= labels.max() < n_classes:
        raise ValueError(f"labels must lie in 0 to {n_classes - 1}, got {labels.min()} to {labels.max()}")
    return np.eye(n_classes, dtype=np.float32)[labels]


def validation_start(n_images: int, share: float) -> int:
    """Return where the validation images start when the last `share` of `n_images` are set apart.

    The chapter's notebook validates on the last 3,000 of 10,000 images: a share of 0.3. At least one image
    stays on either side.

    Raises
    ------
    ValueError
        If there are fewer than two images, or the share does not lie between 0 and 1.
    """
    if n_images < 2 or not 0 < share < 1:
        raise ValueError(f"cannot set apart a share of {share} of {n_images} images")
    return n_images - min(max(round(n_images * share), 1), n_images - 1)


def add_noise(images: np.ndarray, noise: float, random: np.random.Generator) -> np.ndarray:
    """Return prepared images with Gaussian noise of standard deviation `noise`, clipped to 0 to 1; all float32."""
    return np.clip(images + np.float32(noise) * random.standard_normal(images.shape, dtype=np.float32), 0, 1)
