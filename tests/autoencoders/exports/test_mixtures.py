import numpy as np
import pytest

from autoencoders.exports import mixtures
from autoencoders.uses import samples


@pytest.mark.parametrize("covariance_type", ["full", "diag"])
@pytest.mark.parametrize("max_width", [8, 3], ids=["narrow", "wide"])
def test_what_is_drawn_from_the_arrays_is_what_the_density_draws(covariance_type, max_width):
    random = np.random.default_rng(0)
    codes = (random.normal(size=(300, 6)) @ random.normal(size=(6, 6)) + 3).astype(np.float32)
    density = samples.fit(
        codes, components=[2], covariance_type=covariance_type, max_width=max_width, ridge=1e-4, seed=0
    )
    found = mixtures.arrays(density)
    width = min(6, max_width)
    assert (found["weights"].shape, found["means"].shape) == ((2,), (2, width))
    assert found["factors"].shape == (2, width, width)
    assert np.array_equal(found["factors"], np.tril(found["factors"]))
    assert all(values.dtype == np.float64 and values.flags.c_contiguous for values in found.values())
    assert ("components" in found) is (max_width == 3)
    chosen = random.choice(2, 40_000, p=found["weights"])
    drawn = found["means"][chosen] + np.einsum(
        "nij,nj->ni", found["factors"][chosen], random.normal(size=(40_000, width))
    )
    if "components" in found:
        drawn = found["mean"] + drawn @ found["components"]
    expected = density.sample(40_000, 1)
    np.testing.assert_allclose(drawn.mean(axis=0), expected.mean(axis=0), atol=0.1)
    np.testing.assert_allclose(np.cov(drawn, rowvar=False), np.cov(expected, rowvar=False), atol=0.4)
