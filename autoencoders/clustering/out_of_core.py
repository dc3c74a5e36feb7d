"""Scaling and clustering of vectors that are larger than memory, from parts that are not.

What can be learnt from sums is learnt from all vectors: means, variances and principal components. K-means takes
mini-batches, and what needs all vectors at once takes a sample of them. Vectors that scaling makes small enough are
held and clustered as any others.
"""

from collections.abc import Callable, Mapping

import numpy as np
from sklearn.cluster import MiniBatchKMeans
from sklearn.preprocessing import StandardScaler, normalize
from threadpoolctl import ThreadpoolController, threadpool_limits

from autoencoders.clustering import clusterers
from autoencoders.core import rows as core_rows
from autoencoders.core.rows import Rows, Watch, blocks, row_batches, unwatched
from autoencoders.scaling import scaler as in_memory
from autoencoders.scaling.components import Components, principal_components

Transform = Callable[[np.ndarray], np.ndarray]

# A covariance takes the square of the width, and its decomposition the cube: beyond this, components are a sample's.
WIDEST = 4096
SAMPLE = 20_000
# Mini-batches end with the pass that lowers the mean squared distance to the centres by a smaller share than this.
TOLERANCE = 1e-3


def scaler(
    training: Rows,
    *,
    scaling: str,
    shrinkage: float,
    n_components: int | None,
    unit_length: bool,
    seed: int,
    memory: int,
    watch: Watch = unwatched,
) -> Transform | None:
    """Fit in parts what `autoencoders.scaling.scaler` fits to all training vectors at once.

    Parameters
    ----------
    training : Rows of shape (n, width), float32
        Where they are wider than WIDEST and components are asked for, these are a sample's.
    scaling, shrinkage, n_components, unit_length, seed
        As there; the seed draws the sample, too.
    memory : int
        Bytes that a sample may take, its copies included.
    watch : callable, optional
        Shows how far it is.

    Returns
    -------
    callable or None
        From vectors [n, width] to float32 [n, new width]; None if nothing is to be done.
    """
    n, width = training.shape
    settings = {"scaling": scaling, "shrinkage": shrinkage, "n_components": n_components, "unit_length": unit_length}
    steps = []
    if scaling == "whiten" or n_components:
        if width > WIDEST:
            return _sampled_scaler(training, {**settings, "seed": seed}, memory)
        components = principal_components(training, min(n_components or n, n, width), watch)
        steps.append(_projection(components, n, scaling, shrinkage))
    elif scaling == "standardise":
        standard = StandardScaler()
        for rows in watch(blocks(n), n, "means and variances"):
            standard.partial_fit(training[rows])
        steps.append(standard.transform)
    if unit_length:
        steps.append(normalize)
    threads = ThreadpoolController()

    def transform(vectors: np.ndarray) -> np.ndarray:
        with threads.limit(limits=1):
            for step in steps:
                vectors = step(vectors)
        return vectors

    return transform if steps else None


def _projection(components: Components, n: int, how: str, shrinkage: float) -> Transform:
    """Return what takes vectors to the components of `n` training vectors, scaled as `how` says."""
    mean, directions, variances, total = components
    if how == "whiten":
        scale = in_memory.whitening(variances, total / len(mean), shrinkage)
    else:
        deviations = np.sqrt(variances * (n - 1) / n)
        varied = deviations > 1e-6 * deviations[0]
        scale = np.where(varied, deviations, 1) if how == "standardise" else np.ones_like(variances)
    mean, matrix = mean.astype(np.float32), (directions[: len(scale)] / scale[:, np.newaxis]).T.astype(np.float32)
    return lambda vectors: (vectors - mean) @ matrix


