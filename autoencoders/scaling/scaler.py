"""What is done to codes before they are clustered or embedded: pooling, components, standardising, unit length."""

from collections.abc import Callable
from functools import partial
from typing import Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, Normalizer, StandardScaler, normalize

from autoencoders.core.rows import Rows, Watch, blocks, in_memory, unwatched
from autoencoders.core.sampling import sampled
from autoencoders.core.threads import one_thread
from autoencoders.scaling.affine import Affine, Projection, Standard, composed
from autoencoders.scaling.components import moments, principal_components, project, standardise
from autoencoders.scaling.pooling import pool
from autoencoders.scaling.whitening import Whitening, whitening_scale, with_variance

Step = Callable[[np.ndarray], np.ndarray]

# A covariance takes the square of the width in bytes and its decomposition the cube in time: of vectors wider than
# this that exceed memory, components are fitted to a sample.
MAX_COVARIANCE_WIDTH = 4096


class Scaler(BaseEstimator):
    """Pool, project, scale and normalise vectors, fitted to training vectors in memory or larger than it.

    In memory scikit-learn's `PCA` and `StandardScaler` are fitted to all vectors at once. Of vectors larger than
    memory, sums are taken block by block: means, variances and the covariance, so that the size of a block changes
    nothing but roundings. Both compute in float64: whitening makes components of little variance as large as the
    others, and of float32 the roundings of these with them, which differ from processor to processor.

    Parameters
    ----------
    scaling : {"none", "standardise", "whiten"}
        "standardise" gives each number mean 0 and variance 1; "whiten" does so to the principal components.
    ridge : float
        At least 0; added to the components' variances before whitening by them, in units of the mean variance of a
        number, so that small components are not blown up to the size of large ones (for the covariance, the shrinkage
        of Ledoit and Wolf, 2004, by `ridge / (1 + ridge)`).
    pca : int or None
        Project on so many of the largest principal components first; None, or more than there are, for all of them
        where "whiten" asks for components, and for the numbers as they are elsewhere.
    unit_length : bool
        Whether to divide each vector by its length at the end, so that Euclidean K-means compares directions
        (spherical K-means but for the centres; Dhillon and Modha, 2001).
    pooling : int or None
        Average vectors that have positions over a grid of so many cells a side, before everything else: see `pool`.
    shape : tuple of int, optional
        Shape of one vector, for `pooling`: (height, width, filters). By default vectors have no positions.
    seed : int
        Seeds the randomised decomposition that scikit-learn takes for wide vectors, and the sample of wide vectors
        larger than memory.
    memory : int, optional
        Bytes up to which `Rows` are read into memory, and which a sample of them may take. By default all are read.
    watch : callable, optional
        Shows how far passes over vectors larger than memory are.
    """

    def __init__(
        self,
        scaling: str = "none",
        ridge: float = 0.0,
        pca: int | None = None,
        unit_length: bool = False,
        pooling: int | None = None,
        shape: tuple[int, ...] | None = None,
        seed: int = 0,
        memory: int | None = None,
        watch: Watch = unwatched,
    ):
        self.scaling, self.ridge, self.pca, self.unit_length = scaling, ridge, pca, unit_length
        self.pooling, self.shape, self.seed, self.memory, self.watch = pooling, shape, seed, memory, watch

    @one_thread()
    def fit(self, vectors: np.ndarray | Rows, y: None = None) -> Self:
        """Fit to training vectors, float32 [n, width]; `Rows` larger than `memory` are never read as a whole."""
        vectors = in_memory(vectors, self.memory)
        if isinstance(vectors, Rows):
            self.steps_ = self._out_of_core(vectors.map(self._pooling()))
        else:
            self.steps_ = self._whole(self._pooling()(vectors))
        self._fitted_in_memory = not isinstance(vectors, Rows)
        self._width = vectors.shape[1]
        return self

    def affine(self) -> Affine:
        """Return what `transform` does as numbers, which give the same vectors but for roundings."""
        shape = tuple(self.shape or (self._width,))
        width = self._pooling()(np.zeros((1, self._width), np.float32)).shape[1]
        return composed(self.maps_, width, shape, self.pooling, self.unit_length)

    def transform(self, vectors: np.ndarray | Rows) -> np.ndarray | Rows:
        """Return vectors [n, width] as float32 [n, new width].

        Of `Rows` larger than `memory`, and of all `Rows` where the vectors that were fitted to are larger, these are
        `Rows` again, scaled where they are read.
        """
        if self._fitted_in_memory:
            vectors = in_memory(vectors, self.memory)
        apply = partial(_applied, self._pooling(), tuple(self.steps_))
        return vectors.map(apply) if isinstance(vectors, Rows) else apply(vectors)

    def fit_transform(self, vectors: np.ndarray | Rows, y: None = None) -> np.ndarray | Rows:
        """Fit to vectors and return them scaled."""
        return self.fit(vectors).transform(vectors)

    def _pooling(self) -> Step:
        return partial(_pooled, shape=self.shape, grid=self.pooling)

    def _whole(self, vectors: np.ndarray) -> list[Step]:
        """Return what is fitted to pooled training vectors in memory."""
        steps = []
        width = min(self.pca or len(vectors), *vectors.shape)
        if self.scaling == "whiten":
            steps.append(Whitening(width, self.ridge, self.seed))
        elif self.pca:
            steps.append(PCA(width, random_state=self.seed))
        if self.scaling == "standardise":
            steps.append(StandardScaler())
        if self.unit_length:
            steps.append(Normalizer())
        self.maps_ = []
        if not steps:
            return []
        pipeline = make_pipeline(FunctionTransformer(_in_float64), *steps).fit(vectors)
        self.maps_ = [_map_of(step) for _, step in pipeline.steps[1:] if not isinstance(step, Normalizer)]
        return [partial(_by_blocks, pipeline.transform)]

    def _out_of_core(self, vectors: Rows) -> list[Step]:
        """Return what is fitted to pooled training vectors that are larger than memory."""
        n, width = vectors.shape
        steps: list[Step] = []
        self.maps_ = []
        if self.scaling == "whiten" or self.pca:
            if width > MAX_COVARIANCE_WIDTH:
                # In float64 a sample takes 8 bytes a number.
                return self._whole(sampled(vectors, self.memory // (8 * width), self.seed))
            projection = self._projection(vectors)
            steps.append(partial(project, **projection._asdict()))
            self.maps_.append(projection)
        elif self.scaling == "standardise":
            standard = moments(vectors, self.watch)
            steps.append(partial(standardise, **standard._asdict()))
            self.maps_.append(standard)
        if self.unit_length:
            steps.append(normalize)
        return steps

    def _projection(self, vectors: Rows) -> Projection:
        """Return the projection on principal components, scaled as `scaling` says."""
        n, width = vectors.shape
        n_components = min(self.pca or n, n, width)
        mean, directions, variances, total = principal_components(vectors, n_components, self.watch)
        if self.scaling == "whiten":
            scale = whitening_scale(variances, total / width, self.ridge)
        else:
            # scikit-learn standardises by the deviation of all n vectors, a variance of components is over n - 1.
            deviations = np.sqrt(variances * (n - 1) / n)
            scale = np.ones_like(variances)
            if self.scaling == "standardise":
                scale = np.where(with_variance(deviations), deviations, 1)
        return Projection(mean, (directions[: len(scale)] / scale[:, np.newaxis]).T)


def _pooled(vectors: np.ndarray, shape: tuple[int, ...] | None, grid: int | None) -> np.ndarray:
    return pool(vectors, shape or vectors.shape[1:], grid)


@one_thread()
def _applied(pooling: Step, steps: tuple[Step, ...], vectors: np.ndarray) -> np.ndarray:
    vectors = pooling(vectors)
    for step in steps:
        vectors = step(vectors)
    return vectors.astype(np.float32, copy=False)


def _map_of(step: Whitening | PCA | StandardScaler) -> Projection | Standard:
    """Return what a fitted step does to vectors as numbers."""
    if isinstance(step, StandardScaler):
        return Standard(step.mean_, step.scale_)
    if isinstance(step, Whitening):
        directions = step.pca_.components_[: len(step.scale_)]
        return Projection(step.pca_.mean_, (directions / step.scale_[:, np.newaxis]).T)
    return Projection(step.mean_, step.components_.T)


def _in_float64(vectors: np.ndarray) -> np.ndarray:
    return vectors.astype(np.float64)


def _by_blocks(transform: Step, vectors: np.ndarray) -> np.ndarray:
    """Apply `transform` to blocks of rows, which in float64 take twice their memory, and return float32."""
    return np.concatenate([transform(vectors[rows]).astype(np.float32) for rows in blocks(len(vectors))])
