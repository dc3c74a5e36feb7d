import numpy as np
import pytest

from autoencoders import clustering
from autoencoders.errors import InputError

SETTINGS = {"n_clusters": 3, "n_init": 3, "max_iter": 50, "silhouette_sample": 60, "seed": 0}


def blobs(n: int = 90, width: int = 5, seed: int = 0):
    """Return three well separated groups as features and labels, for training and held out."""
    random = np.random.default_rng(seed)
    labels = {part: np.arange(n, dtype=np.int64) % 3 for part in ("training", "held_out")}
    features = {
        part: (10 * np.eye(3, width)[classes] + random.normal(size=(n, width))).astype(np.float32)
        for part, classes in labels.items()
    }
    return features, labels


def test_clear_groups_are_found_in_training_and_held_out_images():
    found = clustering.cluster(*blobs(), **SETTINGS)
    for part in ("training", "held_out"):
        scores = found.scores[part]
        assert [scores[key] for key in ("accuracy", "nmi", "ari", "homogeneity", "completeness")] == pytest.approx(
            [1] * 5
        )
        assert 0.5 < scores["silhouette"] < 1


def test_held_out_images_get_the_nearest_centre():
    features, labels = blobs()
    found = clustering.cluster(features, labels, **SETTINGS)
    distances = np.square(features["held_out"][:, None] - found.centres).sum(axis=2)
    assert np.array_equal(found.assignments["held_out"], distances.argmin(axis=1))
    assert found.scores["held_out"]["inertia"] == pytest.approx(distances.min(axis=1).sum(), rel=1e-5)


def test_the_same_seed_gives_the_same_bytes():
    first, again = (clustering.cluster(*blobs(), **SETTINGS) for _ in range(2))
    assert first.centres.tobytes() == again.centres.tobytes()
    assert first.scores == again.scores


def test_held_out_images_have_no_part_in_the_fit():
    features, labels = blobs()
    other = {"training": features["training"], "held_out": features["held_out"] + 5}
    centres = [clustering.cluster(each, labels, **SETTINGS).centres for each in (features, other)]
    assert np.array_equal(*centres)


def test_more_clusters_than_images_name_the_parameter():
    with pytest.raises(InputError, match=r"cluster\.n_clusters is 91, more than the 90 training images"):
        clustering.cluster(*blobs(), **{**SETTINGS, "n_clusters": 91})


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
    assert clustering.clustering_accuracy(np.array(labels), np.array(assignments)) == pytest.approx(accuracy)


def test_the_silhouette_is_none_where_it_is_not_defined():
    features, labels = blobs()
    one = {part: np.zeros_like(vectors) for part, vectors in features.items()}
    with pytest.warns(match="distinct clusters"):
        assert clustering.cluster(one, labels, **SETTINGS).scores["training"]["silhouette"] is None


def test_principal_components_are_fitted_on_training_vectors_only():
    features, _ = blobs()
    projected = clustering.principal_components(features, 2)
    assert {part: vectors.shape for part, vectors in projected.items()} == {"training": (90, 2), "held_out": (90, 2)}
    assert np.allclose(projected["training"].mean(axis=0), 0, atol=1e-4)
    assert all(vectors.dtype == np.float32 for vectors in projected.values())


@pytest.mark.parametrize("width", [5, 6])
def test_as_many_components_as_features_leave_the_features_as_they_are(width):
    features, _ = blobs()
    assert clustering.principal_components(features, width) is features


def test_central_images_are_the_nearest_of_their_own_cluster_nearest_first():
    features = np.array([[0.0], [1.0], [3.0], [10.0], [12.0]], dtype=np.float32)
    rows = clustering.central_images(features, np.array([0, 0, 0, 1, 1]), np.array([[1.1], [12.0]]), 2)
    assert [row.tolist() for row in rows] == [[1, 0], [4, 3]]


def test_the_cluster_class_matrix_counts_every_image_once():
    counts = clustering.cluster_class_matrix(np.array([0, 1, 1]), np.array([2, 0, 0]), n_clusters=3, n_classes=2)
    assert counts.tolist() == [[0, 2], [0, 0], [1, 0]]
