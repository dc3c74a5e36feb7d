"""Which rows are drawn or shown, the same for the same seed."""

from itertools import zip_longest

import numpy as np

from autoencoders.core.rows import Rows, blocks


def sample(n: int, size: int | None, seed: int) -> np.ndarray:
    """Return `size` different rows of `n`, drawn by `seed`, in ascending order; all where `size` is None or above n."""
    return np.sort(np.random.default_rng(seed).permutation(n)[:size])


def sampled(vectors: np.ndarray | Rows, size: int, seed: int) -> np.ndarray:
    """Return `size` of the vectors [n, width], drawn by `seed`, in their order; all where there are no more.

    Rows are read block by block, and only those that are drawn.
    """
    if size >= len(vectors):
        return np.asarray(vectors)
    chosen = sample(len(vectors), size, seed)
    drawn = np.empty((size, *vectors.shape[1:]), vectors.dtype)
    for rows in blocks(size):
        drawn[rows] = vectors[chosen[rows]]
    return drawn


def varied(labels: np.ndarray | None, n: int, of: int) -> np.ndarray:
    """Return (at most) `n` positions of `of`, int64: the first of each class, then the second of each, and so on.

    Without labels, one for each of the `of` positions, they are the first `n`.
    """
    if labels is None:
        return np.arange(min(n, of))
    classes = [np.flatnonzero(labels == label).tolist() for label in np.unique(labels)]
    turns = [position for turn in zip_longest(*classes) for position in turn if position is not None]
    return np.array(turns[:n], dtype=np.int64)
