"""The nearest codes, found by comparing all of them, block by block."""

import numpy as np

from applied.results import Neighbours
from autoencoders.core.errors import ArgumentError

METRICS = ("cosine", "euclidean")
# Numbers of the distances of some queries to a block of codes, and of a block's codes in float64: 64 MiB each.
DISTANCES, NUMBERS = 2**23, 2**23
MOST_QUERIES = 256
# Distances are float32 at the end, so that values that differ by less than this may be equal there.
ROUNDING = 2.0**-21


def nearest(index: np.ndarray, queries: np.ndarray, k: int, metric: str = "cosine") -> Neighbours:
    """Return the nearest codes of an index to each query, the same bits for a query alone and in any batch.

    A product of matrices finds what may be among the nearest. Its sums have another order for other sizes, so that the
    distances of these are then computed one by one, in float64.

    Parameters
    ----------
    index : ndarray of shape (n_index, width), float32
        Perhaps memory-mapped.
    queries : ndarray of shape (n, width), float32
    k : int
    metric : {"cosine", "euclidean"}

    Raises
    ------
    ArgumentError
        If there is no such metric, or `k` does not lie in 1 to n_index.
    """
    check(index, k, metric)
    rows = np.empty((len(queries), k), np.int64)
    distances = np.empty((len(queries), k), np.float32)
    for start in range(0, len(queries), MOST_QUERIES):
        part = slice(start, start + MOST_QUERIES)
        rows[part], distances[part] = _some(index, queries[part].astype(np.float64), k, metric)
    return Neighbours(rows, distances)


def check(index: np.ndarray, k: int, metric: str) -> None:
    """Refuse a metric that there is not, and more neighbours than an index has codes."""
    if metric not in METRICS:
        raise ArgumentError(f"metric is '{metric}'; use {' or '.join(METRICS)}.")
    if not 1 <= k <= len(index):
        raise ArgumentError(f"k is {k}, but is to lie in 1 to {len(index)}, the number of codes in the index.")


def _some(index: np.ndarray, queries: np.ndarray, k: int, metric: str) -> tuple[np.ndarray, np.ndarray]:
    if metric == "cosine":
        queries = _directions(queries)
    n, width = len(queries), queries.shape[1]
    size = max(k, min(NUMBERS // width, DISTANCES // max(n, 1)))
    own = np.full(n, 0.5) if metric == "cosine" else np.square(queries).sum(axis=1) / 2
    found = [np.empty(0, np.int64)] * n
    close = [np.empty(0, np.float32)] * n
    limits = np.full(n, np.inf)
    for start in range(0, len(index), size):
        vectors = np.asarray(index[start : start + size], np.float64)
        if metric == "cosine":
            vectors = _directions(vectors)
        # Half the squared distance, less half of the query's square: of unit vectors 1 - cos, less a constant.
        squares = np.full(len(vectors), 0.5) if metric == "cosine" else np.square(vectors).sum(axis=1) / 2
        approximate = squares - queries @ vectors.T
        if not np.isfinite(approximate).all():
            raise ArgumentError("index or codes hold values that are no finite numbers; use others.")
        # What the product rounds, in units of half a squared distance.
        slack = 2.0**-46 * (own + squares.max()) * max(1, width / 64)
        for query in range(n):
            rows = _candidates(approximate[query] + own[query], limits[query], slack[query], k)
            exact = _distances(vectors[rows], queries[query], metric)
            found[query], close[query] = _first(
                np.concatenate([found[query], start + rows]), np.concatenate([close[query], exact]), k
            )
            if len(close[query]) == k:
                farthest = np.float64(close[query][-1])
                limits[query] = farthest if metric == "cosine" else farthest**2 / 2
    return np.array(found), np.array(close)


def _candidates(approximate: np.ndarray, limit: float, slack: float, k: int) -> np.ndarray:
    """Return the rows that may be among the `k` nearest, where none farther than `limit` is; all in half squares."""
    rows = np.flatnonzero(approximate <= _beyond(limit, slack))
    if len(rows) <= 4 * k + 64:
        return rows
    near = approximate[rows]
    return rows[near <= _beyond(np.partition(near, k - 1)[k - 1], slack)]


def _beyond(limit: float, slack: float) -> float:
    """Return a limit and what the roundings of the product, and of distances to float32, may add to it."""
    return limit + ROUNDING * abs(limit) + slack


def _distances(vectors: np.ndarray, query: np.ndarray, metric: str) -> np.ndarray:
    """Return the distances of vectors [n, width] to a query [width], float32 [n]; each row's sum has its own order.

    Of unit vectors 1 - cos is half the squared distance, and so 0 to the last bit between equal ones.
    """
    squared = np.square(vectors - query).sum(axis=1)
    if metric == "euclidean":
        return np.sqrt(squared).astype(np.float32)
    directed = vectors.any(axis=1) & query.any()
    return np.where(directed, squared / 2, 1).clip(0, 2).astype(np.float32)


def _first(rows: np.ndarray, distances: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    order = np.lexsort((rows, distances))[:k]
    return rows[order], distances[order]


def _directions(vectors: np.ndarray) -> np.ndarray:
    """Return vectors [n, width] of length 1; zeros stay."""
    lengths = np.sqrt(np.square(vectors).sum(axis=1, keepdims=True))
    return vectors / np.where(lengths > 0, lengths, 1)
