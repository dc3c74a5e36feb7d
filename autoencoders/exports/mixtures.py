"""A Gaussian mixture of codes as arrays, from which other programs draw."""

import numpy as np

from autoencoders.core.threads import one_thread
from autoencoders.uses.samples import Density


def arrays(density: Density) -> dict[str, np.ndarray]:
    """Return what a density is made of, float64.

    Returns
    -------
    dict
        `weights` [k], `means` [k, d] and `factors` [k, d, d], the lower Cholesky factors of the covariances; where
        codes are wide also `mean` [width] and `components` [d, width]. A sample is
        `means[i] + factors[i] @ z`, i drawn by the weights and z from N(0, I); of wide codes `mean + sample @
        components`.
    """
    mixture = density.mixture
    with one_thread():
        if mixture.covariance_type == "full":
            factors = np.linalg.cholesky(mixture.covariances_)
        else:
            factors = np.sqrt(mixture.covariances_)[..., np.newaxis] * np.eye(mixture.covariances_.shape[1])
    found = {"weights": mixture.weights_, "means": mixture.means_, "factors": factors}
    if density.pca is not None:
        found |= {"mean": density.pca.mean_, "components": density.pca.components_}
    return {name: np.ascontiguousarray(values, np.float64) for name, values in found.items()}
