"""Clusterers for vectors larger than memory: K-means by mini-batches, and the sample that a mixture is fitted to."""

from collections.abc import Mapping

import numpy as np
from sklearn.cluster import MiniBatchKMeans

from autoencoders.clustering import models
from autoencoders.core import rows as core_rows
from autoencoders.core.rows import Rows, Watch, row_batches, unwatched
from autoencoders.core.sampling import sampled
from autoencoders.core.threads import one_thread

# Vectors to which K-means is fitted for the first centres, as scikit-learn's `init_size`.
INIT_SIZE = 20_000
# Passes end where the mean squared distance to the centres falls by a smaller share than this.
TOLERANCE = 1e-3


def mixture_size(width: int, n_clusters: int, memory: int) -> int:
    """Return the number of vectors of some width that a mixture can be fitted to in `memory` bytes."""
    # float64: the vectors, their differences from a mean and these weighted, and as much for the probabilities.
    return max(n_clusters, memory // (8 * 3 * (width + n_clusters)))


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
    # K-means takes a copy in float64.
    sample = sampled(training, max(n_clusters, min(INIT_SIZE, memory // (3 * row))), seed)
    starts = {"n_init": options["n_init"], "max_iter": options["max_iter"]}
    start = models.fit(models.unfitted("kmeans", n_clusters, starts, seed), sample)
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
