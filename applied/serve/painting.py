"""Images as PNG, alone, in a grid, or as an address that holds them."""

import base64
import io
import math

import numpy as np
from PIL import Image


def png(image: np.ndarray) -> bytes:
    """Return an image, uint8 [height, width, 1 or 3], as a PNG."""
    file = io.BytesIO()
    Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image).save(file, "PNG", compress_level=1)
    return file.getvalue()


def address(image: np.ndarray) -> str:
    """Return an image, uint8 [height, width, 1 or 3], as a `data:` address of its PNG."""
    return f"data:image/png;base64,{base64.b64encode(png(image)).decode('ascii')}"


def grid(images: np.ndarray) -> np.ndarray:
    """Return images, uint8 [n, height, width, channels], side by side in rows, as near to a square as n allows."""
    n, height, width, channels = images.shape
    columns = math.ceil(math.sqrt(n))
    rows = math.ceil(n / columns)
    whole = np.zeros((rows * columns, height, width, channels), np.uint8)
    whole[:n] = images
    return (
        whole.reshape(rows, columns, height, width, channels)
        .swapaxes(1, 2)
        .reshape(rows * height, columns * width, channels)
    )
