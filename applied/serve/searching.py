"""Search of one index again and again: what depends on the index alone is computed once."""

import numpy as np

from applied import search
from applied.results import Neighbours

# Bytes of an index that is copied into memory; of a larger one the blocks are read anew for each search.
MOST_BYTES = 2**28
ROUNDING = 2.0**-24


class Searcher:
    """An index, prepared.

    It finds what `applied.search.nearest` finds, to the last bit. A product in float32 picks what may be among the
    nearest, with a bound on what it rounds; `nearest` then searches these alone.

    Parameters
    ----------
    codes : ndarray of shape (n, width), float32
        At least one.
    """

    def __init__(self, codes: np.ndarray):
        self._codes = codes
        self._prepared = False
        if codes.size * 4 > MOST_BYTES or not np.isfinite(codes).all():
            return
        self._codes = np.array(codes, np.float32)
        squares = np.array([np.square(code, dtype=np.float64).sum() for code in self._codes])
        self._lengths = np.sqrt(squares)
        directed = self._codes / np.where(self._lengths > 0, self._lengths, 1)[:, np.newaxis]
        self._directions = directed.astype(np.float32)
        self._halves = (squares / 2).astype(np.float32)
        # Where float32 overflows, nothing is bounded.
        self._prepared = bool(np.isfinite(self._halves).all())

    def nearest(self, queries: np.ndarray, k: int, metric: str) -> Neighbours:
        """Return what `applied.search.nearest` returns."""
        if not self._prepared or metric not in search.METRICS or not 1 <= k < len(self._codes):
            return search.nearest(self._codes, queries, k, metric)
        found = [self._one(query, k, metric) for query in queries]
        return Neighbours(*(np.stack(parts) for parts in zip(*found, strict=True)))

    def _one(self, query: np.ndarray, k: int, metric: str) -> tuple[np.ndarray, np.ndarray]:
        length = float(np.sqrt(np.square(query, dtype=np.float64).sum()))
        # Row by row: a product of matrices divides its work among threads that spin while they wait, where others could
        # be served. A product of two vectors differs from its float32 sum, in any order, by at most the width times a
        # rounding times both lengths; the summands were rounded before. Ties in the float32 result differ by less.
        if metric == "cosine":
            approximate = -np.vecdot(self._directions, query / np.float32(length or 1))
            reach = 1.0
        else:
            approximate = self._halves - np.vecdot(self._codes, query)
            reach = (self._lengths.max() + length) ** 2
        slack = 2 * (self._codes.shape[1] + 16) * ROUNDING * reach
        limit = np.partition(approximate, k - 1)[k - 1] + slack
        # Of values that are no numbers the search of all says so.
        rows = np.flatnonzero(approximate <= limit) if np.isfinite(limit) else np.arange(len(self._codes))
        near = search.nearest(self._codes[rows], query[np.newaxis], k, metric)
        return rows[near.rows[0]], near.distances[0]
