"""UMAP, by umap-learn."""

from typing import Self

import numpy as np
from sklearn.base import BaseEstimator

from autoencoders.core.errors import ArgumentError
from autoencoders.core.imports import without
from autoencoders.core.threads import one_thread


class UMAP(BaseEstimator):
    """UMAP (McInnes, Healy and Melville, 2018) with a PCA as its start and one thread; other arguments as umap-learn's.

    Parameters
    ----------
    n_components, n_neighbors, min_dist, metric, n_epochs
        See `umap.UMAP`; at most n - 1 neighbours are taken.
    seed : int
        Its `random_state`, which also holds it to one thread.
    """

    def __init__(
        self, n_components: int, n_neighbors: int, min_dist: float, metric: str, n_epochs: int | None, seed: int
    ):
        self.n_components, self.n_neighbors, self.min_dist = n_components, n_neighbors, min_dist
        self.metric, self.n_epochs, self.seed = metric, n_epochs, seed

    def fit(self, vectors: np.ndarray, y: None = None) -> Self:
        """Embed training vectors, float32 [n, width].

        Raises
        ------
        ArgumentError
            If there are too few vectors to embed in so many dimensions, or these have fewer numbers.
        """
        vectors = np.asarray(vectors)
        if len(vectors) < self.n_components + 2:
            raise ArgumentError(
                f"n_components is {self.n_components}, but {len(vectors)} training images have no embedding "
                f"in more than {max(len(vectors) - 2, 0)} dimensions; lower it."
            )
        if vectors.shape[1] < self.n_components:
            raise ArgumentError(
                f"n_components is {self.n_components}, but the vectors have {vectors.shape[1]} numbers, whose "
                f"principal components are the start; lower it."
            )
        # It takes seconds to import, which a spectral embedding need not wait for. It imports TensorFlow too if it can,
        # which is unused here.
        with without("tensorflow"):
            import umap

        self.model_ = umap.UMAP(
            n_components=self.n_components,
            n_neighbors=min(self.n_neighbors, len(vectors) - 1),
            min_dist=self.min_dist,
            metric=self.metric,
            n_epochs=self.n_epochs,
            init="pca",
            random_state=self.seed,
            n_jobs=1,
        )
        # A seed holds umap-learn's own code to one thread, but not the principal components that it starts from.
        with one_thread():
            self.embedding_ = self.model_.fit_transform(vectors).astype(np.float32)
        return self

    def fit_transform(self, vectors: np.ndarray, y: None = None) -> np.ndarray:
        """Return the embedding of training vectors [n, width], float32 [n, n_components]."""
        return self.fit(vectors).embedding_

    @one_thread()
    def transform(self, vectors: np.ndarray) -> np.ndarray:
        """Place other vectors [n, width] in the embedding of the training vectors, float32 [n, n_components]."""
        return self.model_.transform(np.asarray(vectors)).astype(np.float32)
