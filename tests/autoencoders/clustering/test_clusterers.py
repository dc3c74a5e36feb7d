import re
from dataclasses import replace

import numpy as np
import pytest
from sklearn.cluster import KMeans

from autoencoders.clustering import models
from autoencoders.clustering.clusterers import CLUSTERERS, Clusterer, Settings, cluster
from autoencoders.clustering.scores import cluster_means
from autoencoders.core.errors import ArgumentError
from autoencoders.core.threads import one_thread

STARTS = {"n_init": 3, "max_iter": 50}
OPTIONS = {
    "kmeans": STARTS,
    "mini_batch_kmeans": {**STARTS, "batch_size": 64},
    "gaussian_mixture": {**STARTS, "covariance_type": "full", "reg_covar": 1e-6},
}
SETTINGS = Settings("kmeans", n_clusters=3, options=OPTIONS, silhouette_sample=60, seed=0)
MIXTURE = replace(SETTINGS, clusterer="gaussian_mixture")


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
    found = cluster(features, labels, replace(SETTINGS, clusterer=clusterer))
    for label, number in zip(labels["training"][:3], found.assignments["training"][:3], strict=True):
        mean = features["training"][labels["training"] == label].mean(axis=0)
        np.testing.assert_allclose(found.centres[number], mean, atol=0.2)
    for part in ("training", "held_out"):
        scores = found.scores[part]
        assert [scores[key] for key in ("accuracy", "nmi", "ari", "homogeneity", "completeness")] == pytest.approx(
            [1] * 5
        )
        assert 0.5 < scores["silhouette"] < 1


def test_held_out_images_get_the_nearest_centre():
    features, labels = blobs()
    found = cluster(features, labels, SETTINGS)
    distances = np.square(features["held_out"][:, None] - found.centres).sum(axis=2)
    assert np.array_equal(found.assignments["held_out"], distances.argmin(axis=1))
    assert found.scores["held_out"]["inertia"] == pytest.approx(distances.min(axis=1).sum(), rel=1e-5)


def test_a_mixture_knows_that_some_clusters_are_wider_than_others():
    random = np.random.default_rng(0)
    training = np.concatenate([random.normal(0, 0.1, (50, 1)), random.normal(5, 2, (50, 1))]).astype(np.float32)
    features = {"training": training, "held_out": np.array([[0.0], [1.5]], np.float32)}
    labels = {"training": np.repeat([0, 1], 50), "held_out": np.array([0, 1])}
    narrow, wide = (
        cluster(features, labels, replace(settings, n_clusters=2)).scores["held_out"]["accuracy"]
        for settings in (SETTINGS, MIXTURE)
    )
    # The second vector is nearer to the narrow cluster, whose vectors never lie so far from its centre.
    assert (narrow, wide) == (0.5, 1)


def wide_vectors(n: int = 300, width: int = models.WIDE + 1):
    """Return vectors in ten overlapping groups, whose numbers depend on one another as those of images do."""
    random = np.random.default_rng(0)
    mixing = random.normal(size=(20, width)) / np.arange(1, 21)[:, np.newaxis]
    hidden = random.normal(size=(n, 20)) + 2 * random.normal(size=(10, 20))[np.arange(n) % 10]
    return (hidden @ mixing + 0.5 * random.normal(size=(n, width))).astype(np.float32)


def test_wide_vectors_are_clustered_as_well_as_by_starts_on_all_numbers():
    vectors = wide_vectors()
    starts = {"n_init": 10, "max_iter": 100}
    inertias = {"pipeline": [], "scikit-learn": []}
    for seed in range(3):
        model = models.fit(models.unfitted("kmeans", 10, starts, seed), vectors)
        inertias["pipeline"].append(model.inertia_)
        with one_thread():
            inertias["scikit-learn"].append(KMeans(10, random_state=seed, **starts).fit(vectors).inertia_)
    assert np.mean(inertias["pipeline"]) < 1.005 * np.mean(inertias["scikit-learn"])


def test_clusters_of_wide_vectors_are_final():
    vectors = wide_vectors()
    model = models.fit(models.unfitted("kmeans", 10, STARTS, 0), vectors)
    # As K-means ends: each vector is with the nearest centre, each centre the mean of its vectors.
    distances = np.square(vectors[:, np.newaxis] - model.cluster_centers_).sum(axis=2)
    assert np.array_equal(model.labels_, distances.argmin(axis=1))
    np.testing.assert_allclose(model.cluster_centers_, cluster_means(vectors, model.labels_, 10), rtol=1e-4, atol=1e-4)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_wide_vectors_that_are_all_alike_make_one_cluster():
    vectors = np.ones((12, models.WIDE + 1), np.float32)
    model = models.fit(models.unfitted("kmeans", 3, STARTS, 0), vectors)
    assert len(set(models.predict(model, vectors))) == 1
    assert np.isfinite(model.cluster_centers_).all()


def test_the_order_of_sums_moves_no_more_than_the_last_digits_of_float64():
    vectors = wide_vectors(width=32)
    models_of = [models.fit(models.unfitted("kmeans", 10, STARTS, 0), each) for each in (vectors, vectors[:, ::-1])]
    assert np.array_equal(*(model.labels_ for model in models_of))
    np.testing.assert_allclose(*(model.inertia_ for model in models_of), rtol=1e-12)


def test_held_out_images_have_no_part_in_the_fit():
    features, labels = blobs()
    other = {"training": features["training"], "held_out": features["held_out"] + 5}
    centres = [cluster(each, labels, SETTINGS).centres for each in (features, other)]
    assert np.array_equal(*centres)


@pytest.mark.parametrize("memory", [None, 0])
def test_more_clusters_than_vectors_name_the_argument(memory):
    with pytest.raises(ArgumentError, match=r"^n_clusters is 91, more than the 90 training images; lower it\.$"):
        cluster(*blobs(), replace(SETTINGS, n_clusters=91), memory)


@pytest.mark.parametrize(
    ("training", "said"),
    [
        (blobs()[0]["training"][:4], "4 vectors of 5 numbers"),
        (blobs()[0]["training"] * np.array([1, 1, 1, 1, 0], np.float32), "90 vectors of 5 numbers"),
    ],
    ids=["too few vectors", "a number that never changes"],
)
def test_a_mixture_that_breaks_down_is_one_sentence_that_names_its_arguments(training, said):
    def fit(ridge):
        options = {"gaussian_mixture": {**OPTIONS["gaussian_mixture"], "reg_covar": ridge}}
        Clusterer(replace(MIXTURE, options=options)).fit(training)

    with pytest.raises(ArgumentError) as raised:
        fit(0)
    assert re.fullmatch(
        rf"gaussian_mixture cannot be fitted to {said} \(.+\); give its clustering a smaller pca, "
        r"or raise its reg_covar\.",
        str(raised.value),
    )
    fit(1e-3)
