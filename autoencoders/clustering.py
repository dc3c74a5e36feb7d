"""K-means on codes, pixels or principal components, and scores against the classes."""

from typing import NamedTuple

import numpy as np
from scipy.optimize import linear_sum_assignment
from sklearn import metrics
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.metrics.cluster import contingency_matrix
from threadpoolctl import threadpool_limits

from autoencoders.errors import InputError


class Clustering(NamedTuple):
    """A fitted clustering of training vectors and of others.

    Attributes
    ----------
    centres : ndarray of shape (n_clusters, width), float32
    assignments : dict of ndarray of shape (n,), int64
        The cluster of each vector, from 0, under the names of the features it was made from.
    scores : dict of dict
        As `score` gives them, under the same names.
    """

    centres: np.ndarray
    assignments: dict[str, np.ndarray]
    scores: dict[str, dict[str, float]]


def cluster(
    features: dict[str, np.ndarray],
    labels: dict[str, np.ndarray],
    *,
    n_clusters: int,
    n_init: int,
    max_iter: int,
    silhouette_sample: int,
    seed: int,
) -> Clustering:
    """Fit K-means to the training vectors, assign all by `predict`, and score each part.

    Parameters
    ----------
    features : dict of ndarray of shape (n, width), float32
        Under "training" and any other names, such as "held_out".
    labels : dict of ndarray of shape (n,), int64
        The classes, used for the scores only; under the same keys.
    n_clusters, n_init, max_iter : int
        As scikit-learn's `KMeans` takes them.
    silhouette_sample : int
        The silhouette, whose cost is quadratic, is taken over a seeded sample of at most so many vectors.
    seed : int
        Seeds the starts of K-means and the sample.

    Raises
    ------
    InputError
        If there are more clusters than training vectors.
    """
    if n_clusters > len(features["training"]):
        raise InputError(
            f"cluster.n_clusters is {n_clusters}, more than the {len(features['training'])} training images; lower it."
        )
    # Threads add their shares of a centre in the order in which they finish, and with it change its last bits.
    with threadpool_limits(1):
        kmeans = KMeans(n_clusters, n_init=n_init, max_iter=max_iter, random_state=seed, algorithm="elkan")
        kmeans.fit(features["training"])
    assignments = {part: kmeans.predict(vectors).astype(np.int64) for part, vectors in features.items()}
    scores = {
        part: score(vectors, labels[part], assignments[part], kmeans.cluster_centers_, silhouette_sample, seed)
        for part, vectors in features.items()
    }
    return Clustering(kmeans.cluster_centers_.astype(np.float32), assignments, scores)


def score(
    features: np.ndarray,
    labels: np.ndarray,
    assignments: np.ndarray,
    centres: np.ndarray,
    silhouette_sample: int,
    seed: int,
) -> dict[str, float | None]:
    """Return the scores of one clustering.

    `accuracy` (see `clustering_accuracy`), `nmi` (normalised mutual information, arithmetic mean), `ari`
    (adjusted Rand index), `homogeneity`, `completeness`, all of them 1 at best; `silhouette` in -1 to 1, None
    where the sample meets fewer than two clusters; `inertia`, the sum of squared distances to the centres.
    """
    return {
        "accuracy": clustering_accuracy(labels, assignments),
        "nmi": metrics.normalized_mutual_info_score(labels, assignments),
        "ari": metrics.adjusted_rand_score(labels, assignments),
        "homogeneity": metrics.homogeneity_score(labels, assignments),
        "completeness": metrics.completeness_score(labels, assignments),
        "silhouette": _silhouette(features, assignments, silhouette_sample, seed),
        "inertia": float(np.square(features - centres[assignments]).sum(dtype=np.float64)),
    }


def clustering_accuracy(labels: np.ndarray, assignments: np.ndarray) -> float:
    """Return the share of images in the class that the best one-to-one matching gives their cluster.

    Clusters left over (more clusters than classes) count as wrong. The matching is the assignment problem
    (Kuhn, 1955), as in Xie, Girshick and Farhadi, "Unsupervised deep embedding for clustering analysis", 2016.
    """
    counts = contingency_matrix(labels, assignments)
    return float(counts[linear_sum_assignment(counts, maximize=True)].sum() / len(labels))


def principal_components(features: dict[str, np.ndarray], width: int) -> dict[str, np.ndarray]:
    """Project vectors on the first `width` principal components of the training ones, float32 [n, width].

    Where there are no more features or training vectors than that, `features` themselves come back: all
    components together only rotate the training vectors and the plane they span, and to K-means a rotation,
    or a distance that is the same to every centre, makes no difference.
    """
    training = features["training"]
    if width >= min(training.shape):
        return features
    pca = PCA(width, svd_solver="covariance_eigh").fit(training)
    return {part: pca.transform(vectors).astype(np.float32) for part, vectors in features.items()}


def central_images(features: np.ndarray, assignments: np.ndarray, centres: np.ndarray, n: int) -> list[np.ndarray]:
    """Return for each cluster the rows of its (at most) `n` vectors nearest to the centre, nearest first."""
    distances = np.square(features - centres[assignments]).sum(axis=1)
    return [
        rows[np.argsort(distances[rows], kind="stable")[:n]]
        for rows in (np.flatnonzero(assignments == cluster) for cluster in range(len(centres)))
    ]


def cluster_class_matrix(labels: np.ndarray, assignments: np.ndarray, n_clusters: int, n_classes: int) -> np.ndarray:
    """Return how many images of each class each cluster holds, int64 [n_clusters, n_classes]."""
    counts = np.zeros((n_clusters, n_classes), dtype=np.int64)
    np.add.at(counts, (assignments, labels), 1)
    return counts


def _silhouette(features: np.ndarray, assignments: np.ndarray, sample: int, seed: int) -> float | None:
    rows = np.random.default_rng(seed).permutation(len(features))[:sample]
    found = len(np.unique(assignments[rows]))
    if not 2 <= found < len(rows):
        return None
    return float(metrics.silhouette_score(features[rows], assignments[rows]))
