"""What every scaling, clusterer, embedding and representation promises, one parametrised test for each promise."""

import os
import subprocess
import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from small import ROOT
from threadpoolctl import threadpool_limits

from autoencoders.clustering.clusterers import CLUSTERERS, Clusterer, Settings
from autoencoders.core.rows import Rows
from autoencoders.embeddings.spectral import Spectral
from autoencoders.embeddings.umap import UMAP
from autoencoders.representations.patches import PatchAutoencoder, PatchFeatures
from autoencoders.representations.pixels import Pixels, PrincipalComponents
from autoencoders.scaling.scaler import Scaler

RANDOM = np.random.default_rng(0)
# Three overlapping groups; wide enough for products on several threads and for a randomised decomposition.
GROUPS = np.arange(640) % 3
VECTORS = (2 * RANDOM.normal(size=(3, 520))[GROUPS] + RANDOM.normal(size=(640, 520))).astype(np.float32)
IMAGES = RANDOM.integers(0, 256, (140, 24, 24, 3), dtype=np.uint8)
OPTIONS = {
    "kmeans": {"n_init": 2, "max_iter": 50},
    "mini_batch_kmeans": {"n_init": 2, "max_iter": 20, "batch_size": 128},
    "gaussian_mixture": {"n_init": 1, "max_iter": 20, "covariance_type": "full", "reg_covar": 1e-3},
}
WINDOWS = [{"colour": "rgb", "patch_size": 6, "grid": 2}, {"colour": "grey", "patch_size": 8, "grid": 1}]
GRAPH = {"n_components": 4, "n_neighbors": 8, "metric": "euclidean"}


class Subject(NamedTuple):
    """Something to be fitted, `make(seed)`; the method that is applied to other vectors; how exact that is one by one.

    `tolerance` is relative, of the largest number; 0 where the bytes are the same, None where vectors are not treated
    one by one. `seeded` says whether the seed changes the result.
    """

    make: Callable[[int], Any]
    data: np.ndarray
    method: str
    tolerance: float | None
    seeded: bool


def _scaler(**settings: object) -> Subject:
    # Products of other sizes round differently.
    randomised = settings.get("pca") == 4
    return Subject(lambda seed: Scaler(**settings, seed=seed), VECTORS, "transform", 1e-5, randomised)


def _clusterer(name: str) -> Subject:
    # K-means of 520 numbers makes its starts on fewer; a mixture's covariances need not be so wide.
    data = VECTORS[:, :200] if name == "gaussian_mixture" else VECTORS
    return Subject(lambda seed: Clusterer(Settings(name, 3, OPTIONS, 50, seed)), data, "predict", 0, True)


def _spectral(**settings: object) -> Subject:
    return Subject(lambda seed: Spectral(**GRAPH, **settings), VECTORS, "transform", 1e-4, False)


SUBJECTS = {
    "scaling: none": Subject(lambda seed: Scaler(seed=seed), VECTORS, "transform", 0, False),
    "scaling: pooled": _scaler(pooling=2, shape=(4, 10, 13)),
    "scaling: standardised": _scaler(scaling="standardise"),
    "scaling: components": _scaler(pca=4),
    "scaling: standardised components": _scaler(scaling="standardise", pca=300, unit_length=True),
    "scaling: whitened": _scaler(scaling="whiten", pca=4, ridge=0.5, unit_length=True),
    **{name: _clusterer(name) for name in CLUSTERERS},
    "spectral": _spectral(affinity="connectivity", diffusion=0),
    "spectral, self-tuning": _spectral(affinity="self_tuning", diffusion=1),
    # UMAP places the vectors of one call together.
    "umap": Subject(lambda seed: UMAP(**GRAPH, min_dist=0, n_epochs=10, seed=seed), VECTORS, "transform", None, True),
    "pixels": Subject(lambda seed: Pixels("grey"), IMAGES, "transform", 0, False),
    "principal components": Subject(lambda seed: PrincipalComponents("rgb", 4, seed), IMAGES, "transform", 1e-5, True),
    "patches": Subject(
        lambda seed: PatchFeatures(windows=WINDOWS, n_patches=500, n_clusters=8, max_iter=5, seed=seed),
        *(IMAGES, "transform", 1e-5, True),
    ),
    "patch autoencoder": Subject(
        lambda seed: PatchAutoencoder(
            windows=WINDOWS, n_patches=500, units=12, noise=0.5, learning_rate=0.01, batch_size=50, epochs=3, seed=seed
        ),
        *(IMAGES, "transform", 1e-5, True),
    ),
}
N_OTHERS = 40


