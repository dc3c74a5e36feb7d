"""Embeddings of codes in few dimensions that keep neighbours together, for training vectors and others."""

from collections.abc import Callable

import numpy as np
import scipy.sparse
from scipy.sparse.linalg import eigsh
from sklearn.neighbors import NearestNeighbors
from threadpoolctl import threadpool_limits

Transform = Callable[[np.ndarray], np.ndarray]

# Whose distance is a vector's reach (Zelnik-Manor and Perona), and the exponent of the weakest link between neighbours.
LOCAL, WEAKEST = 7, 20


def spectral(
    training: np.ndarray, *, n_components: int, n_neighbors: int, metric: str, weights: str, diffusion: float
) -> tuple[np.ndarray, Transform]:
    """Embed by the first eigenvectors of the graph of nearest neighbours, as spectral clustering does.

    Each vector is linked to its nearest neighbours and to those that it is one of; of the graph's normalised
    adjacency D^-½ A D^-½ the eigenvectors of the largest eigenvalues are taken, and each row scaled to length 1 (Ng,
    Jordan and Weiss, "On spectral clustering", 2001). Other vectors are placed by their neighbours among the
    training ones (the Nyström formula; Bengio et al., "Out-of-sample extensions", 2003). A graph in several pieces has
    several eigenvectors of the same eigenvalue, of which not all may be found: raise `n_neighbors` until it is in one.

    Parameters
    ----------
    training : ndarray of shape (n, width), float32
    n_components : int
        Eigenvectors; fewer where there are not so many vectors.
    n_neighbors : int
        Neighbours of each vector, itself not counted; fewer where there are not so many vectors.
    metric : str
        A distance of scikit-learn's `NearestNeighbors`.
    weights : {"equal", "local"}
        Of the links: all 1, or exp(-d² / (s t)) at the distance d between vectors whose LOCAL-th neighbours lie at
        the distances s and t (Zelnik-Manor and Perona, "Self-tuning spectral clustering", 2004).
    diffusion : float
        At least 0; each eigenvector is multiplied by its eigenvalue to this power, which makes the later ones count
        less and the number of components matter less (the time of a diffusion map; Coifman and Lafon, 2006).

    Returns
    -------
    embedding : ndarray of shape (n, n_components), float32
    transform : callable
        From other vectors to their places.
    """
    n = len(training)
    n_components, n_neighbors = min(n_components, n - 2), min(n_neighbors, n - 1)
    # One thread: the last bits of a product, and with them which of two neighbours is nearer, depend on their number.
    with threadpool_limits(1):
        index = NearestNeighbors(n_neighbors=n_neighbors, algorithm="brute", metric=metric).fit(training)
        distances, neighbours = index.kneighbors()
        reach = distances[:, min(LOCAL, n_neighbors) - 1]
        directed = _links(distances, neighbours, reach, reach, weights)
        links = directed.maximum(directed.T)
        degrees = np.asarray(links.sum(axis=1)).ravel()
        scale = scipy.sparse.diags(degrees**-0.5)
        # A start of its own makes the result the same each time.
        values, vectors = eigsh(scale @ links @ scale, k=n_components, which="LA", v0=np.ones(n), tol=1e-4)
    values, vectors = values[::-1], vectors[:, ::-1]
    # Eigenvalues of a graph in pieces may come out a rounding error below 0.
    stretch = np.maximum(values, 0) ** diffusion
    projection = stretch * (vectors / np.sqrt(degrees)[:, np.newaxis]) / np.where(np.abs(values) > 1e-6, values, 1)

    def transform(others: np.ndarray) -> np.ndarray:
        with threadpool_limits(1):
            distances, neighbours = index.kneighbors(others)
            own = distances[:, min(LOCAL, n_neighbors) - 1]
            return _unit(_links(distances, neighbours, own, reach, weights) @ projection)

    return _unit(stretch * vectors), transform


def _links(
    distances: np.ndarray, neighbours: np.ndarray, own: np.ndarray, reach: np.ndarray, weights: str
) -> scipy.sparse.csr_matrix:
    """Return the weights of the links from vectors to their neighbours among the training ones, [n, n_training]."""
    n, n_neighbors = neighbours.shape
    found = np.ones(distances.shape)
    if weights == "local":
        product = own[:, np.newaxis] * reach[neighbours]
        # Copies of a vector lie at no distance, whatever that is a multiple of; no link is so weak that it is none.
        ratio = distances**2 / np.maximum(product, np.finfo(np.float32).tiny)
        found = np.exp(-np.minimum(ratio, WEAKEST))
    places = (found.ravel(), neighbours.ravel(), np.arange(0, neighbours.size + 1, n_neighbors))
    return scipy.sparse.csr_matrix(places, shape=(n, len(reach)))


def _unit(vectors: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return (vectors / np.where(lengths > 0, lengths, 1)).astype(np.float32)
