import numpy as np
import pytest
from sklearn.decomposition import PCA

from autoencoders.core.rows import Rows
from autoencoders.scaling.components import principal_components


def vectors(n: int, width: int, seed: int = 0) -> np.ndarray:
    """Return vectors with a mean, and with less variance in each number than in the one before."""
    drawn = np.random.default_rng(seed).normal(size=(n, width))
    return (drawn * np.linspace(3, 0.5, width) + 4).astype(np.float32)


@pytest.mark.parametrize("block_size", [7, 1000])
@pytest.mark.parametrize(("n", "width", "kept"), [(300, 9, 9), (300, 9, 3), (5, 9, 4)])
def test_components_from_blocks_are_those_of_scikit_learn(monkeypatch, block_size, n, width, kept):
    monkeypatch.setattr("autoencoders.core.rows.BLOCK_SIZE", block_size)
    training = vectors(n, width) + np.float32(1e5)
    pca = PCA(svd_solver="full").fit(training.astype(np.float64))
    mean, directions, variances, total = principal_components(Rows(training[:2], training[2:]), kept)
    np.testing.assert_allclose(mean, pca.mean_, rtol=1e-12)
    np.testing.assert_allclose(variances, pca.explained_variance_[:kept], rtol=1e-9)
    assert total == pytest.approx(pca.explained_variance_.sum(), rel=1e-9)
    signs = np.sign(np.einsum("ij,ij->i", directions, pca.components_[:kept]))
    np.testing.assert_allclose(directions * signs[:, np.newaxis], pca.components_[:kept], atol=1e-7)
    assert (directions.max(axis=1) == np.abs(directions).max(axis=1)).all()