def fitted(subject: Subject, training: np.ndarray | Rows, seed: int = 0):
    return subject.make(seed).fit(training)


def applied(subject: Subject, model, vectors: np.ndarray) -> np.ndarray:
    return getattr(model, subject.method)(vectors)


# umap-learn is compiled in each process that uses it.
SLOW = {"umap"}
SEEDED = {name for name, subject in SUBJECTS.items() if subject.seeded}
NAMES = [pytest.param(name, marks=pytest.mark.slow) if name in SLOW else name for name in SUBJECTS]


@pytest.fixture(params=NAMES)
def subject(request) -> Subject:
    return SUBJECTS[request.param]


@pytest.fixture
def training(subject) -> np.ndarray:
    return subject.data[:-N_OTHERS]


@pytest.fixture
def others(subject) -> np.ndarray:
    return subject.data[-N_OTHERS:]


def test_the_same_seed_gives_the_same_bytes_on_any_number_of_threads_from_an_array_or_from_rows(
    subject, training, others
):
    found = []
    for threads, vectors in ((1, training), (2, Rows(training[:33], training[33:]))):
        with threadpool_limits(threads):
            found.append(applied(subject, fitted(subject, vectors), others))
    assert found[0].dtype == (np.int64 if subject.method == "predict" else np.float32)
    assert len(found[0]) == N_OTHERS
    assert found[0].tobytes() == found[1].tobytes()


@pytest.mark.parametrize("name", [name for name, subject in SUBJECTS.items() if subject.tolerance is not None])
def test_one_vector_or_a_thousand_at_a_time_gives_the_same(name):
    subject = SUBJECTS[name]
    model, others = fitted(subject, subject.data[:-N_OTHERS]), subject.data[-N_OTHERS:]
    whole = applied(subject, model, others)
    single = np.concatenate([applied(subject, model, others[[row]]) for row in range(N_OTHERS)])
    if subject.tolerance:
        np.testing.assert_allclose(single, whole, rtol=0, atol=subject.tolerance * np.abs(whole).max())
    else:
        assert single.tobytes() == whole.tobytes()


@pytest.mark.parametrize("name", CLUSTERERS)
def test_predicting_what_was_fitted_gives_its_labels(name):
    subject = SUBJECTS[name]
    model = fitted(subject, subject.data)
    assert np.array_equal(model.predict(subject.data), model.labels_)
    # A mixture of scikit-learn's has none.
    assert np.array_equal(getattr(model.model_, "labels_", model.labels_), model.labels_)


@pytest.mark.parametrize("name", ["spectral", "spectral, self-tuning", pytest.param("umap", marks=pytest.mark.slow)])
def test_the_embedding_of_training_vectors_is_what_fitting_returns(name):
    model = SUBJECTS[name].make(0)
    embedding = model.fit_transform(VECTORS)
    assert embedding.dtype == np.float32 and embedding.shape == (len(VECTORS), 4)
    assert embedding is model.embedding_


def hashes() -> list[str]:
    """Return for each subject its name and the SHA-256 of what it makes of vectors that it was not fitted to.

    Without those whose compilation takes half a minute: `tests/pipeline/test_runs.py` has UMAP in other processes.
    """
    found = []
    for name, subject in SUBJECTS.items():
        if name in SLOW:
            continue
        result = applied(subject, fitted(subject, subject.data[:-N_OTHERS]), subject.data[-N_OTHERS:])
        found.append(f"{name} {sha256(result.tobytes()).hexdigest()}")
    return found


@pytest.mark.slow
def test_another_process_with_other_threads_and_hash_seed_gives_the_same_bytes():
    folder = Path(__file__).parent
    program = f"import sys; sys.path[:0] = {[str(ROOT), str(ROOT / 'tests'), str(folder)]}\n"
    program += f"import {Path(__file__).stem} as contracts; print(*contracts.hashes(), sep='\\n')"
    environment = {**os.environ, "PYTHONHASHSEED": "1", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == hashes()


SEEDED = [name for name, subject in SUBJECTS.items() if subject.seeded]


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow) if name in SLOW else name for name in SEEDED]
)
def test_another_seed_gives_another_result(name):
    subject = SUBJECTS[name]
    if subject.method == "predict":
        found = [fitted(subject, subject.data % 1, seed).centres_ for seed in (0, 1)]
    else:
        found = [applied(subject, fitted(subject, subject.data, seed), subject.data[:9]) for seed in (0, 1)]
    assert found[0].tobytes() != found[1].tobytes()
