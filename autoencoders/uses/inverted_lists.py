"""Approximate search by inverted lists: a code stands in the list of its nearest centre, a query compares few lists.

The lists are plain arrays. The package faiss finds the centres and compares; it reads no file, so that all it is ever
given are arrays that were checked.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from math import isqrt
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

from autoencoders.core.errors import ArgumentError, InputError
from autoencoders.core.rows import Rows, Watch, blocks, unwatched
from autoencoders.core.sampling import sampled

METRICS = ("cosine", "euclidean")
# Codes in a list, in the mean; of more than a million codes more.
CODES_A_LIST = 250
# K-means of the centres: codes of the sample for each centre, and iterations.
SAMPLE_A_LIST, ITERATIONS = 40, 10
# Rows that faiss is given at a time.
BLOCK = 2**14


class Recall(NamedTuple):
    """What a search of few lists finds.

    Attributes
    ----------
    recall : float
        Share of the k nearest codes that it finds, in 0 to 1, the mean over queries: recall@k.
    compared : float
        Share of the codes that it compares, in 0 to 1, the mean over queries.
    """

    recall: float
    compared: float


class InvertedLists:
    """Codes by the centre that is nearest to each (Jégou, Douze and Schmid 2011, doi:10.1109/TPAMI.2010.57).

    Parameters
    ----------
    centres : ndarray of shape (n_lists, width), float32
        For cosine of length 1.
    lists : ndarray of shape (n,), int32
        The list of each code, 0 to n_lists - 1.
    metric : {"cosine", "euclidean"}

    Raises
    ------
    ArgumentError
        If an array is of another form, holds what is no finite number, or names a list that is not there.
    """

    def __init__(self, centres: np.ndarray, lists: np.ndarray, metric: str):
        if metric not in METRICS:
            raise ArgumentError(f"metric is '{metric}'; use {' or '.join(METRICS)}.")
        if centres.ndim != 2 or not len(centres) or centres.dtype != np.float32 or not np.isfinite(centres).all():
            raise ArgumentError("centres are to be finite float32 [lists, width]; use others.")
        if lists.ndim != 1 or lists.dtype != np.int32:
            raise ArgumentError("lists are to be int32 [codes]; use others.")
        if len(lists) and not 0 <= lists.min() <= lists.max() < len(centres):
            raise ArgumentError(f"lists are to name the {len(centres)} centres from 0; use others.")
        self.centres, self.lists, self.metric = np.ascontiguousarray(centres), np.ascontiguousarray(lists), metric
        with np.errstate(over="ignore"):
            self._halves = np.square(self.centres).sum(axis=1) / np.float32(2)
        if not np.isfinite(self._halves).all():
            raise ArgumentError("centres are so large that their distances are no finite numbers; use others.")

    def __len__(self) -> int:
        return len(self.centres)

    def probed(self, query: np.ndarray, n: int) -> np.ndarray:
        """Return the `n` lists whose centres are nearest to a query [width], int64; all where there are no more.

        The products are computed row by row, so that a query has the same lists alone and in any batch.
        """
        n = min(n, len(self))
        products = np.vecdot(self.centres, query.astype(np.float32))
        far = -products if self.metric == "cosine" else self._halves - products
        return np.argpartition(far, n - 1)[:n].astype(np.int64)

    def measure(self, queries: np.ndarray, nearest: np.ndarray, n: int) -> Recall:
        """Return what a search of `n` lists finds of the codes that are nearest to queries.

        Parameters
        ----------
        queries : ndarray of shape (n_queries, width), float32
            At least one.
        nearest : ndarray of shape (n_queries, k), int64
            Rows of the nearest codes, by a comparison with all.
        n : int
        """
        sizes = np.bincount(self.lists, minlength=len(self))
        found, compared = [], []
        for query, rows in zip(_usable(queries, self.metric), nearest, strict=True):
            probed = self.probed(query, n)
            found.append(np.isin(self.lists[rows], probed).mean())
            compared.append(sizes[probed].sum() / len(self.lists))
        return Recall(float(np.mean(found)), float(np.mean(compared)))

    def filled(self, codes: np.ndarray | Rows, n: int) -> Any:
        """Return faiss's index of codes [n_codes, width], which holds a copy of them; it compares `n` lists."""
        faiss = import_faiss()
        width, cosine = self.centres.shape[1], self.metric == "cosine"
        kind = faiss.METRIC_INNER_PRODUCT if cosine else faiss.METRIC_L2
        coarse = faiss.IndexFlat(width, kind)
        coarse.add(self.centres)
        index = faiss.IndexIVFFlat(coarse, width, len(self), kind)
        # Its lists are decided; nothing is trained.
        index.is_trained = True
        index.nprobe = min(n, len(self))
        lists = self.lists.astype(np.int64)
        for rows in blocks(len(lists), BLOCK):
            vectors, own = _usable(codes[rows], self.metric), np.ascontiguousarray(lists[rows])
            index.add_core(len(vectors), faiss.swig_ptr(vectors), None, faiss.swig_ptr(own))
        return index

    def candidates(self, index: Any, query: np.ndarray, k: int) -> np.ndarray:
        """Return the rows of up to `k` codes that may be nearest to a query [width], int64, ascending.

        They are of the lists whose centres are nearest; `index` is what `filled` gave.
        """
        asked = _usable(query[np.newaxis], self.metric)
        probed = self.probed(asked[0], index.nprobe)[np.newaxis]
        _, rows = index.search_preassigned(asked, k, probed, np.zeros(probed.shape, np.float32))
        return np.sort(rows[0][rows[0] >= 0])


