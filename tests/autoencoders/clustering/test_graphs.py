"""The graph of a clustering, beside the scaling and the clusterer that it is built from."""

import numpy as np
import onnx
import pytest

from autoencoders.clustering import graphs
from autoencoders.clustering.clusterers import Clusterer, Settings
from autoencoders.core.rows import Rows
from autoencoders.inference.running import Graph
from autoencoders.scaling.scaler import Scaler

RANDOM = np.random.default_rng(0)
SHAPE = (6, 5, 4)
N_CLUSTERS = 5
OPTIONS = {
    "kmeans": {"n_init": 2, "max_iter": 50},
    "mini_batch_kmeans": {"n_init": 2, "max_iter": 20, "batch_size": 128},
    **{
        f"gaussian_mixture, {form}": {"n_init": 1, "max_iter": 20, "covariance_type": form, "reg_covar": 1e-3}
        for form in ("full", "tied", "diag", "spherical")
    },
}
SCALINGS = {
    "none": {},
    "standardised": {"scaling": "standardise"},
    "components": {"pca": 6},
    "standardised components": {"scaling": "standardise", "pca": 6},
    "whitened": {"scaling": "whiten", "ridge": 0.1, "unit_length": True},
    "pooled": {"pooling": 2},
    "pooled and whitened": {"pooling": 2, "scaling": "whiten", "pca": 6, "unit_length": True},
}


def codes(shape: tuple[int, ...], n: int = 400) -> np.ndarray:
    """Return codes in overlapping groups, as a network gives them after a ReLU: some numbers are always 0."""
    width = int(np.prod(shape))
    groups = 2 * RANDOM.normal(size=(N_CLUSTERS, width))[np.arange(n) % N_CLUSTERS]
    found = np.maximum(groups + RANDOM.normal(size=(n, width)), 0)
    found[:, ::7] = 0
    return found.astype(np.float32)


@pytest.fixture
def built(tmp_path):
    """A function that fits a scaling and a clusterer to codes, and returns the graph and the assignments of others."""

    def build(training, others, clusterer, memory=None, **scaling):
        scaler = Scaler(**scaling, memory=memory)
        features = scaler.fit_transform(training)
        kind, options = clusterer.partition(",")[0], OPTIONS[clusterer]
        every = {kind: options, "mini_batch_kmeans": OPTIONS["mini_batch_kmeans"]}
        fitted = Clusterer(Settings(kind, N_CLUSTERS, every, 50, 0), memory).fit(features)
        file = tmp_path / "clusters.onnx"
        file.write_bytes(graphs.build("clusters", scaler.affine(), fitted.model_).SerializeToString(deterministic=True))
        return Graph(file), fitted.predict(scaler.transform(others)), fitted, scaler

    return build


@pytest.mark.parametrize("shape", [(30,), SHAPE], ids=["flat", "with positions"])
@pytest.mark.parametrize("scaling", SCALINGS)
@pytest.mark.parametrize("clusterer", OPTIONS)
def test_the_smallest_distance_is_that_of_the_cluster_the_clusterer_assigns(built, clusterer, scaling, shape):
    training, others = codes(shape), codes(shape, 90)
    both = np.concatenate([training, others])
    graph, assigned, *_ = built(training, both, clusterer, shape=shape, **SCALINGS[scaling])
    distances = graph(both)
    assert distances.shape == (490, N_CLUSTERS) and distances.dtype == np.float32
    assert np.array_equal(distances.argmin(axis=1), assigned)
    assert len(np.unique(assigned)) > 1
    # Alone and in any batch.
    assert np.array_equal(np.concatenate([graph(code[np.newaxis]) for code in both[:20]]), distances[:20])
    assert np.array_equal(np.concatenate([graph(part) for part in np.array_split(both, 9)]), distances)


@pytest.mark.parametrize("scaling", SCALINGS)
@pytest.mark.parametrize("clusterer", ["kmeans", "gaussian_mixture, full"])
def test_what_is_fitted_to_codes_larger_than_memory_is_a_graph_too(built, clusterer, scaling):
    training = codes(SHAPE)
    rows = Rows(training[:150], training[150:])
    graph, assigned, *_ = built(rows, training, clusterer, memory=50_000, shape=SHAPE, **SCALINGS[scaling])
    assert np.array_equal(graph(training).argmin(axis=1), assigned)


def test_distances_to_centres_are_euclidean_and_0_on_one(built):
    training = codes((30,))
    graph, _, fitted, scaler = built(training, training, "kmeans", scaling="standardise")
    apart = scaler.transform(training)[:, np.newaxis] - fitted.centres_
    np.testing.assert_allclose(graph(training), np.sqrt(np.square(apart).sum(axis=2)), rtol=1e-5)
    graph, _, fitted, _ = built(training, training, "kmeans")
    # The graph's centres are those of the model, in float64.
    assert np.diagonal(graph(fitted.centres_)).max() < 1e-6


@pytest.mark.parametrize("form", ["full", "tied", "diag", "spherical"])
def test_distances_to_a_mixtures_components_sum_to_its_density(built, form):
    training = codes((30,))
    graph, _, fitted, _ = built(training, training, f"gaussian_mixture, {form}")
    density = np.logaddexp.reduce(-graph(training).astype(np.float64), axis=1)
    np.testing.assert_allclose(density, fitted.model_.score_samples(training.astype(np.float64)), rtol=1e-5)


def test_a_code_without_length_stays_one(built):
    training = codes((30,))
    graph, *_, scaler = built(training, training, "kmeans", unit_length=True)
    zeros = np.zeros((2, 30), np.float32)
    assert np.isfinite(graph(zeros)).all()
    assert np.array_equal(scaler.transform(zeros), zeros)


def test_the_same_clustering_gives_the_same_bytes_in_the_old_form_of_the_other_graphs(built, tmp_path):
    training, file = codes(SHAPE), tmp_path / "clusters.onnx"
    contents = []
    for _ in range(2):
        graph, *_ = built(training, training, "kmeans", shape=SHAPE, pooling=2, scaling="standardise")
        contents.append(file.read_bytes())
    assert contents[0] == contents[1]
    model = onnx.load(file)
    onnx.checker.check_model(model, full_check=True)
    assert (model.opset_import[0].version, model.ir_version) == (17, 8)
    assert graph.code_shape == SHAPE
