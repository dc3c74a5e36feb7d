"""Principal components of rows that may be larger than memory."""

from typing import NamedTuple

import numpy as np
import scipy.linalg

from autoencoders.core.rows import Rows, Watch, blocks, unwatched
from autoencoders.core.threads import one_thread


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
    # Taken off before anything is squared: of numbers far from zero, squares would leave no digits for the variance.
    origin = vectors[:1][0].astype(np.float64)
    sums, products = np.zeros(width), np.zeros((width, width))
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


def project(vectors: np.ndarray, mean: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Return the components of vectors [n, width], by their mean [width] and directions as columns [width, n]."""
    return (vectors - mean) @ matrix
