import numpy as np
import pytest
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score

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


@FORMS
def test_copies_of_a_vector_and_few_of_them_do_no_harm(changed):
    same = np.repeat(CLOUDS[:3], 10, axis=0)
    for vectors in (same, CLOUDS[:5]):
        spectral = Spectral(**OPTIONS | changed).fit(vectors)
        assert np.isfinite(spectral.embedding_).all()
        assert np.isfinite(spectral.transform(CLOUDS[:4])).all()
