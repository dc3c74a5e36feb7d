"""Exact nearest neighbours in an index of any size: products in float32 choose vectors, distances in float64 decide."""

from typing import NamedTuple, Protocol

import numpy as np

from autoencoders.core.errors import ArgumentError
from autoencoders.core.rows import blocks

METRICS = ("cosine", "euclidean")
# Queries, and products of queries and vectors of the index, that are computed at a time: 16 MiB of float32.
QUERIES, PRODUCTS = 2**12, 2**22
# Numbers of queries in float64, and of vectors, but no fewer than some vectors: 32 and 2 MiB.
OF_QUERIES, OF_VECTORS, LEAST_VECTORS = 2**22, 2**18, 256
# Distances are float32 at the end, so that values that differ by less than this may be equal there.
ROUNDING = 2.0**-21
# What float32 rounds of a number, relatively, and the least number that it holds with all digits.
UNIT, LEAST = 2.0**-24, 2.0**-126
# Halves of squares beyond this, and products of their vectors, may overflow in float32.
LARGE = 2.0**120


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


class Index(Protocol):
    """An array, a memory-mapped one or `Rows`: of shape (n, width), float32, of which slices are read."""

    def __len__(self) -> int: ...

    def __getitem__(self, key: slice, /) -> np.ndarray: ...


