"""What is done to codes before they are clustered: pooling, standardising, whitening, unit length."""

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.decomposition import PCA
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import Normalizer, StandardScaler
from threadpoolctl import threadpool_limits


def scaler(
    training: np.ndarray, *, scaling: str, shrinkage: float, n_components: int | None, unit_length: bool, seed: int
) -> Pipeline | None:
    """Fit to training vectors what is to be done to them and to others, by its method `transform`.

    Parameters
    ----------
    training : ndarray of shape (n, width), float32
    scaling : {"none", "standardise", "whiten"}
        "standardise" gives each number mean 0 and variance 1; "whiten" does so to the principal components.
    shrinkage : float
        At least 0; added to the components' variances before whitening by them, in units of the mean variance of a
        number, so that small components are not blown up to the size of large ones (for the covariance, the shrinkage
        of Ledoit and Wolf, 2004, by `shrinkage / (1 + shrinkage)`).
    n_components : int or None
        How many principal components to go over to first: the largest; None, or more than there are, for all of
        them where "whiten" asks for components, and for the numbers as they are elsewhere.
    unit_length : bool
        Whether to divide each vector by its length at the end, so that Euclidean K-means compares directions
        (spherical K-means but for the centres; Dhillon and Modha, 2001).
    seed : int
        Seeds the randomised decomposition that scikit-learn takes for wide vectors.

    Returns
    -------
    Pipeline or None
        None if nothing is to be done.
    """
    steps = []
    if scaling == "whiten" or n_components:
        width = min(n_components or len(training), *training.shape)
        steps.append(_Whitening(width, shrinkage, seed) if scaling == "whiten" else PCA(width, random_state=seed))
    if scaling == "standardise":
        steps.append(StandardScaler())
    if unit_length:
        steps.append(Normalizer())
    # Threads add in an order that depends on their number, and with it change a product's last bits.
    with threadpool_limits(1):
        return _OneThread([(type(step).__name__, step) for step in steps]).fit(training) if steps else None


class _OneThread(Pipeline):
    def transform(self, vectors: np.ndarray) -> np.ndarray:
        with threadpool_limits(1):
            return super().transform(vectors)


class _Whitening(TransformerMixin, BaseEstimator):
    """PCA to components of equal variance, but for `shrinkage`."""

    def __init__(self, n_components: int, shrinkage: float, seed: int):
        self.n_components, self.shrinkage, self.seed = n_components, shrinkage, seed

    def fit(self, vectors: np.ndarray, y: None = None):
        self.pca_ = PCA(self.n_components, random_state=self.seed).fit(vectors)
        variance = self.pca_.explained_variance_
        # Vectors that are all the same have no share of a variance to divide by.
        total = np.nan_to_num(variance.sum() / self.pca_.explained_variance_ratio_.sum())
        self.scale_ = whitening(variance, total / vectors.shape[1], self.shrinkage)
        return self

    def transform(self, vectors: np.ndarray) -> np.ndarray:
        return self.pca_.transform(vectors)[:, : len(self.scale_)] / self.scale_


def whitening(variances: np.ndarray, mean_variance: float, shrinkage: float) -> np.ndarray:
    """Return what to divide principal components by, for those of them that are worth keeping.

    Parameters
    ----------
    variances : ndarray of shape (n,)
        Of the components, largest first.
    mean_variance : float
        Of a number of the vectors that they are components of.
    shrinkage : float
        As `scaler` takes it.

    Returns
    -------
    ndarray of shape (n_kept,), n_kept from 1 to n
    """
    # A component without variance would be divided by rounding errors, and lie millions away for other vectors.
    kept = variances[: max(1, int((variances > 1e-6 * variances[0]).sum()))]
    # Components without any variance stay 0.
    return np.sqrt(np.maximum(kept + shrinkage * mean_variance, np.finfo(np.float32).tiny))
