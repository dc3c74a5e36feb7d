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
    """Return images, uint8 [n, height, width, 3], of at most `most` pixels a side, in the same proportion.

    Each pixel is the mean of those that it stands for. Images that are small enough come back as they are.
    """
    height, width = size(images.shape[1:3], most)
    if (height, width) == images.shape[1:3]:
        return images
    found = [Image.fromarray(image).resize((width, height), Image.Resampling.BOX) for image in images]
    return np.stack([np.asarray(image) for image in found])
