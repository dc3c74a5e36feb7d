"""Images shrunk to what a figure or a page shows of them."""

from collections.abc import Sequence

import numpy as np
from PIL import Image


def size(shape: Sequence[int], most: int) -> tuple[int, int]:
    """Return the height and width of an image, given its own, that is shrunk to at most `most` pixels a side."""
    height, width = shape
    scale = min(1.0, most / max(height, width))
    return max(1, round(scale * height)), max(1, round(scale * width))


def shrunk(images: np.ndarray, most: int) -> np.ndarray:
    """Return images, uint8 [n, height, width, 1 or 3], of at most `most` pixels a side, in the same proportion.

    Each pixel is the mean of those that it stands for. Images that are small enough come back as they are.
    """
    height, width = size(images.shape[1:3], most)
    if (height, width) == images.shape[1:3]:
        return images
    # Pillow takes grey images without their channel.
    pictures = [Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image) for image in images]
    found = [np.asarray(picture.resize((width, height), Image.Resampling.BOX)) for picture in pictures]
    return np.stack(found).reshape(len(images), height, width, images.shape[-1])
