"""Principal components, means and variances of rows that may be larger than memory."""

from functools import partial
from typing import NamedTuple

import numpy as np
import scipy.linalg

from autoencoders.core.rows import BLOCK_SIZE, PART, Rows, Watch, summed, unwatched
from autoencoders.core.threads import one_thread
from autoencoders.scaling.affine import Standard

# A part's covariance takes width² numbers, which travel where parts are summed elsewhere: one for so many rows, at
# least, as there are numbers in 16 vectors.
WIDTHS_IN_PART = 16


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


@one_thread()
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
    origin = _origin(vectors)
    part = max(PART, WIDTHS_IN_PART * width // BLOCK_SIZE)
    what = "principal components"
    sums, products = summed(partial(_sums_and_products, vectors, origin), count, part, watch, what)
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


def _origin(vectors: Rows | np.ndarray) -> np.ndarray:
    """Return what is taken off before anything is squared: far from zero, squares have no digits for the variance."""
    return vectors[:1][0].astype(np.float64)


def _sums_and_products(vectors: Rows | np.ndarray, origin: np.ndarray, rows: slice) -> tuple[np.ndarray, np.ndarray]:
    block = vectors[rows] - origin
    return block.sum(axis=0), block.T @ block


def moments(vectors: Rows | np.ndarray, watch: Watch = unwatched) -> Standard:
    """Return the mean [width] and the standard deviation (over n) of vectors [n, width], in float64, from one pass.

    Of numbers that never vary the deviation is 1.
    """
    count = len(vectors)
    origin = _origin(vectors)
    sums, squares = summed(partial(_sums_and_squares, vectors, origin), count, watch=watch, what="means and variances")
    means, squares = sums / count, squares / count
    variances = squares - means**2
    varies = variances > 10 * np.finfo(np.float64).eps * squares
    return Standard(origin + means, np.sqrt(np.where(varies, variances, 1)))


def _sums_and_squares(vectors: Rows | np.ndarray, origin: np.ndarray, rows: slice) -> tuple[np.ndarray, np.ndarray]:
    block = vectors[rows] - origin
    return block.sum(axis=0), np.square(block).sum(axis=0)


def standardise(vectors: np.ndarray, mean: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Return vectors [n, width] less a mean [width], over a scale [width]."""
    return (vectors - mean) / scale


def project(vectors: np.ndarray, mean: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Return the components of vectors [n, width], by their mean [width] and directions as columns [width, n]."""
    return (vectors - mean) @ matrix