@np.errstate(over="ignore", invalid="ignore")
def nearest(index: Index, queries: np.ndarray, k: int, metric: str, rows: slice | None = None) -> Neighbours:
    """Return the nearest vectors of an index to each query; of equally near ones the first rows.

    A query has the same bits alone and in any batch, and whatever part of the index is read at a time: the products of
    matrices, whose sums have another order for other sizes, only find what may be among the nearest, and the distances
    of these are computed one by one, in float64, and rounded to float32.

    Parameters
    ----------
    index : Index of shape (n_index, width), float32
    queries : ndarray of shape (n_queries, width), float32
    k : int
        From 1 to the number of rows that are searched.
    metric : {"cosine", "euclidean"}
        The cosine distance is 1 - cos, in 0 to 2; a vector of zeros, which has no direction, is at distance 1 from all.
    rows : slice, optional
        The rows of the index that are searched, without a step; by default all.

    Returns
    -------
    Neighbours
        Rows counted from the start of the index; distances float32.

    Raises
    ------
    ArgumentError
        If a value is not finite.
    """
    start, stop, _ = (rows or slice(None)).indices(len(index))
    width = queries.shape[1]
    most = max(OF_VECTORS // width, LEAST_VECTORS)
    found = Neighbours(np.empty((len(queries), k), np.int64), np.empty((len(queries), k), np.float32))
    for some in blocks(len(queries), max(1, min(QUERIES, OF_QUERIES // width, PRODUCTS // k))):
        search = _Search(queries[some], k, metric)
        at_a_time = max(k, min(PRODUCTS // (some.stop - some.start), most))
        for part in blocks(stop - start, at_a_time):
            first = start + part.start
            search.go_on(first, index[first : start + part.stop])
        found.rows[some], found.distances[some] = search.found()
    return found


class _Search:
    """What is known of the neighbours of some queries [n, width] after parts of an index.

    Either distance follows from that of points: of the vectors themselves, or of vectors of length 1, of which 1 - cos
    is half the squared distance. "Halves" are halves of squared distances in what follows.
    """

    def __init__(self, queries: np.ndarray, k: int, metric: str):
        n, width = queries.shape
        self._rows, self._nearest = np.full((n, k), -1, np.int64), np.full((n, k), np.inf, np.float32)
        # What may be nearer, in the order of its rows: queries by their numbers, rows, distances.
        self._near: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
        self._by_angle = metric == "cosine"
        self._points, self._directed = self._of(queries)
        # Distances do not depend on the origin, and products of short vectors round less.
        self._centre = self._points.mean(axis=0)
        from_centre = self._points - self._centre
        self._own = np.square(from_centre).sum(axis=1) / 2
        # A last factor of 1, with the halves of vectors, makes halves of squared distances of products.
        self._factors = np.column_stack([from_centre, np.ones(n)])
        self._in_float32 = self._factors.astype(np.float32)
        # A product of two vectors differs from its float32 sum, in any order, by at most the width times a rounding
        # times both lengths, and so does a half; factors and sums are rounded too. Twice as much as is needed leaves
        # room for the roundings of bounds.
        self._share, self._least = 4 * (width + 16) * UNIT, (width + 16) * LEAST
        # No vector farther than this is among the nearest.
        self._limits = np.full(n, np.inf)

    def go_on(self, start: int, vectors: np.ndarray) -> None:
        """Compare the queries with vectors [m, width] from a row of the index on; m is at least k the first time."""
        points, directed = self._of(vectors)
        lower, between = self._bounds(points, directed)
        if np.isposinf(self._limits).any():
            place = self._rows.shape[1] - 1
            upper = np.partition(lower + between, place)[:, place].astype(np.float64)
            self._limits = upper + self._own + self._share * self._own + self._least
        limits = self._limits * (1 + ROUNDING) - self._own + self._share * self._own + self._least
        places = np.flatnonzero(lower <= limits.astype(lower.dtype)[:, np.newaxis])
        for some in blocks(len(places), max(1, OF_VECTORS // points.shape[1])):
            queries, rows = np.divmod(places[some], len(points))
            self._near.append((queries, start + rows, self._distances(queries, points[rows], directed[rows])))
            # Not for each few, since all that is kept of their queries is sorted with them.
            if sum(len(near) for near, _, _ in self._near) >= self._rows.size:
                self._join()

    def found(self) -> Neighbours:
        """Return the nearest of all vectors so far."""
        if self._near:
            self._join()
        return Neighbours(self._rows, self._nearest)

    def _of(self, vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the points of vectors [n, width], float64, and whether the vectors have a direction, bool [n]."""
        points = np.asarray(vectors, np.float64)
        if not self._by_angle:
            return points, np.ones(len(points), bool)
        squares = np.square(points).sum(axis=1)
        directed = squares > 0
        return points / np.sqrt(np.where(directed, squares, 1))[:, np.newaxis], directed

    def _bounds(self, points: np.ndarray, directed: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return lower bounds of halves [n, m], and how far the halves may lie above these [m].

        Both less the queries' own halves, and less what these may add to the bounds.
        """
        halves, factors = self._negative(points, np.float32)
        queries = self._in_float32
        if not halves.max() <= LARGE >= self._own.max():
            halves, factors = self._negative(points, np.float64)
            queries = self._factors
        if not np.isfinite(halves).all():
            raise ArgumentError("index or codes hold values that are no finite numbers; use others.")
        factors[:, -1] = halves * (1 - self._share)
        lower = queries @ factors.T
        if self._by_angle and not (directed.all() and self._directed.all()):
            # What has no direction is at distance 1 from all.
            rest = (1 - self._own).astype(lower.dtype)
            lower[:, ~directed] = rest[:, np.newaxis]
            lower[~self._directed] = rest[~self._directed, np.newaxis]
        return lower, (2 * self._share * halves).astype(lower.dtype)

    def _negative(self, points: np.ndarray, dtype: type) -> tuple[np.ndarray, np.ndarray]:
        """Return the halves of points [m, width] from the centre, and these points' negatives, with a column more."""
        factors = np.empty((len(points), points.shape[1] + 1), dtype)
        from_centre = factors[:, :-1]
        np.subtract(self._centre, points, out=from_centre, casting="same_kind")
        return np.einsum("ij,ij->i", from_centre, from_centre) / 2, factors

    def _distances(self, queries: np.ndarray, points: np.ndarray, directed: np.ndarray) -> np.ndarray:
        """Return the distances of some queries, by their numbers [n], to points [n, width], float32 [n].

        Each row's sum has its own order. Equal vectors are at distance 0 to the last bit, by angle too.
        """
        squared = np.square(points - self._points[queries]).sum(axis=1)
        if not self._by_angle:
            return np.sqrt(squared).astype(np.float32)
        return np.where(directed & self._directed[queries], squared / 2, 1).clip(0, 2).astype(np.float32)

    def _join(self) -> None:
        """Keep the nearest of those that are kept and of those that may be nearer."""
        k = self._rows.shape[1]
        queries, rows, distances = (np.concatenate(parts) for parts in zip(*self._near, strict=True))
        self._near = []
        asked, counts = np.unique(queries, return_counts=True)
        queries = np.concatenate([np.repeat(asked, k), queries])
        rows = np.concatenate([self._rows[asked].ravel(), rows])
        distances = np.concatenate([self._nearest[asked].ravel(), distances])
        # Stable: of equally near ones the first rows stay first.
        order = np.lexsort((distances, queries))
        starts = np.cumsum(counts + k) - (counts + k)
        kept = order[starts[:, np.newaxis] + np.arange(k)]
        self._rows[asked], self._nearest[asked] = rows[kept], distances[kept]
        farthest = distances[kept[:, -1]].astype(np.float64)
        limits = farthest if self._by_angle else farthest**2 / 2
        # Nothing is nearer than 0, or than 1 to what has no direction, and of equally near ones the first rows stay.
        settled = (farthest == 0) | (self._by_angle & ~self._directed[asked] & np.isfinite(farthest))
        self._limits[asked] = np.minimum(self._limits[asked], np.where(settled, -np.inf, limits))
