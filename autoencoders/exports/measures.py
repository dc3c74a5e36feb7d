"""What is usual among a network's own images: errors, distances, central images; block by block."""

from collections.abc import Callable, Sequence

import numpy as np

from autoencoders.core.rows import Rows, Watch, blocks, unwatched
from autoencoders.uses.neighbours import nearest

# Shares from 0 to 1 in steps of a thousandth.
N_QUANTILES = 1001


def quantiles(values: np.ndarray) -> np.ndarray:
    """Return the quantiles of values [n] at N_QUANTILES equal steps, float64, ascending; of no value, NaN."""
    if not len(values):
        return np.full(N_QUANTILES, np.nan)
    return np.quantile(values.astype(np.float64), np.linspace(0, 1, N_QUANTILES))


def reconstruction_errors(
    images: Rows,
    prepare: Callable[[np.ndarray], np.ndarray],
    reconstruct: Callable[[np.ndarray], np.ndarray],
    watch: Watch = unwatched,
) -> np.ndarray:
    """Return the mean squared error of each image's reconstruction, float64 [n].

    Parameters
    ----------
    images : Rows of shape (n, height, width, channels), uint8
        As stored.
    prepare, reconstruct : callable
        From images as stored to prepared images and to reconstructions, both float32 in 0 to 1.
    watch : callable, optional
        Shows how far it is.
    """
    errors = np.empty(len(images))
    for rows in watch(blocks(len(images)), len(images), "errors of reconstructions"):
        stored = images[rows]
        difference = (prepare(stored) - reconstruct(stored)).reshape(len(stored), -1)
        errors[rows] = np.square(difference, dtype=np.float64).mean(axis=1)
    return errors


def index_distances(index: Rows, queries: Rows, memory: int, watch: Watch = unwatched) -> np.ndarray:
    """Return the Euclidean distance of each query [n, width] to the nearest code of an index, float64 [n].

    Either is read block by block, of the index at most `memory` bytes at a time.
    """
    found = np.empty(len(queries))
    for rows in watch(blocks(len(queries)), len(queries), "distances to the index"):
        found[rows] = nearest(index, queries[rows], ["euclidean"], 1, memory)["euclidean"].distances[:, 0]
    return found


def to_centres(
    codes: Rows, distances: Callable[[np.ndarray], np.ndarray], watch: Watch = unwatched
) -> tuple[np.ndarray, np.ndarray]:
    """Return the cluster of each code [n, width], int64 [n], and the distance to it, float32 [n].

    `distances` gives those of a block of codes to each cluster, [n, n_clusters].
    """
    clusters, found = np.empty(len(codes), np.int64), np.empty(len(codes), np.float32)
    for rows in watch(blocks(len(codes)), len(codes), "distances to the clusters"):
        to_each = distances(codes[rows])
        clusters[rows], found[rows] = to_each.argmin(axis=1), to_each.min(axis=1)
    return clusters, found


def within_clusters(codes: Rows, clusters: np.ndarray, memory: int) -> np.ndarray:
    """Return the Euclidean distance of each code [n, width] to the nearest other one of its cluster, float64 [n].

    NaN where a cluster has no other. `memory` is that of `index_distances`.
    """
    found = np.full(len(codes), np.nan)
    for cluster in np.unique(clusters):
        members = np.flatnonzero(clusters == cluster)
        if len(members) < 2:
            continue
        for rows in blocks(len(members)):
            asked = members[rows]
            # A code is its own nearest one, or as near as one that equals it.
            near = nearest(Rows(_Chosen(codes, members)), codes[asked], ["euclidean"], 2, memory)["euclidean"]
            found[asked] = near.distances[:, 1]
    return found


class _Chosen:
    """Some rows of others, as `Rows` takes them."""

    def __init__(self, rows: Rows, chosen: np.ndarray):
        self._rows, self._chosen = rows, chosen
        self.shape, self.dtype = (len(chosen), *rows.shape[1:]), rows.dtype

    def __getitem__(self, key: slice | np.ndarray) -> np.ndarray:
        return self._rows[self._chosen[key]]


def by_cluster(values: np.ndarray, clusters: np.ndarray, n_clusters: int) -> np.ndarray:
    """Return the quantiles of each cluster's values, float64 [n_clusters, N_QUANTILES]; see `quantiles`."""
    usable = ~np.isnan(values)
    return np.stack([quantiles(values[(clusters == cluster) & usable]) for cluster in range(n_clusters)])


def to_means(codes: Rows, clusters: np.ndarray, means: np.ndarray) -> np.ndarray:
    """Return the Euclidean distance of each code [n, width] to the mean of its cluster, float64 [n]."""
    found = np.empty(len(codes))
    for rows in blocks(len(codes)):
        difference = codes[rows] - means[clusters[rows]]
        found[rows] = np.sqrt(np.square(difference, dtype=np.float64).sum(axis=1))
    return found


def central(distances: Sequence[float] | np.ndarray, clusters: np.ndarray, n_clusters: int, k: int) -> np.ndarray:
    """Return each cluster's `k` rows of the smallest distances, nearest first, int64 [n_clusters, k].

    The first of equal ones come first; -1 where a cluster has fewer rows.
    """
    found = np.full((n_clusters, k), -1, np.int64)
    for cluster in range(n_clusters):
        rows = np.flatnonzero(clusters == cluster)
        nearest_first = rows[np.argsort(np.asarray(distances)[rows], kind="stable")][:k]
        found[cluster, : len(nearest_first)] = nearest_first
    return found
