"""scikit-learn's clusterers, fitted by one thread, with a quicker start of K-means on wide vectors."""

from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
from sklearn.base import clone
from sklearn.cluster import KMeans, MiniBatchKMeans
from sklearn.mixture import GaussianMixture
from sklearn.utils.extmath import randomized_svd

from autoencoders.clustering.scores import cluster_means
from autoencoders.core.errors import ArgumentError
from autoencoders.core.threads import one_thread

Model: TypeAlias = KMeans | MiniBatchKMeans | GaussianMixture

# K-means on vectors wider than WIDE makes its starts on so many of their main directions: a step costs a quarter to a
# hundredth there, and codes have little variance beyond them.
WIDE, N_DIRECTIONS = 128, 64


def unfitted(clusterer: str, n_clusters: int, options: Mapping[str, Any], seed: int) -> Model:
    """Return scikit-learn's `KMeans`, `MiniBatchKMeans` or `GaussianMixture` with its arguments in `options`."""
    if clusterer == "kmeans":
        # What is fitted to is a copy already.
        return KMeans(n_clusters, copy_x=False, random_state=seed, **options)
    kind = {"mini_batch_kmeans": MiniBatchKMeans, "gaussian_mixture": GaussianMixture}[clusterer]
    return kind(n_clusters, random_state=seed, **options)


@one_thread()
def fit(model: Model, training: np.ndarray) -> Model:
    """Fit a clusterer to training vectors in memory, float32 [n, width], and return it.

    K-means and mixtures compute in float64. In float32, rounding errors, which differ from processor to processor,
    decide which of several optima of nearly equal inertia K-means finds (docs/stability.md); a mixture inverts
    covariances.

    K-means on wide vectors makes its starts on their main directions alone and goes on from the best of them with all
    numbers; it ends, as ever, where a step with all numbers changes nothing more (Ding and He, "K-means clustering via
    principal component analysis", 2004).

    Raises
    ------
    ArgumentError
        If a mixture cannot be fitted: a covariance is singular, or there are fewer vectors than components.
    """
    training = _as_taken(model, training)
    if isinstance(model, KMeans) and training.shape[1] > WIDE:
        model.set_params(init=_start(model, training), n_init=1)
    try:
        return model.fit(training)
    except ValueError as error:
        if not isinstance(model, GaussianMixture):
            raise
        raise ArgumentError(
            f"gaussian_mixture cannot be fitted to {len(training)} vectors of {training.shape[1]} numbers "
            f"({str(error).split('.')[0]}); give its clustering a smaller pca, or raise its reg_covar."
        ) from None


def _start(model: KMeans, training: np.ndarray) -> np.ndarray:
    """Return the means [n_clusters, width] of the clusters that `model` finds on the vectors' main directions."""
    n_directions = min(N_DIRECTIONS, len(training))
    along, lengths, _ = randomized_svd(training, n_directions, n_iter=2, random_state=model.random_state)
    assignments = clone(model).fit_predict(along * lengths)
    return cluster_means(training, assignments, model.n_clusters)


@one_thread()
def predict(model: Model, vectors: np.ndarray) -> np.ndarray:
    """Return the clusters of vectors [n, width], int64 [n]."""
    return model.predict(_as_taken(model, vectors)).astype(np.int64)


def centres(model: Model) -> np.ndarray:
    """Return the clusters' means, float32 [n_clusters, width]."""
    return (model.means_ if isinstance(model, GaussianMixture) else model.cluster_centers_).astype(np.float32)


def _as_taken(model: Model, vectors: np.ndarray) -> np.ndarray:
    """Return a copy in float64; for mini-batches, which are for vectors that memory has no room for, `vectors`."""
    return vectors if isinstance(model, MiniBatchKMeans) else vectors.astype(np.float64)