def n_lists(n: int) -> int:
    """Return how many lists `n` codes stand in: one for 250 codes, but at most four times the root of n."""
    return max(1, min(4 * isqrt(n), n // CODES_A_LIST))


def build(codes: np.ndarray | Rows, metric: str, random_state: int = 0, watch: Watch = unwatched) -> InvertedLists:
    """Return the lists of codes: K-means of a sample gives the centres. The same arguments give the same bytes.

    Parameters
    ----------
    codes : ndarray or Rows of shape (n, width), float32
        At least one; only the sample is held in memory.
    metric : {"cosine", "euclidean"}
    random_state : int
        Of the sample and of the first centres.
    watch : callable, optional
        Shows how far it is.

    Raises
    ------
    InputError
        If faiss is not installed, or codes hold what is no finite number.
    """
    faiss = import_faiss()
    n, width = codes.shape
    lists, cosine = n_lists(n), metric == "cosine"
    with _one_thread(faiss):
        drawn = _usable(sampled(codes, lists * SAMPLE_A_LIST, random_state), metric)
        means = faiss.Kmeans(
            width,
            lists,
            niter=ITERATIONS,
            # A C int.
            seed=random_state % 2**31,
            spherical=cosine,
            min_points_per_centroid=1,
            max_points_per_centroid=max(len(drawn), 1),
        )
        means.train(drawn)
        centres = np.ascontiguousarray(means.centroids, np.float32).reshape(lists, width)
        coarse = faiss.IndexFlat(width, faiss.METRIC_INNER_PRODUCT if cosine else faiss.METRIC_L2)
        coarse.add(centres)
        found = np.empty(n, np.int32)
        for rows in watch(blocks(n, BLOCK), n, f"lists ({metric})"):
            found[rows] = coarse.search(_usable(codes[rows], metric), 1)[1][:, 0]
    return InvertedLists(centres, found, metric)


def available() -> bool:
    """Return whether faiss can be imported."""
    try:
        import_faiss()
    except InputError:
        return False
    return True


def import_faiss() -> ModuleType:
    """Return the module faiss.

    Raises
    ------
    InputError
        If it is not installed.
    """
    try:
        import faiss
    except ImportError:
        raise InputError(
            "An approximate index needs the package faiss-cpu, which is not installed; run `pip install faiss-cpu`, or "
            "search exactly."
        ) from None
    return faiss


def _usable(codes: np.ndarray, metric: str) -> np.ndarray:
    """Return codes [n, width] as faiss takes them, float32, of length 1 for cosine; zeros stay."""
    vectors = np.ascontiguousarray(codes, np.float32)
    if metric == "cosine":
        lengths = np.sqrt(np.square(vectors, dtype=np.float64).sum(axis=1, keepdims=True))
        vectors = (vectors / np.where(lengths > 0, lengths, 1)).astype(np.float32)
    with np.errstate(over="ignore"):
        if not np.isfinite(np.square(vectors).sum(axis=1)).all():
            raise ArgumentError("codes hold values that are no finite numbers, or too large for it; search exactly.")
    return vectors


@contextmanager
def _one_thread(faiss: ModuleType) -> Iterator[None]:
    """Hold faiss, and the BLAS that it brings, to one thread, so that sums have one order."""
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)
