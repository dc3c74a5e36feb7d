"""What is done to codes before they are clustered: pooling, standardising, whitening, unit length."""

from typing import NamedTuple

import numpy as np
import scipy.linalg
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.decomposition import PCA
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import Normalizer, StandardScaler
from threadpoolctl import threadpool_limits

from autoencoders.preparation import Rows, Watch, blocks, unwatched


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


class Components(NamedTuple):
    """The largest principal components of some vectors.

    Attributes
    ----------
    mean : ndarray of shape (width,), float64
    directions : ndarray of shape (n, width), float64
        Of length 1, largest variance first; the largest number of each is positive.
    variances : ndarray of shape (n,), float64
    total : float
        The variances of all components, also those that are not among them.
    """

    mean: np.ndarray
    directions: np.ndarray
    variances: np.ndarray
    total: float


def principal_components(vectors: Rows | np.ndarray, n: int, watch: Watch = unwatched) -> Components:
    """Return the `n` largest principal components, from one pass over the vectors.

    The covariance is summed in float64, so that the components are those of all vectors at once and the size of a
    block changes nothing but roundings (an incremental PCA keeps only the largest components of what went before,
    and so depends on the order and on the blocks). Time grows as n_vectors * width², and memory as width².

    Parameters
    ----------
    vectors : Rows or ndarray of shape (n_vectors, width), float32
    n : int
        From 1 to the width.
    watch : callable, optional
        Shows how far it is.
    """
    count, width = vectors.shape
    # Taken off before anything is squared: of numbers far from zero, squares would leave no digits for the variance.
    origin = vectors[:1][0].astype(np.float64)
    sums, products = np.zeros(width), np.zeros((width, width))
    with threadpool_limits(1):
        for rows in watch(blocks(count), count, "principal components"):
            block = vectors[rows] - origin
            sums += block.sum(axis=0)
            products += block.T @ block
        products -= np.outer(sums, sums / count)
        products /= max(count - 1, 1)
        total = float(np.trace(products))
        # Symmetric, so that the transpose, which the decomposition may overwrite, is the same matrix.
        chosen = (width - n, width - 1)
        variances, directions = scipy.linalg.eigh(products.T, subset_by_index=chosen, overwrite_a=True)
    directions = directions.T[::-1]
    largest = np.abs(directions).argmax(axis=1)
    directions = directions * np.sign(directions[np.arange(n), largest])[:, np.newaxis]
    return Components(origin + sums / count, directions, np.maximum(variances[::-1], 0), total)


def pool(codes: np.ndarray, shape: tuple[int, ...], grid: int | None) -> np.ndarray:
    """Average codes that have positions over the cells of a grid.

    Parameters
    ----------
    codes : ndarray of shape (n, width), float32
    shape : tuple of int
        Shape of one code: (height, width, filters), or (width,) for one without positions, which stays as it is.
    grid : int or None
        Cells along each side; 2 gives the four quadrants of Coates, Lee and Ng, "An analysis of single-layer
        networks in unsupervised feature learning", 2011. None, or no fewer than there are positions, pools nothing.

    Returns
    -------
    ndarray of shape (n, grid * grid * filters), float32
    """
    if grid is None or len(shape) == 1 or grid >= min(shape[:2]):
        return codes
    height, width, filters = shape
    maps = codes.reshape(-1, *shape)
    rows, columns = (np.linspace(0, size, grid + 1).round().astype(int) for size in (height, width))
    pooled = np.empty((len(codes), grid, grid, filters), np.float32)
    for row in range(grid):
        for column in range(grid):
            cell = maps[:, rows[row] : rows[row + 1], columns[column] : columns[column + 1]]
            pooled[:, row, column] = cell.mean(axis=(1, 2))
    return pooled.reshape(len(codes), -1)
