"""Clustering of codes or other features, in memory or larger than it, and scores."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple, Self, TypeGuard

import numpy as np

from autoencoders.clustering import models, out_of_core
from autoencoders.clustering.scores import score
from autoencoders.core.errors import ArgumentError
from autoencoders.core.rows import Rows, Watch, in_memory, over_blocks, unwatched
from autoencoders.core.sampling import sampled

CLUSTERERS = ("kmeans", "mini_batch_kmeans", "gaussian_mixture")


@dataclass(frozen=True)
class Settings:
    """How vectors are clustered and scored.

    Attributes
    ----------
    clusterer : {"kmeans", "mini_batch_kmeans", "gaussian_mixture"}
        scikit-learn's `KMeans`, `MiniBatchKMeans` or `GaussianMixture`.
    n_clusters : int
        Also the number of a mixture's components.
    options : mapping of mapping
        Under each clusterer's name its other arguments, by scikit-learn's names.
    silhouette_sample : int
        The silhouette, whose cost is quadratic, is taken over a seeded sample of at most so many vectors.
    seed : int
        Seeds the clusterer's starts and the samples.
    """

    clusterer: str
    n_clusters: int
    options: Mapping[str, Mapping[str, Any]]
    silhouette_sample: int
    seed: int


class Clusterer:
    """Assigns vectors to clusters that it was fitted to, in memory or larger than it.

    Parameters
    ----------
    settings : Settings
    memory : int, optional
        Bytes up to which `Rows` are read into memory; of more, K-means is fitted block by block. A mixture is fitted to
        a sample where all vectors, and what is computed with them, would take more. By default all are in memory.
    watch : callable, optional
        Shows how far passes over vectors are, where there is a `memory`.

    Attributes
    ----------
    centres_ : ndarray of shape (n_clusters, width), float32
        Means of the clusters, as the clusterer found them.
    labels_ : ndarray of shape (n,), int64
        The clusters of the vectors that were fitted to, as `predict` gives them.
    model_ : sklearn.cluster.KMeans, sklearn.cluster.MiniBatchKMeans or sklearn.mixture.GaussianMixture
    """

    def __init__(self, settings: Settings, memory: int | None = None, watch: Watch = unwatched):
        self.settings, self.memory, self.watch = settings, memory, watch

    def fit(self, vectors: np.ndarray | Rows, y: None = None) -> Self:
        """Fit to training vectors, float32 [n, width].

        Raises
        ------
        ArgumentError
            If there are more clusters than vectors, or a mixture cannot be fitted.
        """
        clusterer, n_clusters, seed = self.settings.clusterer, self.settings.n_clusters, self.settings.seed
        if n_clusters > len(vectors):
            raise ArgumentError(f"n_clusters is {n_clusters}, more than the {len(vectors)} training images; lower it.")
        vectors = in_memory(vectors, self.memory)
        if self.memory is not None and self._in_blocks(vectors):
            fit = out_of_core.lloyd if clusterer == "kmeans" else out_of_core.mini_batches
            options = self.settings.options[clusterer]
            self.model_ = fit(vectors, n_clusters, options, seed, self.memory, self.watch)
        else:
            model = models.unfitted(clusterer, n_clusters, self.settings.options[clusterer], seed)
            self.model_ = models.fit(model, sampled(vectors, self._sample_size(vectors), seed))
        self.centres_ = models.centres(self.model_)
        self.labels_ = self.predict(vectors)
        return self

    def predict(self, vectors: np.ndarray | Rows) -> np.ndarray:
        """Return the clusters of vectors [n, width], int64 [n], from 0."""
        if self.memory is None:
            return models.predict(self.model_, np.asarray(vectors))
        assignments = np.empty(len(vectors), np.int64)
        assign, here = partial(_assigned, self.model_, vectors), not isinstance(vectors, Rows)
        for rows, found in over_blocks(assign, len(vectors), None, self.watch, "assignment", here):
            assignments[rows] = found
        return assignments

    def method(self, vectors: np.ndarray | Rows) -> str:
        """Say in a few words how vectors larger than memory, scaled as these are, are clustered."""
        if self._in_blocks(vectors):
            return "block by block" if self.settings.clusterer == "kmeans" else "mini-batches"
        if (size := self._sample_size(vectors)) < len(vectors):
            return f"fitted to a sample of {size:,}"
        return f"scaled in parts to {vectors.shape[1]} numbers"

    def _in_blocks(self, vectors: np.ndarray | Rows) -> TypeGuard[Rows]:
        return isinstance(vectors, Rows) and self.settings.clusterer != "gaussian_mixture"

    def _sample_size(self, vectors: np.ndarray | Rows) -> int:
        """Return how many of the vectors a model is fitted to."""
        if self.memory is None or self.settings.clusterer != "gaussian_mixture":
            return len(vectors)
        return min(len(vectors), out_of_core.mixture_size(vectors.shape[1], self.settings.n_clusters, self.memory))


def _assigned(model: models.Model, vectors: np.ndarray | Rows, rows: slice) -> np.ndarray:
    return models.predict(model, vectors[rows])


class Clustering(NamedTuple):
    """A clustering of training vectors and of others.

    Attributes
    ----------
    centres : ndarray of shape (n_clusters, width), float32
        Means of the clusters, as the clusterer found them.
    assignments : dict of ndarray of shape (n,), int64
        The cluster of each vector, from 0, under the names of the features it was made from.
    scores : dict of dict
        As `score` gives them, under the same names.
    model : sklearn.cluster.KMeans, sklearn.cluster.MiniBatchKMeans or sklearn.mixture.GaussianMixture
        What assigns vectors to clusters.
    """

    centres: np.ndarray
    assignments: dict[str, np.ndarray]
    scores: dict[str, dict[str, float | None]]
    model: models.Model


def cluster(
    features: Mapping[str, np.ndarray | Rows],
    labels: Mapping[str, np.ndarray | None],
    settings: Settings,
    memory: int | None = None,
    watch: Watch = unwatched,
) -> Clustering:
    """Fit a clusterer to the training vectors, assign all vectors to clusters, and score each part of them.

    Parameters
    ----------
    features : mapping of ndarray or Rows of shape (n, width), float32
        Under "training" and any other names, such as "held_out".
    labels : mapping of ndarray of shape (n,), int64, or None
        The classes, used for the scores only; under the same names. None where there are none.
    settings : Settings
    memory, watch
        As `Clusterer` takes them.

    Raises
    ------
    ArgumentError
        If there are more clusters than training vectors, or a mixture cannot be fitted.
    """
    clusterer = Clusterer(settings, memory, watch).fit(features["training"])
    assignments = {
        part: clusterer.labels_ if part == "training" else clusterer.predict(vectors)
        for part, vectors in features.items()
    }
    scores = {
        part: score(
            vectors, labels[part], assignments[part], clusterer.centres_, settings.silhouette_sample, settings.seed
        )
        for part, vectors in features.items()
    }
    return Clustering(clusterer.centres_, assignments, scores, clusterer.model_)
