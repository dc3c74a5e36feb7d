"""Nearest neighbours by code, and how often they are of the query's class."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits

from autoencoders.core.errors import InputError
from autoencoders.core.rows import Rows, blocks


class Neighbours(NamedTuple):
    """The nearest vectors of an index for each query, nearest first.

    Attributes
    ----------
    rows : ndarray of shape (n_queries, k), int64
        Their rows in the index.
    distances : ndarray of shape (n_queries, k), float32 or float64, at least 0
    """

    rows: np.ndarray
    distances: np.ndarray


def check(k: int, n_index: int, n_queries: int) -> None:
    """Raise an `InputError` where there are fewer than `k` images to find, or none to search for."""
    if k > n_index:
        raise InputError(f"search.neighbours asks for {k}, more than the {n_index} training images; lower it.")
    if n_queries < 1:
        raise InputError("search.queries has no test images to draw from; raise the data set's test_share or limit.")


def nearest(
    index: np.ndarray | Rows, queries: np.ndarray, metrics: Iterable[str], k: int, memory: int | None = None
) -> dict[str, Neighbours]:
    """Find the `k` vectors of `index` that are nearest to each query, by comparing it with all of them.

    Parameters
    ----------
    index : ndarray or Rows of shape (n_index, width), float32
    queries : ndarray of shape (n_queries, width), float32
    metrics : iterable of {"cosine", "euclidean"}
        As scikit-learn's `NearestNeighbors` takes them. The cosine distance is 1 - cos, in 0 to 2; a vector of
        zeros, which has no direction, is at distance 1 from all.
    k : int
        From 1 to n_index.
    memory : int, optional
        Bytes up to which all of the index is held at once; of a larger one a quarter of so many at a time, since the
        search takes as much again for a copy and for distances. By default it is held.

    Returns
    -------
    dict of Neighbours
        Under each metric.

    Raises
    ------
    InputError
        If `k` is more than there are vectors in the index, or there are no queries.
    """
    # Scikit-learn takes a second to import, which a mistake in the parameters need not wait for.
    from sklearn import config_context
    from sklearn.neighbors import NearestNeighbors

    check(k, len(index), len(queries))
    n, width = index.shape
    in_parts = memory is not None and memory < 4 * n * width
    at_a_time = max(k, memory // (4 * 4 * width)) if in_parts else n
    # MiB of distances that scikit-learn holds at a time.
    working = {} if memory is None else {"working_memory": max(memory // 2**22, 1)}
    found = {metric: [] for metric in metrics}
    # Threads add in an order that depends on their number, and with it change a product's last bits.
    with threadpool_limits(1), config_context(**working):
        for rows in blocks(n, at_a_time):
            vectors = index[rows]
            for metric, parts in found.items():
                fitted = NearestNeighbors(n_neighbors=min(k, len(vectors)), algorithm="brute", metric=metric)
                distances, places = fitted.fit(vectors).kneighbors(queries)
                parts.append(Neighbours(rows.start + places, distances))
    return {metric: _nearest_of_all(parts, k) for metric, parts in found.items()}


def _nearest_of_all(parts: list[Neighbours], k: int) -> Neighbours:
    """Return the `k` nearest of those that were found in parts of an index."""
    if len(parts) == 1:
        return parts[0]
    rows, distances = (np.concatenate(each, axis=1) for each in zip(*parts, strict=True))
    order = np.argsort(distances, axis=1, kind="stable")[:, :k]
    return Neighbours(np.take_along_axis(rows, order, axis=1), np.take_along_axis(distances, order, axis=1))


def precision(found: np.ndarray, wanted: np.ndarray, neighbours: Iterable[int]) -> dict[int, float]:
    """Return the precision at each of `neighbours`: the share of so many nearest vectors that are of the query's class.

    Parameters
    ----------
    found : ndarray of shape (n_queries, k), integers
        The neighbours' classes, nearest first.
    wanted : ndarray of shape (n_queries,), integers
        The queries' classes.
    neighbours : iterable of int
        From 1 to k.
    """
    agrees = found == wanted[:, np.newaxis]
    return {k: float(agrees[:, :k].mean()) for k in neighbours}
