"""From the numbers of an array of images to bytes."""

import math
from collections.abc import Callable

import numpy as np

from autoencoders.core.errors import ArgumentError, InputError
from autoencoders.images.sixteen_bits import scaled_integers
from autoencoders.sources.names import shown

# Takes images and their numbers in the array.
ToBytes = Callable[[np.ndarray, np.ndarray], np.ndarray]


def check_range(range: tuple[float, float] | None) -> None:
    """Raise an ArgumentError if a range is given that is none."""
    if range is None:
        return
    if len(range) != 2 or not all(math.isfinite(value) for value in range) or range[0] >= range[1]:
        raise ArgumentError(f"range is {list(range)}, but is to be [low, high], two numbers, the lower one first.")


def converter(name: str, dtype: np.dtype, range: tuple[float, float] | None) -> ToBytes:
    """Return the function that turns images of a dtype into uint8.

    Parameters
    ----------
    name : str
        Of the array, for sentences.
    dtype : numpy.dtype
    range : (low, high), optional
        The values that become 0 and 255. Without it uint8 stays, uint16 is divided by 257 and rounded, and bool becomes
        0 and 255.

    Raises
    ------
    InputError
        If the values are no numbers, or can be taken by a range alone. The function itself raises it if a value is NaN
        or lies outside of the range.
    """
    if dtype.kind not in "buif":
        raise InputError(f"{shown(name)} has values of {dtype}; save it as numbers: uint8, uint16 or floats.")
    if range is not None:
        return _by_range(name, *range)
    if dtype == np.uint8:
        return lambda images, numbers: np.asarray(images)
    if dtype == np.bool_:
        return lambda images, numbers: np.asarray(images) * np.uint8(255)
    if dtype.kind == "u" and dtype.itemsize == 2:
        return lambda images, numbers: scaled_integers(np.asarray(images))
    raise ArgumentError(
        f"range is not given, and {shown(name)} has values of {dtype}; give the values that become 0 and 255, such as "
        "[0, 1]."
    )


def _by_range(name: str, low: float, high: float) -> ToBytes:
    def convert(images: np.ndarray, numbers: np.ndarray) -> np.ndarray:
        values = np.asarray(images, dtype=np.float64)
        # NaN is neither above nor below.
        wrong = ~((values >= low) & (values <= high))
        if wrong.any():
            place = tuple(np.argwhere(wrong)[0])
            what = "NaN" if math.isnan(values[place]) else f"{values[place]:g}, outside of range [{low:g}, {high:g}]"
            raise InputError(f"Image {numbers[place[0]]} of {shown(name)} holds {what}; correct it, or change range.")
        return np.floor((values - low) * (255 / (high - low)) + 0.5).astype(np.uint8)

    return convert
