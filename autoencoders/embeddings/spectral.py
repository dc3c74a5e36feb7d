"""Spectral embedding: eigenvectors of the graph of nearest neighbours."""

from functools import partial
from typing import Self

import numpy as np
import scipy.sparse
from scipy.sparse.linalg import eigsh
from sklearn.base import BaseEstimator
from sklearn.neighbors import NearestNeighbors

from autoencoders.core.rows import BLOCK_SIZE, Rows, Watch, in_memory, over_blocks, unwatched
from autoencoders.core.threads import one_thread
from autoencoders.uses.neighbours import FEW, Neighbours, nearest

# The neighbour whose distance is a vector's local scale in self-tuning weights, as Zelnik-Manor and Perona choose.
SCALE_NEIGHBOUR = 7
# Self-tuning weights are exp(-x) with x up to this: a weaker link would be lost to roundings, and the graph fall apart.
MAX_EXPONENT = 20
# Of eigenvalues, which lie in -1 to 1, in float64: eigsh iterates until they are as exact as this.
EIGENVALUE_TOLERANCE = 1e-4
# Blocks whose neighbours are looked for at once in a large index: each such part reads all of it.
BLOCKS_AT_A_TIME = 4
# An eigenvalue nearer to 0 is taken as 0, and not divided by.
MIN_EIGENVALUE = 1e-6


