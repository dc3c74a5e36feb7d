"""Scores of clusterings against the classes and by distances, and what a cluster consists of."""

import numpy as np
from scipy.optimize import linear_sum_assignment
from sklearn import metrics
from sklearn.metrics.cluster import contingency_matrix
from threadpoolctl import threadpool_limits

from autoencoders.core.rows import Rows, blocks


def score(
    features: np.ndarray | Rows,
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
        "inertia": float(_squared_distances(features, assignments, centres).sum(dtype=np.float64)),
    }


def clustering_accuracy(labels: np.ndarray, assignments: np.ndarray) -> float:
    """Return the share of images in the class that the best one-to-one matching gives their cluster.

    Clusters left over (more clusters than classes) count as wrong. The matching is the assignment problem
    (Kuhn, 1955), as in Xie, Girshick and Farhadi, "Unsupervised deep embedding for clustering analysis", 2016.
    """
    counts = contingency_matrix(labels, assignments)
    return float(counts[linear_sum_assignment(counts, maximize=True)].sum() / len(labels))


def central_images(
    features: np.ndarray | Rows, assignments: np.ndarray, centres: np.ndarray, n: int
) -> list[np.ndarray]:
    """Return for each cluster the rows of its (at most) `n` vectors nearest to the centre, nearest first."""
    distances = _squared_distances(features, assignments, centres)
    return [
        rows[np.argsort(distances[rows], kind="stable")[:n]]
        for rows in (np.flatnonzero(assignments == cluster) for cluster in range(len(centres)))
    ]


def cluster_class_matrix(labels: np.ndarray, assignments: np.ndarray, n_clusters: int, n_classes: int) -> np.ndarray:
    """Return how many images of each class each cluster holds, int64 [n_clusters, n_classes]."""
    counts = np.zeros((n_clusters, n_classes), dtype=np.int64)
    np.add.at(counts, (assignments, labels), 1)
    return counts


def cluster_means(codes: np.ndarray | Rows, assignments: np.ndarray, n_clusters: int) -> np.ndarray:
    """Return the mean of each cluster's codes [n, width], float32 [n_clusters, width]; of none, zeros."""
    sums = np.zeros((n_clusters, codes.shape[1]))
    for rows in blocks(len(codes)):
        block, members = codes[rows], assignments[rows]
        for cluster in np.unique(members):
            sums[cluster] += block[members == cluster].sum(axis=0, dtype=np.float64)
    sizes = np.bincount(assignments, minlength=n_clusters)
    return (sums / np.maximum(sizes, 1)[:, np.newaxis]).astype(np.float32)


def _squared_distances(features: np.ndarray | Rows, assignments: np.ndarray, centres: np.ndarray) -> np.ndarray:
    distances = np.empty(len(features), np.float32)
    for rows in blocks(len(features)):
        distances[rows] = np.square(features[rows] - centres[assignments[rows]]).sum(axis=1)
    return distances


def _silhouette(features: np.ndarray | Rows, assignments: np.ndarray, sample: int, seed: int) -> float | None:
    rows = np.random.default_rng(seed).permutation(len(features))[:sample]
    found = len(np.unique(assignments[rows]))
    if not 2 <= found < len(rows):
        return None
    with threadpool_limits(1):
        return float(metrics.silhouette_score(features[rows], assignments[rows]))
