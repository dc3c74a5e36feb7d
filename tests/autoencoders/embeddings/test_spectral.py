import numpy as np
import pytest
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score

from autoencoders.core.rows import Rows
from autoencoders.embeddings.spectral import Spectral

RANDOM = np.random.default_rng(0)
# Three clouds that just touch, so that the graph is in one piece.
LABELS = np.repeat([0, 1, 2], 150)
CLOUDS = (4 * np.eye(3, 6)[LABELS] + RANDOM.normal(size=(450, 6))).astype(np.float32)
ORDER = RANDOM.permutation(450)
TRAINING, OTHERS = ORDER[:300], ORDER[300:]
OPTIONS = {"n_components": 3, "n_neighbors": 8, "metric": "euclidean", "affinity": "connectivity", "diffusion": 0}
FORMS = pytest.mark.parametrize("changed", [{}, {"affinity": "self_tuning"}, {"diffusion": 1}])


@FORMS
def test_clouds_come_apart_and_other_points_go_to_theirs(changed):
    spectral = Spectral(**OPTIONS | changed)
    embedding = spectral.fit_transform(CLOUDS[TRAINING])
    assert embedding.dtype == np.float32 and embedding.shape == (300, 3)
    np.testing.assert_allclose(np.linalg.norm(embedding, axis=1), 1, rtol=1e-5)
    model = KMeans(3, n_init=10, random_state=0).fit(embedding)
    assert adjusted_rand_score(LABELS[TRAINING], model.labels_) > 0.9
    placed = spectral.transform(CLOUDS[OTHERS])
    assert placed.dtype == np.float32
    assert adjusted_rand_score(LABELS[OTHERS], model.predict(placed)) > 0.9


@pytest.mark.parametrize("affinity", ["connectivity", "self_tuning"])
def test_diffusion_multiplies_eigenvectors_by_their_eigenvalues(affinity):
    # One cloud: its graph is in one piece, so that the eigenvalues differ.
    cloud = RANDOM.normal(size=(200, 3)).astype(np.float32)
    options = OPTIONS | {"affinity": affinity}
    plain, diffused = (Spectral(**options | {"diffusion": t}).fit_transform(cloud) for t in (0, 1))
    ratio = (diffused / diffused[:, :1]) / (plain / plain[:, :1])
    # The same factor for every vector: the eigenvalue, below that of the first eigenvector, which is 1.
    np.testing.assert_allclose(ratio, np.broadcast_to(np.median(ratio, axis=0), ratio.shape), rtol=1e-2)
    factors = np.median(ratio, axis=0)
    assert 1 > factors[1] >= factors[2] > 0


def test_local_weights_are_those_of_the_paper():
    cloud = RANDOM.normal(size=(30, 2))
    distances = np.linalg.norm(cloud[:, np.newaxis] - cloud, axis=2)
    np.fill_diagonal(distances, np.inf)
    neighbours = np.argsort(distances, axis=1)[:, :8]
    near = np.take_along_axis(distances, neighbours, axis=1)
    reach = near[:, 6]
    spectral = Spectral(**OPTIONS | {"affinity": "self_tuning"})
    spectral.scales_ = reach
    found = spectral._links(near, neighbours, reach).toarray()
    for one, other in ((0, neighbours[0, 2]), (5, neighbours[5, 7])):
        expected = np.exp(-(distances[one, other] ** 2) / (reach[one] * reach[other]))
        assert found[one, other] == pytest.approx(expected)
    assert ((found > 0).sum(axis=1) == 8).all()


class Counted:
    """Vectors that remember the most of theirs that were asked for at once."""

    def __init__(self, array: np.ndarray):
        self.array, self.shape, self.dtype, self.most = array, array.shape, array.dtype, 0

    def __getitem__(self, key):
        self.most = max(self.most, len(found := self.array[key]))
        return found


@FORMS
@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
def test_vectors_larger_than_memory_are_embedded_part_by_part_as_those_in_memory(changed, metric, monkeypatch):
    monkeypatch.setattr("autoencoders.embeddings.spectral.BLOCK_SIZE", 25)
    monkeypatch.setattr("autoencoders.uses.exact.LEAST_VECTORS", 100)
    monkeypatch.setattr("autoencoders.uses.exact.OF_VECTORS", 1)
    options = OPTIONS | {"metric": metric} | changed
    whole = Spectral(**options).fit(CLOUDS[TRAINING])
    training, others = Counted(CLOUDS[TRAINING]), Counted(CLOUDS[OTHERS])
    parts = Spectral(**options, memory=4 * 6 * 200).fit(Rows(training))
    # Few of the index; four blocks of those whose neighbours are looked for.
    assert training.most == 100
    signs = np.sign((parts.embedding_ * whole.embedding_).sum(axis=0))
    np.testing.assert_allclose(parts.embedding_ * signs, whole.embedding_, atol=1e-3)
    for vectors in (Rows(others), CLOUDS[OTHERS]):
        np.testing.assert_allclose(parts.transform(vectors) * signs, whole.transform(CLOUDS[OTHERS]), atol=1e-3)


@FORMS
@pytest.mark.parametrize("metric", ["euclidean", "manhattan"])
def test_many_vectors_in_memory_are_embedded_part_by_part_as_few(changed, metric, monkeypatch):
    options = OPTIONS | {"metric": metric} | changed
    few = Spectral(**options).fit(CLOUDS[TRAINING])
    monkeypatch.setattr("autoencoders.embeddings.spectral.BLOCK_SIZE", 25)
    for module in ("autoencoders.embeddings.spectral", "autoencoders.uses.neighbours"):
        monkeypatch.setattr(f"{module}.FEW", len(CLOUDS[TRAINING]) - 1)
    many = Spectral(**options).fit(CLOUDS[TRAINING])
    signs = np.sign((many.embedding_ * few.embedding_).sum(axis=0))
    np.testing.assert_allclose(many.embedding_ * signs, few.embedding_, atol=1e-3)
    for vectors in (Rows(CLOUDS[OTHERS]), CLOUDS[OTHERS]):
        np.testing.assert_allclose(many.transform(vectors) * signs, few.transform(CLOUDS[OTHERS]), atol=1e-3)


@FORMS
def test_copies_of_vectors_larger_than_memory_do_no_harm(changed):
    same = np.repeat(CLOUDS[:3], 10, axis=0)
    spectral = Spectral(**OPTIONS | changed, memory=4 * 6 * 29).fit(Rows(same))
    assert np.isfinite(spectral.embedding_).all() and np.isfinite(spectral.transform(CLOUDS[:4])).all()


@FORMS
def test_copies_of_a_vector_and_few_of_them_do_no_harm(changed):
    same = np.repeat(CLOUDS[:3], 10, axis=0)
    for vectors in (same, CLOUDS[:5]):
        spectral = Spectral(**OPTIONS | changed).fit(vectors)
        assert np.isfinite(spectral.embedding_).all()
        assert np.isfinite(spectral.transform(CLOUDS[:4])).all()
