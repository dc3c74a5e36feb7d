"""The nearest codes, found by comparing all of them."""

import numpy as np

from applied.results import Neighbours
from autoencoders.core.errors import ArgumentError
from autoencoders.uses import exact

METRICS = exact.METRICS


def nearest(index: np.ndarray, queries: np.ndarray, k: int, metric: str = "cosine") -> Neighbours:
    """Return the nearest codes of an index to each query, the same bits for a query alone and in any batch.

    Parameters
    ----------
    index : ndarray of shape (n_index, width), float32
        Perhaps memory-mapped.
    queries : ndarray of shape (n, width), float32
    k : int
    metric : {"cosine", "euclidean"}

    Returns
    -------
    Neighbours
        Nearest first, and of equally near ones the first rows. Distances are Euclidean, or 1 - cos, in 0 to 2; a code
        of zeros has no direction and is at cosine distance 1 from all.

    Raises
    ------
    ArgumentError
        If there is no such metric, or `k` does not lie in 1 to n_index.
    """
    check(index, k, metric)
    return exact.nearest(index, queries, k, metric)


def check(index: np.ndarray, k: int, metric: str) -> None:
    """Refuse a metric that there is not, and more neighbours than an index has codes."""
    if metric not in METRICS:
        raise ArgumentError(f"metric is '{metric}'; use {' or '.join(METRICS)}.")
    if not 1 <= k <= len(index):
        raise ArgumentError(f"k is {k}, but is to lie in 1 to {len(index)}, the number of codes in the index.")
