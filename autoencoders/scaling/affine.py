"""What a fitted scaling does to vectors, as numbers that other programs can compute with."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np


class Affine(NamedTuple):
    """Pooling, an affine map and perhaps a division by the length: all that `Scaler` does.

    A pooled vector x becomes `((x - mean) @ matrix - offset) / scale`; without a matrix `(x - mean - offset) / scale`.

    Attributes
    ----------
    shape : tuple of int
        Of one vector before it is pooled: (height, width, filters) or (width,).
    pooling : int or None
        Cells a side; see `autoencoders.scaling.pooling.pool`.
    mean : ndarray of shape (pooled width,), float
    matrix : ndarray of shape (pooled width, new width), float, or None
    offset, scale : ndarray of shape (new width,), float64
    unit_length : bool
        Whether the result is divided by its length, where it has one.
    """

    shape: tuple[int, ...]
    pooling: int | None
    mean: np.ndarray
    matrix: np.ndarray | None
    offset: np.ndarray
    scale: np.ndarray
    unit_length: bool


class Projection(NamedTuple):
    """Vectors less a mean [width] times a matrix [width, new width]."""

    mean: np.ndarray
    matrix: np.ndarray


class Standard(NamedTuple):
    """Numbers less a mean [width], over a scale [width]."""

    mean: np.ndarray
    scale: np.ndarray


def composed(
    steps: Sequence[Projection | Standard],
    width: int,
    shape: tuple[int, ...],
    pooling: int | None,
    unit_length: bool,
) -> Affine:
    """Return steps that are taken one after another, a projection first if there is one, as one map.

    `width` is that of pooled vectors.
    """
    mean, matrix = np.zeros(width, np.float32), None
    offset, scale = np.zeros(width), np.ones(width)
    for step in steps:
        if isinstance(step, Projection):
            mean, matrix = step.mean, step.matrix
            offset, scale = np.zeros(matrix.shape[1]), np.ones(matrix.shape[1])
        else:
            offset, scale = offset + scale * step.mean, scale * step.scale
    return Affine(shape, pooling, mean, matrix, offset, scale, unit_length)
