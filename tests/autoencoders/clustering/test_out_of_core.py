import numpy as np
import pytest
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits

from autoencoders.clustering.clusterers import Clusterer, Clustering, Settings, cluster
from autoencoders.clustering.scores import clustering_accuracy
from autoencoders.core.rows import Rows
from autoencoders.core.sampling import sampled

OPTIONS = {
    "kmeans": {"n_init": 3, "max_iter": 50},
    "mini_batch_kmeans": {"n_init": 3, "max_iter": 50, "batch_size": 64},
    "gaussian_mixture": {"n_init": 1, "max_iter": 50, "covariance_type": "full", "reg_covar": 1e-6},
}
# Less than the 6000 vectors of 8 numbers take, and enough for a sample of more than half of them.
LITTLE = 4 * 8 * 5999


class Counted:
    """Vectors that remember the most numbers of theirs that were asked for at once, and how often all of them were."""

    def __init__(self, array: np.ndarray):
        self.array, self.shape, self.dtype = array, array.shape, array.dtype
        self.most = self.total = 0

    def __getitem__(self, key):
        found = self.array[key]
        self.most, self.total = max(self.most, len(found)), self.total + len(found)
        return found


def split(array: np.ndarray) -> Rows:
    return Rows(array[: len(array) // 3], array[len(array) // 3 :])


def groups(n: int = 6000, width: int = 8, seed: int = 0) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Return four groups that overlap, for training and held out; neighbouring rows are of one group."""
    random = np.random.default_rng(seed)
    means = np.random.default_rng(9).normal(size=(4, width)) * 1.5
    labels = {part: np.sort(random.integers(0, 4, size)) for part, size in (("training", n), ("held_out", n // 4))}
    features = {
        part: (means[of] + random.normal(size=(len(of), width))).astype(np.float32) for part, of in labels.items()
    }
    return features, labels


def found(clusterer: str, features: dict, labels: dict, seed: int = 0, memory: int = LITTLE, **watch) -> Clustering:
    return cluster(features, labels, Settings(clusterer, 4, OPTIONS, 200, seed), memory, **watch)


@pytest.mark.parametrize("clusterer", ["kmeans", "mini_batch_kmeans"])
def test_block_by_block_and_mini_batches_come_near_k_means_of_the_whole(clusterer):
    features, labels = groups()
    whole = KMeans(4, n_init=10, random_state=0).fit(features["training"])
    in_parts = found(clusterer, {part: split(values) for part, values in features.items()}, labels)
    assert in_parts.scores["training"]["inertia"] < 1.005 * whole.inertia_
    expected = clustering_accuracy(labels["held_out"], whole.predict(features["held_out"]))
    assert in_parts.scores["held_out"]["accuracy"] == pytest.approx(expected, abs=0.01)
    for part, values in features.items():
        distances = np.square(values[:, np.newaxis] - in_parts.centres).sum(axis=2)
        assert (in_parts.assignments[part] == distances.argmin(axis=1)).all()
        assert in_parts.scores[part]["inertia"] == pytest.approx(distances.min(axis=1).sum(), rel=1e-5)


@pytest.mark.parametrize("clusterer", ["kmeans", "mini_batch_kmeans"])
def test_centres_are_learned_from_all_vectors_and_not_only_from_the_sample(clusterer):
    features, labels = groups()
    training, memory = split(features["training"]), 2 * 4 * 8 * 40
    sample = sampled(training, 40, seed=0)
    best, of_sample = (KMeans(4, n_init=10, random_state=0).fit(each) for each in (features["training"], sample))
    in_parts = found(clusterer, {"training": training}, labels, memory=memory)
    assert -of_sample.score(features["training"]) > 1.03 * best.inertia_
    assert in_parts.scores["training"]["inertia"] < 1.005 * best.inertia_


def test_no_more_than_a_window_and_a_sample_is_read_at_once_and_few_passes_are_made(monkeypatch):
    features, labels = groups(20000)
    monkeypatch.setattr("autoencoders.core.rows.RUN", 100)
    training, passes = Counted(features["training"]), []
    rows = {"training": Rows(training), "held_out": split(features["held_out"])}

    def watch(slices, n, what):
        passes.append(what)
        return slices

    found("mini_batch_kmeans", rows, labels, memory=4 * 8 * 2000, watch=watch)
    assert training.most <= 1000
    counted = sum(what.startswith("K-means, pass") for what in passes)
    assert 2 <= counted <= 10
    # And two more to assign and to score; the sample is a third of what memory holds, drawn once, the silhouette's 200.
    assert training.total == (counted + 2) * 20000 + 2000 // 3 + 200


def test_lloyds_steps_end_at_the_optimum_that_scikit_learn_finds_from_the_same_start():
    features, _ = groups(width=3)
    training = features["training"].astype(np.float64)
    fitted = Clusterer(Settings("kmeans", 4, OPTIONS, 200, 0), LITTLE // 4).fit(split(features["training"]))
    sample = sampled(features["training"], LITTLE // 4 // (3 * 4 * 3), 0).astype(np.float64)
    start = KMeans(4, n_init=3, max_iter=50, random_state=0).fit(sample).cluster_centers_
    expected = KMeans(4, init=start, n_init=1, max_iter=50).fit(training)
    np.testing.assert_allclose(fitted.centres_, expected.cluster_centers_, atol=1e-3)
    assert fitted.model_.inertia_ == pytest.approx(expected.inertia_, rel=1e-4)
    assert 1 < fitted.model_.n_iter_ <= 50


def test_no_more_than_a_block_and_a_sample_is_read_at_once_by_lloyds_steps():
    features, labels = groups(20000)
    training, steps = Counted(features["training"]), []

    def watch(slices, n, what):
        steps.append(what)
        return slices

    found("kmeans", {"training": Rows(training)}, labels, memory=4 * 8 * 2000, watch=watch)
    assert training.most <= 1000
    counted = sum(what.startswith("K-means, step") for what in steps)
    assert 2 <= counted <= 50
    # Two more to assign and to score; the sample; the silhouette's 200.
    assert training.total == (counted + 2) * 20000 + 2000 // 3 + 200


def test_a_cluster_that_loses_its_vectors_keeps_its_centre(monkeypatch):
    training = np.concatenate([np.zeros((3000, 2)), np.ones((3000, 2))]).astype(np.float32)
    far = KMeans(3, init=np.array([[0, 0], [1, 1], [50, 50.0]]), n_init=1, max_iter=1)
    far.fit(np.array([[0, 0], [1, 1], [50, 50.0]]))
    monkeypatch.setattr("autoencoders.clustering.models.fit", lambda model, sample: far)
    fitted = Clusterer(Settings("kmeans", 3, OPTIONS, 200, 0), 4 * 2 * 5999).fit(Rows(training))
    assert fitted.centres_.tolist() == [[0, 0], [1, 1], [50, 50]]


@pytest.mark.parametrize("clusterer", OPTIONS)
def test_neither_the_blocks_nor_the_threads_change_a_result_and_the_seed_does(clusterer, monkeypatch):
    features, labels = groups(width=30)
    rows = {part: split(values) for part, values in features.items()}
    results = []
    for size, threads, seed in ((1000, 1, 0), (33, 2, 0), (1000, 1, 1)):
        monkeypatch.setattr("autoencoders.core.rows.BLOCK_SIZE", size)
        with threadpool_limits(threads):
            results.append(found(clusterer, rows, labels, seed=seed, memory=4 * 30 * 3000))
    first, again, other = results
    assert first.centres.tobytes() == again.centres.tobytes() != other.centres.tobytes()
    for part, assigned in first.assignments.items():
        assert (assigned == again.assignments[part]).all()
        assert first.scores[part] == pytest.approx(again.scores[part], rel=1e-6)


@pytest.mark.parametrize("clusterer", OPTIONS)
def test_vectors_that_fit_are_clustered_as_without_a_bound(clusterer):
    features, labels = groups(1500)
    memory = 8 * 3 * 12 * 1500
    without = cluster(features, labels, Settings(clusterer, 4, OPTIONS, 200, 0))
    for vectors in (features, {part: split(array) for part, array in features.items()}):
        within = found(clusterer, vectors, labels, memory=memory)
        assert within.centres.tobytes() == without.centres.tobytes()
        for part in features:
            assert np.array_equal(within.assignments[part], without.assignments[part])
            assert within.scores[part] == pytest.approx(without.scores[part])


def test_a_mixture_is_fitted_to_no_more_than_fits():
    features, labels = groups()
    rows = {"training": Rows(training := Counted(features["training"])), "held_out": split(features["held_out"])}
    # Three times the vectors and the probabilities, in float64.
    in_parts = found("gaussian_mixture", rows, labels, memory=8 * 3 * (8 + 4) * 600)
    # One pass to assign and one to score; the silhouette's sample.
    assert training.total == 600 + 2 * 6000 + 200
    whole = cluster(features, labels, Settings("gaussian_mixture", 4, OPTIONS, 200, 0))
    for part in rows:
        for score in ("accuracy", "nmi", "ari"):
            assert in_parts.scores[part][score] == pytest.approx(whole.scores[part][score], abs=0.02)


@pytest.mark.parametrize(
    ("clusterer", "large", "memory", "said"),
    [
        ("kmeans", True, LITTLE, "block by block"),
        ("mini_batch_kmeans", True, LITTLE, "mini-batches"),
        ("kmeans", False, LITTLE, "scaled in parts to 8 numbers"),
        ("gaussian_mixture", False, 2**30, "scaled in parts to 8 numbers"),
        ("gaussian_mixture", False, 8 * 3 * 12 * 1500, "fitted to a sample of 1,500"),
        ("gaussian_mixture", True, 8 * 3 * 12 * 1500, "fitted to a sample of 1,500"),
    ],
)
def test_the_way_is_said_in_a_few_words(clusterer, large, memory, said):
    training = groups()[0]["training"]
    settings = Settings(clusterer, 4, OPTIONS, 200, 0)
    assert Clusterer(settings, memory).method(Rows(training) if large else training) == said


def test_vectors_that_are_all_the_same_end_the_passes():
    same = {"training": Rows(np.ones((3000, 4), np.float32))}
    with pytest.warns(match="distinct clusters"):
        in_parts = found("kmeans", same, {"training": np.arange(3000) % 4}, memory=4 * 4 * 2999)
    assert in_parts.scores["training"]["inertia"] == pytest.approx(0, abs=1e-6)
