import numpy as np
import pytest
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits

from autoencoders.clustering import clusterers, out_of_core
from autoencoders.clustering.scores import clustering_accuracy
from autoencoders.core.errors import InputError
from autoencoders.core.rows import Rows
from autoencoders.scaling import scaler

PLAIN = {"scaling": "none", "shrinkage": 0, "n_components": None, "unit_length": False, "seed": 0}
OPTIONS = {
    "kmeans": {"n_init": 3, "max_iter": 50},
    "mini_batch_kmeans": {"n_init": 3, "max_iter": 50, "batch_size": 64},
    "gaussian_mixture": {"n_init": 1, "max_iter": 50, "covariance_type": "full", "reg_covar": 1e-6},
}
MINI_BATCHES = OPTIONS["mini_batch_kmeans"]
MANY = 2**30


class Counted:
    """Vectors that remember the most numbers of theirs that were asked for at once, and how often all of them were."""

    def __init__(self, array: np.ndarray):
        self.array, self.shape, self.dtype = array, array.shape, array.dtype
        self.most = self.total = 0

    def __getitem__(self, key):
        found = self.array[key]
        self.most, self.total = max(self.most, len(found)), self.total + len(found)
        return found


def vectors(n: int, width: int, seed: int = 0) -> np.ndarray:
    """Return vectors far from zero, with less variance in each number than in the one before."""
    drawn = np.random.default_rng(seed).normal(size=(n, width))
    return (drawn * np.linspace(3, 0.5, width) + 400).astype(np.float32)


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


def found(clusterer: str, features: dict, labels: dict, **settings: object) -> clusterers.Clustering:
    settings = {"n_clusters": 4, "silhouette_sample": 200, "seed": 0, "memory": MANY, **settings}
    options = {"clusterer": clusterer, "options": OPTIONS[clusterer], "mini_batches": MINI_BATCHES}
    return out_of_core.cluster(features, labels, **options, **settings)


@pytest.fixture(params=[7, 1000])
def block_size(request, monkeypatch):
    monkeypatch.setattr("autoencoders.core.rows.BLOCK_SIZE", request.param)


@pytest.mark.parametrize("unit_length", [False, True])
@pytest.mark.parametrize(
    "settings",
    [
        {"scaling": "standardise"},
        {"n_components": 3},
        {"scaling": "standardise", "n_components": 3},
        {"scaling": "whiten"},
        {"scaling": "whiten", "n_components": 3, "shrinkage": 0.7},
        {"scaling": "whiten", "n_components": 99},
    ],
    ids=str,
)
def test_scaling_in_parts_is_scaling_of_the_whole(block_size, settings, unit_length):
    # Nearer to zero than elsewhere here, since float32 is what the whole is scaled in.
    training, others = vectors(40, 6) - 396, vectors(30, 6, seed=1) - 396
    training[:, 4] = others[:, 4] = 2
    settings = {**PLAIN, **settings, "unit_length": unit_length}
    whole = scaler.scaler(training, **settings).transform(others)
    parts = out_of_core.scaler(split(training), **settings, memory=MANY)(others)
    assert parts.dtype == np.float32 and parts.shape == whole.shape
    # A component's sign is a matter of chance.
    signs = np.where((parts * whole).sum(axis=0) < 0, -1, 1)
    assert (signs == 1).all() or settings["n_components"] or settings["scaling"] == "whiten"
    np.testing.assert_allclose(parts * signs, whole, rtol=1e-3, atol=1e-3)


def test_nothing_is_fitted_where_nothing_is_to_be_done():
    assert out_of_core.scaler(split(vectors(9, 3)), **PLAIN, memory=MANY) is None


def test_what_never_varied_is_not_divided_by():
    same = np.full((60, 4), 3, np.float32)
    for settings in ({"scaling": "whiten"}, {"scaling": "standardise", "n_components": 2}, {"scaling": "standardise"}):
        transform = out_of_core.scaler(split(same), **{**PLAIN, **settings}, memory=MANY)
        assert (transform(same) == 0).all()


def test_components_of_very_wide_vectors_are_those_of_a_sample_that_fits(monkeypatch):
    monkeypatch.setattr(out_of_core, "WIDEST", 5)
    training = Counted(vectors(4000, 6))
    settings = {**PLAIN, "scaling": "whiten", "n_components": 2}
    transform = out_of_core.scaler(Rows(training), **settings, memory=8 * 6 * 500)
    assert training.total == 500
    fitted = transform(training.array)
    assert fitted.dtype == np.float32
    np.testing.assert_allclose(fitted.std(axis=0), 1, atol=0.15)


