"""Handwritten digits set upright."""

import numpy as np


def deskew(images: np.ndarray) -> np.ndarray:
    """Shear each image so that its strokes lean neither way, and centre it from side to side.

    By the moments of its brightness, as LeCun et al., "Gradient-based learning applied to document recognition",
    1998, do to their digits: row y moves by the covariance of x and y over the variance of y, times its distance
    from the centre of brightness.

    Parameters
    ----------
    images : ndarray of shape (n, height, width, 1), uint8
        Bright strokes on black. An image without any comes back as it is.

    Returns
    -------
    ndarray of shape (n, height, width, 1), uint8
        Interpolated linearly along each row.
    """
    straight = np.empty(images.shape, np.uint8)
    for image, target in zip(images[..., 0], straight[..., 0], strict=True):
        brightness = image.astype(np.float64)
        total = brightness.sum()
        if not total:
            target[:] = 0
            continue
        y, x = np.indices(image.shape)
        centre_y, centre_x = (brightness * y).sum() / total, (brightness * x).sum() / total
        variance = (brightness * (y - centre_y) ** 2).sum()
        lean = (brightness * (y - centre_y) * (x - centre_x)).sum() / variance if variance else 0.0
        shift = centre_x - (image.shape[1] - 1) / 2 - lean * centre_y
        target[:] = _moved(brightness, shift + y * lean + x).round().clip(0, 255)
    return straight


def _moved(brightness: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Return the brightness at places along each row, float64 [height, width]: linear between pixels, 0 beyond them.

    The operations and their order are those of SciPy's `affine_transform`, and so are the bits. SciPy itself is not
    needed where a trained network is used.
    """
    last = brightness.shape[1] - 1
    left = np.floor(places).clip(0, last).astype(np.intp)
    share = places - np.floor(places)
    found = np.take_along_axis(brightness, left, 1) * (1 - share)
    found += np.take_along_axis(brightness, np.minimum(left + 1, last), 1) * share
    return np.where((places < 0) | (places > last), 0.0, found)
