"""Representations of images that need no network, to set beside the codes of those that have one."""

from collections.abc import Callable

import numpy as np
from sklearn.decomposition import PCA
from threadpoolctl import threadpool_limits

from autoencoders.core.rows import Rows
from autoencoders.images.preparation import Preparation
from autoencoders.scaling.components import principal_components

Transform = Callable[[np.ndarray], np.ndarray]


def pixels(images: np.ndarray | Rows, preparation: Preparation) -> Transform:
    """Return a function from images, uint8 [n, height, width, channels], to their pixels, float32 [n, features].

    There is nothing to fit to `images`.
    """
    return preparation._replace(flat=True)


def pca(images: np.ndarray | Rows, preparation: Preparation, n_components: int, seed: int) -> Transform:
    """Fit principal components to training images.

    Parameters
    ----------
    images : ndarray or Rows of shape (n, height, width, channels), uint8
        An array is held once more, as float32, while the components are fitted; of rows their covariance is summed.
    preparation : Preparation
        The colour in which their pixels are taken.
    n_components : int
        Fewer are taken where there are no more pixels or images than that.
    seed : int
        Seeds the randomised decomposition that scikit-learn takes for many pixels of an array.

    Returns
    -------
    callable
        From uint8 images to float32 [n, n_components].
    """
    flat = pixels(images, preparation)
    if isinstance(images, Rows):
        return _summed(images.map(flat), flat, n_components)
    vectors = flat(images)
    # Threads add in an order that depends on their number, and with it change a product's last bits.
    with threadpool_limits(1):
        fitted = PCA(min(n_components, *vectors.shape), random_state=seed).fit(vectors)

    def transform(block: np.ndarray) -> np.ndarray:
        with threadpool_limits(1):
            return fitted.transform(flat(block)).astype(np.float32)

    return transform


def _summed(vectors: Rows, flat: Transform, n_components: int) -> Transform:
    mean, directions, _, _ = principal_components(vectors, min(n_components, *vectors.shape))
    mean, matrix = mean.astype(np.float32), directions.T.astype(np.float32)

    def transform(block: np.ndarray) -> np.ndarray:
        with threadpool_limits(1):
            return (flat(block) - mean) @ matrix

    return transform
