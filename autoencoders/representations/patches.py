"""Features of an image's patches, learned by K-means or by an autoencoder of one hidden layer.

After Coates, Lee and Ng, "An analysis of single-layer networks in unsupervised feature learning", 2011: small
patches, each freed of its own brightness and contrast, whitened, and described by what was learned from such patches;
the descriptions are summed over the cells of a grid.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Self

import numpy as np

from autoencoders.core.cores import n_cores
from autoencoders.core.rows import Rows, blocks, in_memory
from autoencoders.core.threads import one_thread
from autoencoders.images.preparation import Preparation

# From whitened patches, float32 [n, width], to descriptions of them, float32 [n, n_features], at least 0.
Describe = Callable[[np.ndarray], np.ndarray]

# Patches of one image overlap: more of them teach little and take as long.
PER_IMAGE = 10
# The regularisers of the paper: added to the variance of a patch's pixels, in 0 to 255, before contrast is divided by
# its root, and to the eigenvalues of the covariance of such patches before whitening by them.
CONTRAST_EPSILON = 10.0
ZCA_EPSILON = 0.1
# So many images' patches, described by hundreds of centres, fit into a processor's cache or near it.
IMAGES_AT_A_TIME = 8


class Patches(ABC):
    """Features of images by their patches, of one or more kinds of patches side by side.

    Colour tells other classes apart than shape does, which grey patches show better: both together cluster better than
    more of either (`docs/log.md`, "Clustering CIFAR-10 by patch features").

    Parameters
    ----------
    windows : sequence of mapping
        For each kind of patches: `colour`, "grey" or "rgb"; `patch_size`, the side of the patches in pixels, at most
        that of the images; `grid`, the cells along each side over which descriptions are summed, 2 for quadrants.
    n_patches : int
        Patches of each kind to learn from, drawn from any place of any image; at most PER_IMAGE times as many as
        images.
    seed : int
        Seeds the patches drawn and what is learned from them.
    memory : int, optional
        Bytes up to which `Rows` of training images are read into memory; by default all are.
    """

    def __init__(self, windows: Sequence[Mapping[str, Any]], n_patches: int, seed: int, memory: int | None = None):
        self.windows, self.n_patches, self.seed, self.memory = windows, n_patches, seed, memory

    def fit(self, images: np.ndarray | Rows, y: None = None) -> Self:
        """Learn from the patches of training images, uint8 [n, height, width, channels]."""
        images = in_memory(images, self.memory)
        self.windows_ = [
            _Window(**window).fit(images, self.n_patches, self.seed, self._learn) for window in self.windows
        ]
        return self

    def transform(self, images: np.ndarray) -> np.ndarray:
        """Return the features of images, uint8 [n, height, width, channels], as float32 vectors of length 1.

        Their width is the sum of grid * grid * n_features over the kinds of patches.
        """
        share = np.float32(len(self.windows_) ** -0.5)
        return share * np.concatenate([window.transform(images) for window in self.windows_], axis=1)

    @abstractmethod
    def _learn(self, patches: np.ndarray) -> tuple[Describe, int]:
        """Learn from whitened patches, float32 [n, width]; return what describes patches, and n_features."""


class PatchFeatures(Patches):
    """Patches described by how much nearer than on average they lie to each of the centres that K-means finds.

    A single-layer network without a gradient (Coates, Lee and Ng).

    Parameters
    ----------
    n_clusters : int
    max_iter : int
        Steps of K-means, which need not converge here.
    **patches
        The parameters of `Patches`.
    """

    def __init__(self, *, n_clusters: int, max_iter: int, **patches: Any):
        super().__init__(**patches)
        self.n_clusters, self.max_iter = n_clusters, max_iter

    def _learn(self, patches: np.ndarray) -> tuple[Describe, int]:
        # scikit-learn takes a second to import, which representations by pixels need not wait for.
        from sklearn.cluster import KMeans

        n_clusters = min(self.n_clusters, len(patches))
        kmeans = KMeans(n_clusters, init="random", n_init=1, max_iter=self.max_iter, random_state=self.seed)
        with one_thread():
            centres = kmeans.fit(patches).cluster_centers_
        return partial(triangle, centres=centres), n_clusters


class PatchAutoencoder(Patches):
    """Patches described by the code of a convolutional autoencoder that is trained patch by patch.

    Its one hidden layer of ReLUs is the code, its output a linear layer; it learns to give whitened patches back, by
    the mean squared error and Adam. Run at every place of an image, the hidden layer is a convolution. scikit-learn
    trains it, so that nobody waits for TensorFlow.

    Parameters
    ----------
    units : int
        Of the hidden layer.
    noise : float
        Standard deviation of Gaussian noise, in units of a whitened number's, drawn anew in each epoch and added to
        what is given, not to what is asked for (Vincent et al., "Stacked denoising autoencoders", 2010): without it,
        more units than a patch has numbers may learn to copy.
    learning_rate : float
    batch_size : int
        In patches.
    epochs : int
    **patches
        The parameters of `Patches`.

    Attributes
    ----------
    losses_ : list of list of float
        For each kind of patches half the mean squared error of a whitened number, and the weight decay, in each epoch
        of training.
    """

    def __init__(self, *, units: int, noise: float, learning_rate: float, batch_size: int, epochs: int, **patches: Any):
        super().__init__(**patches)
        self.units, self.noise, self.epochs = units, noise, epochs
        self.learning_rate, self.batch_size = learning_rate, batch_size

    def fit(self, images: np.ndarray | Rows, y: None = None) -> Self:
        self.losses_: list[list[float]] = []
        return super().fit(images)

    def _learn(self, patches: np.ndarray) -> tuple[Describe, int]:
        from sklearn.neural_network import MLPRegressor

        network = MLPRegressor(
            hidden_layer_sizes=(self.units,),
            activation="relu",
            solver="adam",
            learning_rate_init=self.learning_rate,
            batch_size=min(self.batch_size, len(patches)),
            random_state=self.seed,
        )
        random = np.random.default_rng(self.seed)
        with one_thread():
            for _ in range(self.epochs):
                noisy = patches + np.float32(self.noise) * random.standard_normal(patches.shape, np.float32)
                network.partial_fit(noisy, patches)
        self.losses_.append([float(loss) for loss in network.loss_curve_])
        return partial(hidden_layer, weights=network.coefs_[0], biases=network.intercepts_[0]), self.units


class _Window:
    """Features of one kind of patches; parameters as the keys of `Patches.windows`."""

    def __init__(self, colour: str, patch_size: int, grid: int):
        self._prepare, self._size, self._grid = Preparation(colour, flat=False), patch_size, grid

    def fit(
        self,
        images: np.ndarray | Rows,
        n_patches: int,
        seed: int,
        learn: Callable[[np.ndarray], tuple[Describe, int]],
    ) -> Self:
        """Draw patches of training images, whiten them and learn from them."""
        n_patches = min(n_patches, PER_IMAGE * len(images))
        random = np.random.default_rng(seed)
        drawn = np.sort(random.integers(len(images), size=n_patches))
        side = [length - self._size + 1 for length in images.shape[1:3]]
        top, left = (random.integers(length, size=n_patches) for length in side)
        patches = np.concatenate(
            [
                self._patches(images[drawn[rows]])[np.arange(len(drawn[rows])), top[rows], left[rows]]
                for rows in blocks(n_patches)
            ]
        )
        patches = _even(patches.reshape(n_patches, -1))
        with one_thread():
            self._mean = patches.mean(axis=0)
            self._whitening = _zca(patches)
            whitened = (patches - self._mean) @ self._whitening
        self._describe, n_features = learn(whitened)
        self._width = self._grid * self._grid * n_features
        return self

    @one_thread()
    def transform(self, images: np.ndarray) -> np.ndarray:
        """Return the features of images, uint8 [n, height, width, channels], as float32 [n, grid * grid * n_features].

        Square roots of the sums, as vectors of length 1 (the power normalisation of Perronnin, Sánchez and Mensink,
        "Improving the Fisher kernel for large-scale image classification", 2010).
        """
        features = np.empty((len(images), self._width), np.float32)

        def fill(rows: slice) -> None:
            features[rows] = self._summed(images[rows])

        # Images side by side on all cores, each with products of one thread: every sum has one order.
        with ThreadPoolExecutor(n_cores()) as pool:
            list(pool.map(fill, blocks(len(images), IMAGES_AT_A_TIME)))
        np.sqrt(features, out=features)
        return features / np.maximum(np.linalg.norm(features, axis=1, keepdims=True), np.finfo(np.float32).tiny)

    def _patches(self, images: np.ndarray) -> np.ndarray:
        """Return all patches [n, rows, columns, channels, size, size], pixels in 0 to 255."""
        pixels = 255 * self._prepare(images)
        return np.lib.stride_tricks.sliding_window_view(pixels, (self._size, self._size), axis=(1, 2))

    def _summed(self, images: np.ndarray) -> np.ndarray:
        """Return the patches' descriptions, summed over the cells of the grid, [n, grid * grid * n_features]."""
        patches = self._patches(images)
        n, height, width = patches.shape[:3]
        patches = (_even(patches.reshape(n * height * width, -1)) - self._mean) @ self._whitening
        described = self._describe(patches).reshape(n, height, width, -1)
        rows, columns = (np.linspace(0, length, self._grid + 1).round().astype(int)[:-1] for length in (height, width))
        return np.add.reduceat(np.add.reduceat(described, rows, axis=1), columns, axis=2).reshape(n, -1)


