import numpy as np
import pytest

from autoencoders.clustering.scores import (
    central_images,
    cluster_class_matrix,
    cluster_means,
    clustering_accuracy,
    mean_and_deviation,
    score,
    stability,
    summary,
)


@pytest.mark.parametrize(
    ("labels", "assignments", "accuracy"),
    [
        ([0, 0, 1, 1], [1, 1, 0, 0], 1.0),  # the clusters' numbers mean nothing
        ([0, 0, 1, 1], [0, 1, 2, 3], 0.5),  # clusters left over count as wrong
        ([0, 0, 1, 1], [0, 0, 0, 0], 0.5),  # one cluster stands for one class only
        # Taking the largest overlaps first would give 3 + 0; the best matching gives 2 + 2.
        ([0, 0, 0, 1, 1, 0, 0], [0, 0, 0, 0, 0, 1, 1], 4 / 7),
    ],
)
def test_accuracy_is_that_of_the_best_one_to_one_matching(labels, assignments, accuracy):
    assert clustering_accuracy(np.array(labels), np.array(assignments)) == pytest.approx(accuracy)


def test_cluster_means_are_those_of_the_members_and_zeros_without_any():
    codes = np.array([[1, 2], [3, 6], [10, 0]], np.float32)
    means = cluster_means(codes, np.array([2, 2, 0]), 3)
    assert means.dtype == np.float32
    assert means.tolist() == [[10, 0], [0, 0], [2, 4]]


def test_central_images_are_the_nearest_of_their_own_cluster_nearest_first():
    features = np.array([[0.0], [1.0], [3.0], [10.0], [12.0]], dtype=np.float32)
    rows = central_images(features, np.array([0, 0, 0, 1, 1]), np.array([[1.1], [12.0]]), 2)
    assert [row.tolist() for row in rows] == [[1, 0], [4, 3]]


def test_the_cluster_class_matrix_counts_every_image_once():
    counts = cluster_class_matrix(np.array([0, 1, 1]), np.array([2, 0, 0]), n_clusters=3, n_classes=2)
    assert counts.tolist() == [[0, 2], [0, 0], [1, 0]]


def test_the_cluster_class_matrix_is_as_wide_as_there_are_classes():
    counts = cluster_class_matrix(np.array([0, 3, 3]), np.array([1, 0, 0]), n_clusters=2, n_classes=5)
    assert counts.tolist() == [[0, 0, 0, 2, 0], [1, 0, 0, 0, 0]]


@pytest.mark.parametrize("assignments", [[0, 0, 0, 0], [0, 1, 2, 3]])
def test_the_silhouette_is_none_where_it_is_not_defined(assignments):
    features, centres = np.eye(4, 3, dtype=np.float32), np.zeros((4, 3), np.float32)
    found = score(features, np.array([0, 0, 1, 1]), np.array(assignments), centres, 9, seed=0)
    assert found["silhouette"] is None
    assert found["inertia"] == 3


def test_scores_over_runs_are_summed_up_by_mean_and_deviation():
    runs = [{"accuracy": 0.5, "nmi": 0.1, "ari": 1}, {"accuracy": 0.7, "nmi": 0.1, "ari": 0}]
    assert mean_and_deviation(runs) == pytest.approx(
        {"accuracy": 0.6, "accuracy_std": 0.1, "nmi": 0.1, "nmi_std": 0, "ari": 0.5, "ari_std": 0.5}
    )
    # What adding equal numbers leaves over is no deviation.
    assert mean_and_deviation([{"nmi": 0.1}] * 3, ["nmi"])["nmi_std"] == 0


def test_without_labels_there_are_the_scores_that_need_none():
    features, centres = np.array([[0.0], [1.0], [9.0]], np.float32), np.array([[0.5], [9.0]], np.float32)
    found = score(features, None, np.array([0, 0, 1]), centres, 9, seed=0)
    assert list(found) == ["silhouette", "inertia"]
    assert found["inertia"] == 0.5


def test_stability_is_the_mean_agreement_of_each_pair_of_seeds():
    one, other = np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])
    assert stability([one, 1 - one]) == 1
    # Of the three pairs two agree worse than at random: an index of -0.5 each.
    assert stability([one, one, other]) == pytest.approx(0)


def test_the_summary_has_the_scores_by_class_or_else_those_by_distance():
    halves = [np.array([0, 0, 1, 1]), np.array([1, 1, 0, 0])]
    labelled = [{"accuracy": 1, "nmi": 1, "ari": 1, "homogeneity": 1, "silhouette": 0.5, "inertia": 2.0}] * 2
    assert list(summary(labelled, halves)) == [
        "accuracy",
        "accuracy_std",
        "nmi",
        "nmi_std",
        "ari",
        "ari_std",
        "stability",
    ]
    runs = [{"silhouette": 0.5, "inertia": 2.0}, {"silhouette": None, "inertia": 4.0}]
    found = summary(runs, halves)
    assert found == {"silhouette": 0.5, "silhouette_std": 0, "inertia": 3, "inertia_std": 1, "stability": 1}
    # One seed has nothing to agree with; a silhouette that no run has is left out.
    assert summary(runs[1:], halves[:1]) == {"inertia": 4, "inertia_std": 0}
