"""Nearest neighbours by code, and how often they are of the query's class."""

from collections.abc import Iterable
from functools import partial

import numpy as np

from autoencoders.core.engines import divided
from autoencoders.core.errors import ArgumentError
from autoencoders.core.rows import Rows, over_blocks
from autoencoders.core.threads import one_thread
from autoencoders.uses import exact
from autoencoders.uses.exact import Neighbours

# Vectors up to which scikit-learn searches an index in memory: that takes seconds, and recorded results are its.
FEW = 2**16
# Vectors of an index that are searched as one where workers share them. Each part takes anew what bounds the rest.
PART = 2**18


def nearest(
    index: np.ndarray | Rows, queries: np.ndarray, metrics: Iterable[str], k: int, memory: int | None = None
) -> dict[str, Neighbours]:
    """Find the `k` vectors of `index` that are nearest to each query, by comparing it with all of them.

    Scikit-learn searches an index in memory of at most FEW vectors, and `exact.nearest` any other. Their distances
    differ by roundings, and of equally near vectors they may take others.

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
        Bytes up to which the whole index is in memory, by default all. A larger one is searched part by part.

    Returns
    -------
    dict of Neighbours
        Under each metric.

    Raises
    ------
    ArgumentError
        If `k` is more than there are vectors in the index, or there are no queries.
    """
    if k > len(index):
        raise ArgumentError(f"k is {k}, more than the {len(index)} vectors of the index; lower it.")
    if not len(queries):
        raise ArgumentError("queries are empty; give at least one.")
    n, width = index.shape
    in_parts = memory is not None and memory < 4 * n * width
    # MiB of distances that scikit-learn computes at a time.
    working = {} if memory is None else {"working_memory": max(memory // 2**22, 1)}
    found = {}
    for metric in metrics:
        if (in_parts or n > FEW) and metric in exact.METRICS:
            work, size = partial(_in_part, index, queries, metric, k), max(k, PART) if divided() else n
        else:
            work = partial(_in_block, index, queries, metric, k, working)
            size = max(k, memory // (4 * 4 * width)) if in_parts else n
        here = not isinstance(index, Rows)
        found[metric] = _nearest_of_all([near for _, near in over_blocks(work, n, size, here=here)], k)
    return found


def _in_part(index: np.ndarray | Rows, queries: np.ndarray, metric: str, k: int, rows: slice) -> Neighbours:
    """Return the neighbours among some rows of the index, of which few are read at a time."""
    with one_thread():
        return exact.nearest(index, queries, min(k, rows.stop - rows.start), metric, rows)


def _in_block(
    index: np.ndarray | Rows, queries: np.ndarray, metric: str, k: int, working: dict[str, int], rows: slice
) -> Neighbours:
    """Return the neighbours among some rows of the index, which are read at once."""
    # Scikit-learn takes a second to import, which a mistake in the parameters need not wait for.
    from sklearn import config_context
    from sklearn.neighbors import NearestNeighbors

    vectors = index[rows]
    with one_thread(), config_context(**working):
        search = NearestNeighbors(n_neighbors=min(k, len(vectors)), algorithm="brute", metric=metric)
        distances, places = search.fit(vectors).kneighbors(queries)
    return Neighbours(rows.start + places, distances)


def _nearest_of_all(per_block: list[Neighbours], k: int) -> Neighbours:
    """Return the `k` nearest of the neighbours that were found in each block of an index."""
    if len(per_block) == 1:
        return per_block[0]
    rows, distances = (np.concatenate(arrays, axis=1) for arrays in zip(*per_block, strict=True))
    order = np.argsort(distances, axis=1, kind="stable")[:, :k]
    return Neighbours(np.take_along_axis(rows, order, axis=1), np.take_along_axis(distances, order, axis=1))


def precision_at(neighbour_labels: np.ndarray, labels: np.ndarray, ks: Iterable[int]) -> dict[int, float]:
    """Return the precision at each k: the share of the k nearest vectors that are of the query's class.

    Parameters
    ----------
    neighbour_labels : ndarray of shape (n_queries, k), int64
        The neighbours' classes, nearest first.
    labels : ndarray of shape (n_queries,), int64
        The queries' classes.
    ks : iterable of int
        From 1 to k.
    """
    agrees = neighbour_labels == labels[:, np.newaxis]
    return {k: float(agrees[:, :k].mean()) for k in ks}
