"""Clusterers for vectors larger than memory: K-means, in full or by mini-batches, and the sample for a mixture."""

from collections.abc import Mapping
from functools import partial

import numpy as np
import scipy.sparse
from sklearn.cluster import KMeans, MiniBatchKMeans

from autoencoders.clustering import models
from autoencoders.core import rows as core_rows
from autoencoders.core.rows import Rows, Watch, row_batches, summed, unwatched
from autoencoders.core.sampling import sampled
from autoencoders.core.threads import one_thread

# Vectors to which K-means is fitted for the first centres, as scikit-learn's `init_size`.
INIT_SIZE = 20_000
# No fewer than so many for each cluster, whatever memory they take: fewer miss clusters that no step finds again.
PER_CLUSTER = 5
# Lloyd's steps end where the centres move by less than this share of the vectors' variance, as scikit-learn's `tol`.
SHIFT = 1e-4
# Passes of mini-batches end where the mean squared distance to the centres falls by a smaller share than this.
TOLERANCE = 1e-3


def mixture_size(width: int, n_clusters: int, memory: int) -> int:
    """Return the number of vectors of some width that a mixture can be fitted to in `memory` bytes."""
    # float64: the vectors, their differences from a mean and these weighted, and as much for the probabilities.
    return max(n_clusters, memory // (8 * 3 * (width + n_clusters)))


@one_thread()
def lloyd(
    training: Rows, n_clusters: int, options: Mapping[str, int], seed: int, memory: int, watch: Watch = unwatched
) -> KMeans:
    """Fit K-means by Lloyd's steps over all vectors, which start from K-means on a sample (k-means++, several starts).

    Sums are taken in float64, block by block (`autoencoders.core.rows.summed`), so that neither the number of threads
    nor who computes a block changes a byte. A cluster that loses all its vectors keeps its centre.

    Parameters
    ----------
    training : Rows of shape (n, width), float32
    n_clusters : int
    options : mapping
        `n_init`, the starts of K-means on the sample, and `max_iter`, the most steps, on the sample and on all vectors.
    seed : int
        Seeds the sample and K-means on it.
    memory : int
        Bytes that the sample may take.
    watch : callable, optional
        Shows how far each step is.
    """
    sample, model = _start(training, n_clusters, options, seed, memory)
    least = SHIFT * sample.var(axis=0, dtype=np.float64).mean()
    centres = model.cluster_centers_
    for number in range(options["max_iter"]):
        step = partial(_step, training, centres)
        sums, sizes, inertia = summed(step, len(training), watch=watch, what=f"K-means, step {number + 1}")
        moved = np.where(sizes > 0, sums / np.maximum(sizes, 1), centres)
        shift = np.square(moved - centres).sum()
        centres = moved
        if shift <= least:
            break
    model.cluster_centers_, model.inertia_, model.n_iter_ = centres, float(inertia[0]), number + 1
    del model.labels_
    return model


def _step(training: Rows, centres: np.ndarray, rows: slice) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return of each cluster the sum [n_clusters, width] and the number of its vectors, and the block's inertia [1]."""
    block = training[rows].astype(np.float64)
    # The squared distances but for each vector's own length.
    distances = block @ (-2 * centres.T)
    distances += np.square(centres).sum(axis=1)
    nearest = distances.argmin(axis=1)
    inertia = np.square(block).sum() + distances[np.arange(len(block)), nearest].sum()
    members = scipy.sparse.csr_matrix(
        (np.ones(len(block)), (nearest, np.arange(len(block)))), shape=(len(centres), len(block))
    )
    sizes = np.bincount(nearest, minlength=len(centres)).astype(np.float64)
    return members @ block, sizes[:, np.newaxis], np.array([inertia])


def _start(
    training: Rows, n_clusters: int, options: Mapping[str, int], seed: int, memory: int
) -> tuple[np.ndarray, KMeans]:
    """Return a sample of the vectors, float32, and K-means fitted to it."""
    # K-means takes a copy in float64.
    size = max(PER_CLUSTER * n_clusters, min(INIT_SIZE, memory // (3 * 4 * training.shape[1])))
    sample = sampled(training, size, seed)
    starts = {"n_init": options["n_init"], "max_iter": options["max_iter"]}
    return sample, models.fit(models.unfitted("kmeans", n_clusters, starts, seed), sample)


@one_thread()
def mini_batches(
    training: Rows, n_clusters: int, options: Mapping[str, int], seed: int, memory: int, watch: Watch = unwatched
) -> MiniBatchKMeans:
    """Fit K-means by mini-batches (Sculley, "Web-scale k-means clustering", 2010) that start from K-means on a sample.

    Parameters
    ----------
    training : Rows of shape (n, width), float32
    n_clusters : int
    options : mapping
        `batch_size`, `max_iter`, the most passes over all vectors, and `n_init`, the starts of K-means on the sample.
    seed : int
        Seeds the sample, K-means on it and the order of the vectors in each pass.
    memory : int
        Bytes that the sample, or the vectors that are shuffled at a time, may take.
    watch : callable, optional
        Shows how far each pass is.
    """
    row = 4 * training.shape[1]
    sample, start = _start(training, n_clusters, options, seed, memory)
    # Centres that few vectors are near are not drawn anew (a ratio of 0): they come from K-means on a sample.
    model = MiniBatchKMeans(
        n_clusters,
        batch_size=options["batch_size"],
        init=start.cluster_centers_,
        n_init=1,
        reassignment_ratio=0,
        random_state=seed,
    )
    model.partial_fit(sample)
    random = np.random.default_rng(seed)
    runs = min(core_rows.RUNS_AT_A_TIME, max(1, memory // (4 * core_rows.RUN * row)))
    last = np.inf
    for number in range(options["max_iter"]):
        what, inertia = f"K-means, pass {number + 1}", 0.0
        for _, batch in row_batches(training, options["batch_size"], random, runs, watch, what):
            model.partial_fit(batch)
            inertia += model.inertia_
        if inertia >= (1 - TOLERANCE) * last:
            break
        last = inertia
    return model