def triangle(patches: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """Return the paper's "triangle" code: how much nearer than the mean centre each centre is, 0 for the farther half.

    Parameters
    ----------
    patches : ndarray of shape (n, width), float32
    centres : ndarray of shape (n_clusters, width), float32

    Returns
    -------
    ndarray of shape (n, n_clusters), float32, at least 0
    """
    distances = patches @ (-2 * centres.T)
    distances += np.square(centres).sum(axis=1)
    distances += np.einsum("ij,ij->i", patches, patches)[:, np.newaxis]
    np.sqrt(np.maximum(distances, 0, out=distances), out=distances)
    np.subtract(distances.mean(axis=1, keepdims=True), distances, out=distances)
    return np.maximum(distances, 0, out=distances)


def hidden_layer(patches: np.ndarray, weights: np.ndarray, biases: np.ndarray) -> np.ndarray:
    """Return a dense layer of ReLUs of patches [n, width], by weights [width, units]: float32 [n, units]."""
    code = patches @ weights
    code += biases
    return np.maximum(code, 0, out=code)


def _even(patches: np.ndarray) -> np.ndarray:
    """Take each patch's mean off and divide it by its regularised standard deviation."""
    patches = patches - patches.mean(axis=1, keepdims=True)
    variance = np.einsum("ij,ij->i", patches, patches)[:, np.newaxis] / patches.shape[1]
    patches /= np.sqrt(variance + np.float32(CONTRAST_EPSILON))
    return patches


def _zca(patches: np.ndarray) -> np.ndarray:
    """Return the matrix that whitens and turns back to the pixels' axes (Bell and Sejnowski, 1997)."""
    values, vectors = np.linalg.eigh(np.cov(patches, rowvar=False))
    return ((vectors / np.sqrt(values + ZCA_EPSILON)) @ vectors.T).astype(np.float32)