class Spectral(BaseEstimator):
    """Embed by the first eigenvectors of the graph of nearest neighbours, as spectral clustering does.

    Each vector is linked to its nearest neighbours and to the vectors that it is a neighbour of. Of the graph's
    normalised adjacency D^-½ A D^-½ the eigenvectors of the largest eigenvalues are taken, and each row scaled to
    length 1 (Ng, Jordan and Weiss, "On spectral clustering", 2001). Other vectors are placed by their neighbours among
    the training vectors (the Nyström formula; Bengio et al., "Out-of-sample extensions", 2003). A graph in several
    pieces has several eigenvectors of the same eigenvalue, of which not all may be found: raise `n_neighbors` until the
    graph is in one piece.

    Parameters
    ----------
    n_components : int
        Eigenvectors; at most n - 2 are taken.
    n_neighbors : int
        Neighbours of each vector, itself not counted; at most n - 1 are taken.
    metric : str
        A distance of scikit-learn's `NearestNeighbors`.
    affinity : {"connectivity", "self_tuning"}
        Weights of the links: all 1, or exp(-d² / (s t)) at the distance d between vectors whose SCALE_NEIGHBOUR-th
        neighbours lie at the distances s and t (Zelnik-Manor and Perona, "Self-tuning spectral clustering", 2004).
    diffusion : float
        At least 0; each eigenvector is multiplied by its eigenvalue to this power, which makes the later ones count
        less and the number of components matter less (the time of a diffusion map; Coifman and Lafon, 2006).
    memory : int, optional
        Bytes up to which `Rows` are read into memory. Of more, neighbours are looked for part by part, so that the
        graph, which is sparse, is all that is held whole. By default all are in memory.
    watch : callable, optional
        Shows how far the search in vectors larger than memory is.

    Attributes
    ----------
    embedding_ : ndarray of shape (n, n_components), float32
        Of the training vectors.
    """

    def __init__(
        self,
        n_components: int,
        n_neighbors: int,
        metric: str,
        affinity: str,
        diffusion: float,
        memory: int | None = None,
        watch: Watch = unwatched,
    ):
        self.n_components, self.n_neighbors, self.metric = n_components, n_neighbors, metric
        self.affinity, self.diffusion = affinity, diffusion
        self.memory, self.watch = memory, watch

    @one_thread()
    def fit(self, vectors: np.ndarray | Rows, y: None = None) -> Self:
        """Embed training vectors, float32 [n, width]."""
        vectors = in_memory(vectors, self.memory)
        n = len(vectors)
        self._k = min(self.n_neighbors, n - 1)
        self.index_: np.ndarray | Rows | NearestNeighbors
        if isinstance(vectors, Rows) or n > FEW:
            self.index_ = vectors
            distances, neighbours = self._neighbours(vectors, themselves=True)
        else:
            self.index_ = NearestNeighbors(n_neighbors=self._k, algorithm="brute", metric=self.metric).fit(vectors)
            distances, neighbours = self.index_.kneighbors()
        self.scales_ = self._scales(distances)
        directed = self._links(distances, neighbours, self.scales_)
        links = directed.maximum(directed.T)
        degrees = np.asarray(links.sum(axis=1)).ravel()
        normaliser = scipy.sparse.diags(degrees**-0.5)
        adjacency = normaliser @ links @ normaliser
        # Without a start that is given, eigsh draws one, and the result differs from run to run.
        k, start = min(self.n_components, n - 2), np.ones(n)
        values, eigenvectors = eigsh(adjacency, k=k, which="LA", v0=start, tol=EIGENVALUE_TOLERANCE)
        values, eigenvectors = values[::-1], eigenvectors[:, ::-1]
        # Eigenvalues of a graph in pieces may come out a rounding error below 0.
        stretch = np.maximum(values, 0) ** self.diffusion
        divisors = np.where(np.abs(values) > MIN_EIGENVALUE, values, 1)
        self.projection_ = stretch * (eigenvectors / np.sqrt(degrees)[:, np.newaxis]) / divisors
        self.embedding_ = _unit(stretch * eigenvectors)
        return self

    def fit_transform(self, vectors: np.ndarray | Rows, y: None = None) -> np.ndarray:
        """Return the embedding of training vectors [n, width], float32 [n, n_components]."""
        return self.fit(vectors).embedding_

    @one_thread()
    def transform(self, vectors: np.ndarray | Rows) -> np.ndarray:
        """Place other vectors [n, width] in the embedding of the training vectors, float32 [n, n_components]."""
        if isinstance(self.index_, NearestNeighbors):
            distances, neighbours = self.index_.kneighbors(np.asarray(vectors))
        else:
            distances, neighbours = self._neighbours(vectors)
        return _unit(self._links(distances, neighbours, self._scales(distances)) @ self.projection_)

    def _neighbours(self, vectors: np.ndarray | Rows, themselves: bool = False) -> tuple[np.ndarray, np.ndarray]:
        """Return distances and rows of the nearest vectors of a large index, both [n, n_neighbors].

        Where the vectors are the index `themselves`, none is its own neighbour.
        """
        n = len(vectors)
        distances, neighbours = np.empty((n, self._k), np.float32), np.empty((n, self._k), np.int64)
        work = partial(_nearest, self.index_, vectors, self.metric, self._k, self.memory, themselves)
        # What is in memory does not travel.
        here = not (isinstance(vectors, Rows) and isinstance(self.index_, Rows))
        for rows, found in over_blocks(work, n, BLOCKS_AT_A_TIME * BLOCK_SIZE, self.watch, "neighbours", here):
            neighbours[rows], distances[rows] = found
        return distances, neighbours

    def _scales(self, distances: np.ndarray) -> np.ndarray:
        """Return the local scale of vectors, float [n], from the distances to their neighbours, nearest first."""
        return distances[:, min(SCALE_NEIGHBOUR, distances.shape[1]) - 1]

    def _links(self, distances: np.ndarray, neighbours: np.ndarray, scales: np.ndarray) -> scipy.sparse.csr_matrix:
        """Return the weights of the links from vectors of some scales to their neighbours, [n, n_training]."""
        n, n_neighbors = neighbours.shape
        weights = np.ones(distances.shape)
        if self.affinity == "self_tuning":
            product = scales[:, np.newaxis] * self.scales_[neighbours]
            # Copies of a vector have a distance and a scale of 0.
            ratio = distances**2 / np.maximum(product, np.finfo(np.float32).tiny)
            weights = np.exp(-np.minimum(ratio, MAX_EXPONENT))
        places = (weights.ravel(), neighbours.ravel(), np.arange(0, neighbours.size + 1, n_neighbors))
        return scipy.sparse.csr_matrix(places, shape=(n, len(self.scales_)))


def _nearest(
    index: np.ndarray | Rows,
    vectors: np.ndarray | Rows,
    metric: str,
    k: int,
    memory: int | None,
    themselves: bool,
    rows: slice,
) -> Neighbours:
    found = nearest(index, vectors[rows], (metric,), k + themselves, memory)[metric]
    if not themselves:
        return found
    own = found.rows == np.arange(rows.start, rows.stop)[:, np.newaxis]
    # Among more copies of a vector than it has neighbours, it need not be found itself.
    own[~own.any(axis=1), -1] = True
    return Neighbours(found.rows[~own].reshape(-1, k), found.distances[~own].reshape(-1, k))


def _unit(vectors: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return (vectors / np.where(lengths > 0, lengths, 1)).astype(np.float32)
