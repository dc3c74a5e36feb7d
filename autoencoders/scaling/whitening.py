"""Whitening: principal components of equal variance, but for a ridge."""

from typing import Self

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.decomposition import PCA

# A component whose variance is a smaller share of the largest is rounding errors of float32: 1e-6 is some ten of these.
MIN_VARIANCE_RATIO = 1e-6


class Whitening(TransformerMixin, BaseEstimator):
    """scikit-learn's `PCA` to `n_components`, divided by `whitening_scale`; components without variance are dropped."""

    def __init__(self, n_components: int, ridge: float, seed: int):
        self.n_components, self.ridge, self.seed = n_components, ridge, seed

    def fit(self, vectors: np.ndarray, y: None = None) -> Self:
        self.pca_ = PCA(self.n_components, random_state=self.seed).fit(vectors)
        variance = self.pca_.explained_variance_
        # Vectors that are all the same have no share of a variance to divide by.
        total = np.nan_to_num(variance.sum() / self.pca_.explained_variance_ratio_.sum())
        self.scale_ = whitening_scale(variance, total / vectors.shape[1], self.ridge)
        return self

    def transform(self, vectors: np.ndarray) -> np.ndarray:
        return self.pca_.transform(vectors)[:, : len(self.scale_)] / self.scale_


def whitening_scale(variances: np.ndarray, mean_variance: float, ridge: float) -> np.ndarray:
    """Return what to divide principal components by, for those of them that have variance.

    Parameters
    ----------
    variances : ndarray of shape (n,)
        Of the components, largest first.
    mean_variance : float
        Mean variance of a number of the vectors that these are components of.
    ridge : float
        At least 0; so many times `mean_variance` are added to the variances.

    Returns
    -------
    ndarray of shape (n_kept,), n_kept from 1 to n
    """
    # A component without variance would be divided by rounding errors, and lie millions away for other vectors.
    kept = variances[: max(1, int(with_variance(variances).sum()))]
    # Of vectors that are all the same, the component stays 0.
    return np.sqrt(np.maximum(kept + ridge * mean_variance, np.finfo(np.float32).tiny))


def with_variance(spread: np.ndarray) -> np.ndarray:
    """Return which components have variance, bool [n]: those whose spread, largest first, is more than roundings."""
    return spread > MIN_VARIANCE_RATIO * spread[0]
