"""Clustering of codes or other features, and scores against the classes."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from sklearn.base import clone
from sklearn.cluster import KMeans, MiniBatchKMeans
from sklearn.mixture import GaussianMixture
from sklearn.utils.extmath import randomized_svd
from threadpoolctl import threadpool_limits

from autoencoders.clustering.scores import cluster_means, score
from autoencoders.core.errors import InputError
from autoencoders.core.rows import Rows

# K-means on vectors wider than WIDE makes its starts on so many of their main directions.
WIDE, DIRECTIONS = 512, 64


class Clustering(NamedTuple):
    """A fitted clustering of training vectors and of others.

    Attributes
    ----------
    centres : ndarray of shape (n_clusters, width), float32
        Means of the clusters, as the clusterer found them.
    assignments : dict of ndarray of shape (n,), int64
        The cluster of each vector, from 0, under the names of the features it was made from.
    scores : dict of dict
        As `score` gives them, under the same names.
    """

    centres: np.ndarray
    assignments: dict[str, np.ndarray]
    scores: dict[str, dict[str, float]]


def cluster(
    features: Mapping[str, np.ndarray],
    labels: Mapping[str, np.ndarray],
    *,
    clusterer: str,
    n_clusters: int,
    options: Mapping[str, object],
    silhouette_sample: int,
    seed: int,
) -> Clustering:
    """Fit a clusterer to the training vectors, assign all by `predict`, and score each part.

    Parameters
    ----------
    features : mapping of ndarray of shape (n, width), float32
        Under "training" and any other names, such as "held_out".
    labels : mapping of ndarray of shape (n,), int64
        The classes, used for the scores only; under the same keys.
    clusterer : {"kmeans", "mini_batch_kmeans", "gaussian_mixture"}
        scikit-learn's `KMeans`, `MiniBatchKMeans` or `GaussianMixture`.
    n_clusters : int
        Also the number of the mixture's components.
    options : mapping
        The clusterer's other arguments, by scikit-learn's names.
    silhouette_sample : int
        The silhouette, whose cost is quadratic, is taken over a seeded sample of at most so many vectors.
    seed : int
        Seeds the clusterer's starts and the sample.

    Raises
    ------
    InputError
        If there are more clusters than training vectors, or a mixture breaks down.
    """
    check(n_clusters, len(features["training"]))
    model = fit(features["training"], clusterer=clusterer, n_clusters=n_clusters, options=options, seed=seed)
    with threadpool_limits(1):
        assignments = {part: predict(model, vectors) for part, vectors in features.items()}
    return scored(model, features, labels, assignments, silhouette_sample, seed)


def check(n_clusters: int, n: int) -> None:
    """Raise an `InputError` where there are more clusters than training vectors."""
    if n_clusters > n:
        raise InputError(f"cluster.n_clusters is {n_clusters}, more than the {n} training images; lower it.")


def fit(
    training: np.ndarray, *, clusterer: str, n_clusters: int, options: Mapping[str, object], seed: int
) -> KMeans | MiniBatchKMeans | GaussianMixture:
    """Return a clusterer fitted to training vectors; parameters and errors as of `cluster`.

    K-means on wide vectors makes its starts on their main directions alone, where a step costs a hundredth, and goes on
    from the best of them with all numbers; it ends, as ever, where a step with all numbers changes nothing more (Ding
    and He, "K-means clustering via principal component analysis", 2004).
    """
    model = CLUSTERERS[clusterer](n_clusters, random_state=seed, **options)
    # Threads add their shares of a centre in the order in which they finish, and with it change its last bits.
    with threadpool_limits(1):
        if isinstance(model, KMeans) and training.shape[1] > WIDE:
            model.set_params(init=_start(model, training, seed), n_init=1)
        try:
            return model.fit(_as_taken(model, training))
        except ValueError as error:
            if not isinstance(model, GaussianMixture):
                raise
            raise InputError(
                f"cluster.{clusterer} cannot be fitted to {len(training)} vectors of "
                f"{training.shape[1]} numbers ({str(error).split('.')[0]}); give its clustering a "
                f"smaller pca, or raise cluster.{clusterer}.reg_covar."
            ) from None


def _start(model: KMeans, training: np.ndarray, seed: int) -> np.ndarray:
    """Return the means [n_clusters, width] of the clusters that `model` finds on the vectors' main directions."""
    along, lengths, _ = randomized_svd(training, min(DIRECTIONS, len(training)), n_iter=2, random_state=seed)
    found = clone(model).fit_predict(along * lengths)
    return cluster_means(training, found, model.n_clusters)


def predict(model: KMeans | MiniBatchKMeans | GaussianMixture, vectors: np.ndarray) -> np.ndarray:
    """Return the clusters of vectors [n, width], int64 [n]."""
    return model.predict(_as_taken(model, vectors)).astype(np.int64)


def scored(
    model: KMeans | MiniBatchKMeans | GaussianMixture,
    features: Mapping[str, np.ndarray | Rows],
    labels: Mapping[str, np.ndarray],
    assignments: dict[str, np.ndarray],
    silhouette_sample: int,
    seed: int,
) -> Clustering:
    """Return a fitted clusterer's clustering, with its scores; parameters as of `cluster`."""
    centres = (model.means_ if isinstance(model, GaussianMixture) else model.cluster_centers_).astype(np.float32)
    scores = {
        part: score(vectors, labels[part], assignments[part], centres, silhouette_sample, seed)
        for part, vectors in features.items()
    }
    return Clustering(centres, assignments, scores)


def _kmeans(n_clusters: int, **options: object) -> KMeans:
    return KMeans(n_clusters, algorithm="elkan", **options)


CLUSTERERS = {"kmeans": _kmeans, "mini_batch_kmeans": MiniBatchKMeans, "gaussian_mixture": GaussianMixture}


def _as_taken(model: object, vectors: np.ndarray) -> np.ndarray:
    """Return what `model` computes with: a mixture inverts covariances, for which float32 is too coarse."""
    return vectors.astype(np.float64) if isinstance(model, GaussianMixture) else vectors
