import re

import numpy as np
import pytest
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits

from autoencoders.clustering import clusterers
from autoencoders.clustering.scores import central_images, cluster_class_matrix, cluster_means, clustering_accuracy
from autoencoders.core.errors import InputError

STARTS = {"n_init": 3, "max_iter": 50}
SETTINGS = {"clusterer": "kmeans", "options": STARTS, "n_clusters": 3, "silhouette_sample": 60, "seed": 0}
MIXTURE = {"clusterer": "gaussian_mixture", "options": {**STARTS, "covariance_type": "full", "reg_covar": 1e-6}}
CLUSTERERS = {
    "kmeans": SETTINGS,
    "mini_batch_kmeans": {**SETTINGS, "clusterer": "mini_batch_kmeans", "options": {**STARTS, "batch_size": 64}},
    "gaussian_mixture": {**SETTINGS, **MIXTURE},
}


def blobs(n: int = 90, width: int = 5, seed: int = 0):
    """Return three well separated groups as features and labels, for training and held out."""
    random = np.random.default_rng(seed)
    labels = {part: np.arange(n, dtype=np.int64) % 3 for part in ("training", "held_out")}
    features = {
        part: (10 * np.eye(3, width)[classes] + random.normal(size=(n, width))).astype(np.float32)
        for part, classes in labels.items()
    }
    return features, labels


@pytest.mark.parametrize("clusterer", CLUSTERERS)
def test_clear_groups_are_found_in_training_and_held_out_images(clusterer):
    features, labels = blobs()
    found = clusterers.cluster(features, labels, **CLUSTERERS[clusterer])
    for label, cluster in zip(labels["training"][:3], found.assignments["training"][:3], strict=True):
        mean = features["training"][labels["training"] == label].mean(axis=0)
        np.testing.assert_allclose(found.centres[cluster], mean, atol=0.2)
    for part in ("training", "held_out"):
        scores = found.scores[part]
        assert [scores[key] for key in ("accuracy", "nmi", "ari", "homogeneity", "completeness")] == pytest.approx(
            [1] * 5
        )
        assert 0.5 < scores["silhouette"] < 1


def test_held_out_images_get_the_nearest_centre():
    features, labels = blobs()
    found = clusterers.cluster(features, labels, **SETTINGS)
    distances = np.square(features["held_out"][:, None] - found.centres).sum(axis=2)
    assert np.array_equal(found.assignments["held_out"], distances.argmin(axis=1))
    assert found.scores["held_out"]["inertia"] == pytest.approx(distances.min(axis=1).sum(), rel=1e-5)


def test_a_mixture_knows_that_some_clusters_are_wider_than_others():
    random = np.random.default_rng(0)
    training = np.concatenate([random.normal(0, 0.1, (50, 1)), random.normal(5, 2, (50, 1))]).astype(np.float32)
    features = {"training": training, "held_out": np.array([[0.0], [1.5]], np.float32)}
    labels = {"training": np.repeat([0, 1], 50), "held_out": np.array([0, 1])}
    narrow, wide = (
        clusterers.cluster(features, labels, **{**settings, "n_clusters": 2}).scores["held_out"]["accuracy"]
        for settings in (SETTINGS, CLUSTERERS["gaussian_mixture"])
    )
    # The second vector is nearer to the narrow cluster, whose vectors never lie so far from its centre.
    assert (narrow, wide) == (0.5, 1)


@pytest.mark.parametrize("clusterer", CLUSTERERS)
def test_the_seed_decides_the_starts_and_the_number_of_threads_changes_no_bit(clusterer):
    features, labels = blobs(900, 300)
    features = {part: vectors % 1 for part, vectors in features.items()}
    found = []
    for seed, threads in ((0, 1), (0, 2), (1, 1)):
        with threadpool_limits(threads):
            found.append(clusterers.cluster(features, labels, **{**CLUSTERERS[clusterer], "seed": seed}))
    first, again, other = found
    assert first.centres.tobytes() == again.centres.tobytes() != other.centres.tobytes()
    assert first.scores == again.scores


