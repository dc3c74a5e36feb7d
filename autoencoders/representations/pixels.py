"""Pixels and their principal components: representations that need no network, to set beside the codes of networks."""

from functools import partial
from typing import Self

import numpy as np

from autoencoders.core.rows import Rows, in_memory
from autoencoders.core.threads import one_thread
from autoencoders.images.preparation import Preparation
from autoencoders.scaling.components import principal_components, project


class Pixels:
    """The pixels of images as vectors.

    Parameters
    ----------
    colour : {"grey", "rgb"}
    memory : int, optional
        Ignored, as training images are: there is nothing to fit.
    """

    def __init__(self, colour: str, memory: int | None = None):
        self.colour, self.memory = colour, memory

    def fit(self, images: np.ndarray | Rows, y: None = None) -> Self:
        """Return the representation as it is."""
        return self

    def transform(self, images: np.ndarray) -> np.ndarray:
        """Return the pixels of images, uint8 [n, height, width, channels], in 0 to 1: float32 [n, n_pixels]."""
        return Preparation(self.colour, flat=True)(images)


class PrincipalComponents:
    """The largest principal components of pixels.

    Of images that take more than `memory` the covariance is summed block by block.

    Parameters
    ----------
    colour : {"grey", "rgb"}
        In which pixels are taken.
    n_components : int
        Fewer are taken where there are no more pixels or training images than that.
    seed : int
        Seeds the randomised decomposition that scikit-learn takes for many pixels in memory.
    memory : int, optional
        Bytes that the training images may take as float32. By default all are in memory.
    """

    def __init__(self, colour: str, n_components: int, seed: int, memory: int | None = None):
        self.colour, self.n_components, self.seed, self.memory = colour, n_components, seed, memory

    def fit(self, images: np.ndarray | Rows, y: None = None) -> Self:
        """Fit to training images, uint8 [n, height, width, channels]."""
        # It takes a second to import, which pixels need not wait for.
        from sklearn.decomposition import PCA

        pixels = Pixels(self.colour).transform
        # float32 takes four times what uint8 does.
        images = in_memory(images, None if self.memory is None else self.memory // 4)
        if isinstance(images, Rows):
            rows = images.map(pixels)
            mean, directions, _, _ = principal_components(rows, min(self.n_components, *rows.shape))
            self._project = partial(project, mean=mean.astype(np.float32), matrix=directions.T.astype(np.float32))
        else:
            vectors = pixels(images)
            pca = PCA(min(self.n_components, *vectors.shape), random_state=self.seed)
            with one_thread():
                self._project = pca.fit(vectors.astype(np.float64)).transform
        return self

    @one_thread()
    def transform(self, images: np.ndarray) -> np.ndarray:
        """Return the components of images, uint8 [n, height, width, channels], as float32 [n, n_components]."""
        return self._project(Pixels(self.colour).transform(images)).astype(np.float32, copy=False)