def _sampled_scaler(training: Rows, settings: dict, memory: int) -> Transform:
    sample = _sample(training, memory // (8 * training.shape[1]), settings["seed"])
    fitted = in_memory.scaler(sample, **settings)
    return lambda vectors: fitted.transform(vectors).astype(np.float32, copy=False)


def hold(features: Mapping[str, Rows], memory: int, watch: Watch = unwatched) -> dict[str, np.ndarray | Rows]:
    """Return float32 arrays instead of rows where the training vectors take at most `memory` bytes; as do others."""
    if _size(features["training"]) > memory:
        return dict(features)
    return {part: _held(rows, watch) if _size(rows) <= memory else rows for part, rows in features.items()}


def _size(vectors: Rows) -> int:
    return 4 * vectors.shape[0] * vectors.shape[1]


def _held(vectors: Rows, watch: Watch) -> np.ndarray:
    held = np.empty(vectors.shape, np.float32)
    for rows in watch(blocks(len(vectors)), len(vectors), "scaling"):
        held[rows] = vectors[rows]
    return held


def _sample(vectors: np.ndarray | Rows, size: int, seed: int) -> np.ndarray:
    """Return at most `size` vectors drawn by `seed`, in their order."""
    chosen = np.sort(np.random.default_rng(seed).permutation(len(vectors))[:size])
    sample = np.empty((len(chosen), vectors.shape[1]), np.float32)
    for rows in blocks(len(chosen)):
        sample[rows] = vectors[chosen[rows]]
    return sample


def method(training: np.ndarray | Rows, clusterer: str, n_clusters: int, memory: int) -> str:
    """Say in a few words how `cluster` goes about training vectors."""
    if clusterer == "gaussian_mixture" and (size := _mixture_sample(training, n_clusters, memory)) < len(training):
        return f"fitted to a sample of {size:,}"
    if clusterer == "gaussian_mixture" or isinstance(training, np.ndarray):
        return f"scaled in parts to {training.shape[1]} numbers"
    return "mini-batches"


def _mixture_sample(training: np.ndarray | Rows, n_clusters: int, memory: int) -> int:
    # In float64 the vectors, their differences from a mean and these weighted, and as much for the probabilities.
    return max(n_clusters, memory // (8 * 3 * (training.shape[1] + n_clusters)))


def cluster(
    features: Mapping[str, np.ndarray | Rows],
    labels: Mapping[str, np.ndarray],
    *,
    clusterer: str,
    n_clusters: int,
    options: Mapping[str, object],
    mini_batches: Mapping[str, int],
    silhouette_sample: int,
    seed: int,
    memory: int,
    watch: Watch = unwatched,
) -> clusterers.Clustering:
    """Fit a clusterer in parts, assign all vectors and score each part, block by block.

    K-means, of either kind, is fitted to an array as `autoencoders.clustering.cluster` does, and to rows by
    mini-batches (Sculley, "Web-scale k-means clustering", 2010) that start from K-means on a sample; a mixture is
    fitted to a sample where all of the vectors, and what is computed with them, would take more than `memory`.

    Parameters
    ----------
    features : mapping of ndarray or Rows of shape (n, width), float32
    labels, clusterer, n_clusters, options, silhouette_sample, seed
        As in `autoencoders.clustering.cluster`.
    mini_batches : mapping
        `batch_size`, at most `max_iter` passes over all vectors, and `n_init` starts of K-means on the sample.
    memory : int
        Bytes that samples and windows of vectors may take.
    watch : callable, optional
        Shows how far it is.

    Raises
    ------
    InputError
        As `autoencoders.clustering.cluster` does.
    """
    training = features["training"]
    settings = {"n_clusters": n_clusters, "seed": seed}
    clusterers.check(n_clusters, len(training))
    if clusterer == "gaussian_mixture":
        sample = _sample(training, _mixture_sample(training, n_clusters, memory), seed)
        model = clusterers.fit(sample, clusterer=clusterer, options=options, **settings)
    elif isinstance(training, np.ndarray):
        model = clusterers.fit(training, clusterer=clusterer, options=options, **settings)
    else:
        model = _mini_batches(training, **settings, **mini_batches, memory=memory, watch=watch)
    assignments = {part: _assigned(model, vectors, watch) for part, vectors in features.items()}
    return clusterers.scored(model, features, labels, assignments, silhouette_sample, seed)


def _mini_batches(
    training: Rows,
    *,
    n_clusters: int,
    batch_size: int,
    n_init: int,
    max_iter: int,
    seed: int,
    memory: int,
    watch: Watch,
) -> MiniBatchKMeans:
    row = 4 * training.shape[1]
    sample = _sample(training, max(n_clusters, min(SAMPLE, memory // (2 * row))), seed)
    starts = {"n_init": n_init, "max_iter": max_iter}
    start = clusterers.fit(sample, clusterer="kmeans", n_clusters=n_clusters, options=starts, seed=seed)
    # No centre is ever drawn anew, as those of mini-batches are by default where few vectors are near: these are good.
    options = {"init": start.cluster_centers_, "n_init": 1, "reassignment_ratio": 0, "random_state": seed}
    model = MiniBatchKMeans(n_clusters, batch_size=batch_size, **options)
    random = np.random.default_rng(seed)
    runs = min(core_rows.RUNS_AT_A_TIME, max(1, memory // (4 * core_rows.RUN * row)))
    last = np.inf
    with threadpool_limits(1):
        model.partial_fit(sample)
        for number in range(max_iter):
            inertia = 0.0
            for _, batch in row_batches(training, batch_size, random, runs, watch, f"K-means, pass {number + 1}"):
                model.partial_fit(batch)
                inertia += model.inertia_
            if inertia >= (1 - TOLERANCE) * last:
                break
            last = inertia
    return model


def _assigned(model: object, vectors: np.ndarray | Rows, watch: Watch) -> np.ndarray:
    assignments = np.empty(len(vectors), np.int64)
    with threadpool_limits(1):
        for rows in watch(blocks(len(vectors)), len(vectors), "assignment"):
            assignments[rows] = clusterers.predict(model, vectors[rows])
    return assignments