def wide_vectors(n: int = 300, width: int = clusterers.WIDE + 1):
    """Return vectors in ten overlapping groups, whose numbers depend on one another as those of images do."""
    random = np.random.default_rng(0)
    mixing = random.normal(size=(20, width)) / np.arange(1, 21)[:, np.newaxis]
    hidden = random.normal(size=(n, 20)) + 2 * random.normal(size=(10, 20))[np.arange(n) % 10]
    return (hidden @ mixing + 0.5 * random.normal(size=(n, width))).astype(np.float32)


def test_wide_vectors_are_clustered_as_well_as_by_starts_on_all_numbers():
    vectors = wide_vectors()
    options = {"n_init": 10, "max_iter": 100}
    inertias = {"pipeline": [], "scikit-learn": []}
    for seed in range(5):
        model = clusterers.fit(vectors, clusterer="kmeans", n_clusters=10, options=options, seed=seed)
        inertias["pipeline"].append(model.inertia_)
        inertias["scikit-learn"].append(KMeans(10, random_state=seed, **options).fit(vectors).inertia_)
    assert np.mean(inertias["pipeline"]) < 1.005 * np.mean(inertias["scikit-learn"])


def test_clusters_of_wide_vectors_are_final():
    vectors = wide_vectors()
    model = clusterers.fit(vectors, clusterer="kmeans", n_clusters=10, options=STARTS, seed=0)
    # As K-means ends: each vector is with the nearest centre, each centre the mean of its vectors.
    distances = np.square(vectors[:, np.newaxis] - model.cluster_centers_).sum(axis=2)
    assert np.array_equal(model.labels_, distances.argmin(axis=1))
    np.testing.assert_allclose(model.cluster_centers_, cluster_means(vectors, model.labels_, 10), rtol=1e-4, atol=1e-4)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_wide_vectors_that_are_all_alike_make_one_cluster():
    vectors = np.ones((12, clusterers.WIDE + 1), np.float32)
    model = clusterers.fit(vectors, clusterer="kmeans", n_clusters=3, options=STARTS, seed=0)
    assert len(set(model.predict(vectors))) == 1
    assert np.isfinite(model.cluster_centers_).all()


def test_held_out_images_have_no_part_in_the_fit():
    features, labels = blobs()
    other = {"training": features["training"], "held_out": features["held_out"] + 5}
    centres = [clusterers.cluster(each, labels, **SETTINGS).centres for each in (features, other)]
    assert np.array_equal(*centres)


def test_more_clusters_than_images_name_the_parameter():
    with pytest.raises(InputError, match=r"cluster\.n_clusters is 91, more than the 90 training images"):
        clusterers.cluster(*blobs(), **{**SETTINGS, "n_clusters": 91})


@pytest.mark.parametrize(
    ("training", "said"),
    [
        (blobs()[0]["training"][:4], "4 vectors of 5 numbers"),
        (blobs()[0]["training"] * np.array([1, 1, 1, 1, 0], np.float32), "90 vectors of 5 numbers"),
    ],
    ids=["too few vectors", "a number that never changes"],
)
def test_a_mixture_that_breaks_down_is_one_sentence_that_names_its_parameters(training, said):
    features, labels = {"training": training}, {"training": np.zeros(len(training), np.int64)}
    mixture = CLUSTERERS["gaussian_mixture"]
    with pytest.raises(InputError) as raised:
        clusterers.cluster(features, labels, **{**mixture, "options": {**mixture["options"], "reg_covar": 0}})
    assert re.fullmatch(
        rf"cluster\.gaussian_mixture cannot be fitted to {said} \(.+\); give its clustering a "
        r"smaller pca, or raise cluster\.gaussian_mixture\.reg_covar\.",
        str(raised.value),
    )
    clusterers.cluster(features, labels, **{**mixture, "options": {**mixture["options"], "reg_covar": 1e-3}})


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


def test_the_silhouette_is_none_where_it_is_not_defined():
    features, labels = blobs()
    one = {part: np.zeros_like(vectors) for part, vectors in features.items()}
    with pytest.warns(match="distinct clusters"):
        assert clusterers.cluster(one, labels, **SETTINGS).scores["training"]["silhouette"] is None


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
