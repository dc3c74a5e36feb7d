"""Scores of clusterings against the classes, by distances and over seeds, and what a cluster consists of."""

from collections.abc import Mapping, Sequence
from functools import partial
from itertools import combinations

import numpy as np
from scipy.optimize import linear_sum_assignment
from sklearn import metrics
from sklearn.metrics.cluster import contingency_matrix

from autoencoders.core.rows import Rows, over_blocks, summed
from autoencoders.core.threads import one_thread

# The scores that papers on deep clustering give; and those that need no classes.
MAIN = ("accuracy", "nmi", "ari")
WITHOUT_CLASSES = ("silhouette", "inertia")


def score(
    features: np.ndarray | Rows,
    labels: np.ndarray | None,
    assignments: np.ndarray,
    centres: np.ndarray,
    silhouette_sample: int,
    seed: int,
) -> dict[str, float | None]:
    """Return the scores of one clustering.

    Parameters
    ----------
    features : ndarray or Rows of shape (n, width), float32
        What was clustered.
    labels : ndarray of shape (n,), int64, or None
        The class of each vector, from 0; None where there are no classes.
    assignments : ndarray of shape (n,), int64
        The cluster of each vector, from 0.
    centres : ndarray of shape (n_clusters, width), float32
    silhouette_sample, seed : int
        The silhouette is taken over a sample of at most so many vectors, drawn by the seed.

    Returns
    -------
    dict
        With labels, `accuracy` (see `clustering_accuracy`), `nmi` (normalised mutual information, arithmetic mean),
        `ari` (adjusted Rand index), `homogeneity`, `completeness`, all of them 1 at best. Always `silhouette` in -1 to
        1, None where the sample meets fewer than two clusters, and `inertia`, the sum of squared distances to the
        centres.
    """
    return {
        **({} if labels is None else _against_classes(labels, assignments)),
        "silhouette": _silhouette(features, assignments, silhouette_sample, seed),
        "inertia": float(_squared_distances(features, assignments, centres).sum(dtype=np.float64)),
    }


def _against_classes(labels: np.ndarray, assignments: np.ndarray) -> dict[str, float]:
    return {
        "accuracy": clustering_accuracy(labels, assignments),
        "nmi": metrics.normalized_mutual_info_score(labels, assignments),
        "ari": metrics.adjusted_rand_score(labels, assignments),
        "homogeneity": metrics.homogeneity_score(labels, assignments),
        "completeness": metrics.completeness_score(labels, assignments),
    }


def summary(runs: Sequence[Mapping[str, float | None]], assignments: Sequence[np.ndarray]) -> dict[str, float]:
    """Return the main scores of the same vectors clustered by several seeds.

    Parameters
    ----------
    runs : sequence of mapping
        The scores of each seed, as `score` gives them.
    assignments : sequence of ndarray of shape (n,), int64
        The clusters of each seed.

    Returns
    -------
    dict
        Mean and deviation (see `mean_and_deviation`) of `MAIN`, or, where there are no classes, of `WITHOUT_CLASSES`;
        and `stability` (see there), where there are two seeds at least.
    """
    names = MAIN if MAIN[0] in runs[0] else WITHOUT_CLASSES
    found = mean_and_deviation(runs, [name for name in names if any(scores[name] is not None for scores in runs)])
    return found if len(assignments) < 2 else found | {"stability": stability(assignments)}


def stability(assignments: Sequence[np.ndarray]) -> float:
    """Return the mean adjusted Rand index of each pair of clusterings of the same vectors: 1 where all agree.

    About 0 where they agree no more than at random. Arguments are two or more ndarrays of shape (n,), int64.
    """
    pairs = [metrics.adjusted_rand_score(one, other) for one, other in combinations(assignments, 2)]
    return float(np.mean(pairs))


def mean_and_deviation(runs: Sequence[Mapping[str, float | None]], names: Sequence[str] = MAIN) -> dict[str, float]:
    """Return the mean of each named score over runs, and its standard deviation (over n) as `<name>_std`.

    Runs that have no value of a score count for others only.
    """
    found = {}
    for name in names:
        values = np.array([scores[name] for scores in runs if scores[name] is not None])
        found[name] = float(values.mean())
        # Rounded: the mean of equal numbers may differ from them by a rounding error, which is no deviation.
        found[f"{name}_std"] = round(float(values.std()), 6)
    return found


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
    # scikit-learn's matrix is square: as many rows and columns as the larger of the two.
    numbers = np.arange(max(n_clusters, n_classes))
    return metrics.confusion_matrix(assignments, labels, labels=numbers)[:n_clusters, :n_classes]


def cluster_means(codes: np.ndarray | Rows, assignments: np.ndarray, n_clusters: int) -> np.ndarray:
    """Return the mean of each cluster's codes [n, width], float32 [n_clusters, width]; of none, zeros."""
    work = partial(_sums_of_members, codes, assignments, n_clusters)
    (sums,) = summed(work, len(codes), here=not isinstance(codes, Rows))
    sizes = np.bincount(assignments, minlength=n_clusters)
    return (sums / np.maximum(sizes, 1)[:, np.newaxis]).astype(np.float32)


def _sums_of_members(
    codes: np.ndarray | Rows, assignments: np.ndarray, n_clusters: int, rows: slice
) -> tuple[np.ndarray]:
    """Return the sum of the codes of each cluster in a block, float64 [n_clusters, width]."""
    block, members = codes[rows], assignments[rows]
    sums = np.zeros((n_clusters, codes.shape[1]))
    for cluster in np.unique(members):
        sums[cluster] = block[members == cluster].sum(axis=0, dtype=np.float64)
    return (sums,)


def _squared_distances(features: np.ndarray | Rows, assignments: np.ndarray, centres: np.ndarray) -> np.ndarray:
    distances = np.empty(len(features), np.float32)
    work = partial(_squared, features, assignments, centres)
    for rows, found in over_blocks(work, len(features), here=not isinstance(features, Rows)):
        distances[rows] = found
    return distances


def _squared(features: np.ndarray | Rows, assignments: np.ndarray, centres: np.ndarray, rows: slice) -> np.ndarray:
    return np.square(features[rows] - centres[assignments[rows]]).sum(axis=1)


def _silhouette(features: np.ndarray | Rows, assignments: np.ndarray, sample: int, seed: int) -> float | None:
    rows = np.random.default_rng(seed).permutation(len(features))[:sample]
    found = len(np.unique(assignments[rows]))
    if not 2 <= found < len(rows):
        return None
    with one_thread():
        return float(metrics.silhouette_score(features[rows], assignments[rows]))
