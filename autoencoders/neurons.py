"""A neuron in NumPy (Exercise 18, Activity 8), and what pooling and up-sampling layers do (Figure 5.31)."""

from collections.abc import Callable

import numpy as np
from scipy.special import expit


def sigmoid(x: np.ndarray) -> np.ndarray:
    """Return 1 / (1 + exp(-x)) element by element; stable for any float, with no overflow warning."""
    return expit(x)


def relu(x: np.ndarray) -> np.ndarray:
    """Return x where it is positive and 0 elsewhere, element by element.

    The chapter prints `np.max(0, x)`, which fails on arrays; `np.maximum` is what it means.
    """
    return np.maximum(0, x)


def response(x: np.ndarray, theta: float, activation: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Return the output of a neuron with one weight `theta` for the inputs `x` [N]: activation(theta * x)."""
    return activation(theta * np.asarray(x))


def max_pool(x: np.ndarray, size: int = 2) -> np.ndarray:
    """Return the maximum of each size×size window of x [H, W], as [H / size, W / size].

    Raises
    ------
    ValueError
        If height or width is no multiple of `size`.
    """
    height, width = x.shape
    if height % size or width % size:
        raise ValueError(f"a {height}×{width} array cannot be pooled in windows of {size}×{size}")
    return x.reshape(height // size, size, width // size, size).max(axis=(1, 3))


def up_sample(x: np.ndarray, size: int = 2) -> np.ndarray:
    """Return x [H, W] with each row and each column repeated `size` times, as [H * size, W * size]."""
    return x.repeat(size, axis=0).repeat(size, axis=1)