@pytest.mark.parametrize("threads", [1, 2])
def test_the_number_of_threads_changes_no_bit(threads):
    training = vectors(3000, 300)
    settings = {**PLAIN, "scaling": "whiten", "n_components": 20}
    with threadpool_limits(1):
        expected = out_of_core.scaler(split(training), **settings, memory=MANY)(training)
    with threadpool_limits(threads):
        transform = out_of_core.scaler(split(training), **settings, memory=MANY)
        assert transform(training).tobytes() == expected.tobytes()


def test_vectors_that_fit_are_held_and_others_are_not():
    parts = {"training": Rows(vectors(20, 3)), "held_out": Rows(vectors(30, 3))}
    large, both, training = (out_of_core.hold(parts, memory) for memory in (4 * 3 * 19, 4 * 3 * 30, 4 * 3 * 20))
    assert large == parts
    assert all(type(values) is np.ndarray and values.dtype == np.float32 for values in both.values())
    assert (both["held_out"] == parts["held_out"][:]).all()
    assert type(training["training"]) is np.ndarray and training["held_out"] is parts["held_out"]


@pytest.mark.parametrize("clusterer", ["kmeans", "mini_batch_kmeans"])
def test_mini_batches_come_near_k_means_of_the_whole(clusterer):
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


def test_mini_batches_learn_from_all_vectors_and_not_only_from_the_sample():
    features, labels = groups()
    training, memory = split(features["training"]), 2 * 4 * 8 * 40
    sample = out_of_core._sample(training, 40, seed=0)
    best, of_sample = (KMeans(4, n_init=10, random_state=0).fit(each) for each in (features["training"], sample))
    in_parts = found("kmeans", {"training": training}, labels, memory=memory)
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

    found("kmeans", rows, labels, memory=4 * 8 * 2000, watch=watch)
    assert training.most <= 1000
    counted = sum(what.startswith("K-means, pass") for what in passes)
    assert 2 <= counted <= 10
    # And two more to assign and to score; the sample is half of what memory holds, drawn once, the silhouette's 200.
    assert training.total == (counted + 2) * 20000 + 1000 + 200


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


def test_vectors_that_are_held_are_clustered_as_any_others():
    features, labels = groups()
    settings = {"n_clusters": 4, "silhouette_sample": 200, "seed": 0}
    for clusterer, options in OPTIONS.items():
        whole = clusterers.cluster(features, labels, clusterer=clusterer, options=options, **settings)
        in_parts = found(clusterer, features, labels)
        assert in_parts.centres.tobytes() == whole.centres.tobytes()
        for part in features:
            assert in_parts.scores[part] == pytest.approx(whole.scores[part])


def test_a_mixture_is_fitted_to_no_more_than_fits():
    features, labels = groups()
    rows = {"training": Rows(training := Counted(features["training"])), "held_out": split(features["held_out"])}
    # Three times the vectors and the probabilities, in float64.
    in_parts = found("gaussian_mixture", rows, labels, memory=8 * 3 * (8 + 4) * 1500)
    # One pass to assign and one to score; the silhouette's sample.
    assert training.total == 1500 + 2 * 6000 + 200
    whole = found("gaussian_mixture", features, labels)
    for part in rows:
        for score in ("accuracy", "nmi", "ari"):
            assert in_parts.scores[part][score] == pytest.approx(whole.scores[part][score], abs=0.02)


@pytest.mark.parametrize(
    ("clusterer", "held", "memory", "said"),
    [
        ("kmeans", False, MANY, "mini-batches"),
        ("mini_batch_kmeans", False, MANY, "mini-batches"),
        ("kmeans", True, MANY, "scaled in parts to 8 numbers"),
        ("gaussian_mixture", True, MANY, "scaled in parts to 8 numbers"),
        ("gaussian_mixture", True, 8 * 3 * 12 * 1500, "fitted to a sample of 1,500"),
        ("gaussian_mixture", False, 8 * 3 * 12 * 1500, "fitted to a sample of 1,500"),
    ],
)
def test_the_way_is_said_in_a_few_words(clusterer, held, memory, said):
    training = groups()[0]["training"]
    assert out_of_core.method(training if held else Rows(training), clusterer, 4, memory) == said


def test_vectors_that_are_all_the_same_end_the_passes():
    same = {"training": Rows(np.ones((3000, 4), np.float32))}
    with pytest.warns(match="distinct clusters"):
        in_parts = found("kmeans", same, {"training": np.arange(3000) % 4})
    assert in_parts.scores["training"]["inertia"] == pytest.approx(0, abs=1e-6)


def test_more_clusters_than_images_name_the_parameter():
    features, labels = groups(20)
    with pytest.raises(InputError, match=r"^cluster\.n_clusters is 21, more than the 20 training images; lower it\.$"):
        found("kmeans", {"training": Rows(features["training"])}, labels, n_clusters=21)
