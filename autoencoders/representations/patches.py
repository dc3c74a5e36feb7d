"""Features of an image's patches, learned by K-means or by an autoencoder of one hidden layer.

After Coates, Lee and Ng, "An analysis of single-layer networks in unsupervised feature learning", 2011: small
patches, each freed of its own brightness and contrast, whitened, and described by what was learned from such patches;
the descriptions are summed over the cells of a grid.
"""

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from sklearn.cluster import KMeans
from sklearn.neural_network import MLPRegressor
from threadpoolctl import threadpool_limits

from autoencoders.core.rows import Rows, blocks
from autoencoders.images.preparation import Preparation

# Patches of one image overlap: more of them teach little and take as long.
PER_IMAGE = 10
# Of pixels in 0 to 255 and of whitened values: the regularisers of the paper.
CONTRAST = 10.0
WHITENING = 0.1
# So many images' patches, described by hundreds of centres, fit into a processor's cache or near it.
IMAGES_AT_A_TIME = 8


def side_by_side(
    kind: type["Patches"], images: np.ndarray | Rows, windows: Sequence[Mapping[str, object]], **settings: object
) -> Callable[[np.ndarray], np.ndarray]:
    """Fit patch features of several kinds of patches to training images.

    Colour tells other classes apart than shape does, which grey patches show better: both together cluster better than
    more of either (see the README).

    Parameters
    ----------
    kind : type
        `PatchFeatures` or `PatchAutoencoder`.
    images : ndarray or Rows of shape (n, height, width, channels), uint8
    windows : sequence of mapping
        For each kind of patches `colour` ("grey" or "rgb"), `patch_size` and `grid`.
    **settings
        The other arguments of `kind`.

    Returns
    -------
    callable
        From uint8 images to float32 vectors of length 1, the features of each kind of patches one after another.
    """
    fitted = [
        kind(images, Preparation(window["colour"], flat=False), window["patch_size"], window["grid"], **settings)
        for window in windows
    ]
    share = np.float32(len(fitted) ** -0.5)
    return lambda block: share * np.concatenate([features(block) for features in fitted], axis=1)


class Patches(ABC):
    """Features of images by their patches, fitted to training images; call it with images for their features.

    Parameters
    ----------
    images : ndarray or Rows of shape (n, height, width, channels), uint8
        Training images.
    preparation : Preparation
        The colour in which their pixels are taken.
    patch_size : int
        Side of the patches, at most that of the images.
    grid : int
        Cells along each side over which descriptions are summed; 2 for quadrants.
    n_patches : int
        Patches drawn, from any place of any image, to learn from; at most PER_IMAGE times as many as images.
    seed : int
        Seeds the patches drawn and what is learned from them.
    **learning
        What the kind of features takes besides.
    """

    def __init__(
        self,
        images: np.ndarray | Rows,
        preparation: Preparation,
        patch_size: int,
        grid: int,
        *,
        n_patches: int,
        seed: int,
        **learning: float,
    ):
        self._prepare = preparation._replace(flat=False)
        self._size, self._grid = patch_size, grid
        n_patches = min(n_patches, PER_IMAGE * len(images))
        random = np.random.default_rng(seed)
        drawn = np.sort(random.integers(len(images), size=n_patches))
        side = [length - patch_size + 1 for length in images.shape[1:3]]
        top, left = (random.integers(length, size=n_patches) for length in side)
        patches = np.concatenate(
            [
                self._windows(images[drawn[rows]])[np.arange(len(drawn[rows])), top[rows], left[rows]]
                for rows in blocks(n_patches)
            ]
        )
        patches = _even(patches.reshape(n_patches, -1))
        # Threads would add up means, centres and gradients in an order of their own.
        with threadpool_limits(1):
            self._mean = patches.mean(axis=0)
            self._whitening = _zca(patches)
            self.width = grid * grid * self._learn((patches - self._mean) @ self._whitening, seed, **learning)

    @abstractmethod
    def _learn(self, patches: np.ndarray, seed: int, **learning: float) -> int:
        """Learn from whitened patches, float32 [n, size * size * channels]; return the width of a description."""

    @abstractmethod
    def _describe(self, patches: np.ndarray) -> np.ndarray:
        """Return what whitened patches are described by, float32 [n, n_features], none of it below 0."""

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """Return the features of images, uint8 [n, height, width, channels], as float32 [n, grid * grid * n_features].

        Square roots of the sums, as vectors of length 1 (the power normalisation of Perronnin, Sánchez and Mensink,
        "Improving the Fisher kernel for large-scale image classification", 2010).
        """
        features = np.empty((len(images), self.width), np.float32)

        def fill(rows: slice) -> None:
            features[rows] = self._pooled(images[rows])

        # Blocks side by side instead of a product's threads, so that each sum has one order.
        with threadpool_limits(1), ThreadPoolExecutor(os.cpu_count()) as pool:
            list(pool.map(fill, blocks(len(images), IMAGES_AT_A_TIME)))
        np.sqrt(features, out=features)
        return features / np.maximum(np.linalg.norm(features, axis=1, keepdims=True), np.finfo(np.float32).tiny)

    def _windows(self, images: np.ndarray) -> np.ndarray:
        """Return all patches [n, rows, columns, channels, size, size], pixels in 0 to 255."""
        pixels = 255 * self._prepare(images)
        return np.lib.stride_tricks.sliding_window_view(pixels, (self._size, self._size), axis=(1, 2))

    def _pooled(self, images: np.ndarray) -> np.ndarray:
        windows = self._windows(images)
        n, height, width = windows.shape[:3]
        patches = (_even(windows.reshape(n * height * width, -1)) - self._mean) @ self._whitening
        described = self._describe(patches).reshape(n, height, width, -1)
        rows, columns = (np.linspace(0, length, self._grid + 1).round().astype(int)[:-1] for length in (height, width))
        return np.add.reduceat(np.add.reduceat(described, rows, axis=1), columns, axis=2).reshape(n, -1)


class PatchFeatures(Patches):
    """Patches described by how much nearer than on average they lie to each of the centres that K-means finds.

    A single-layer network without a gradient (Coates, Lee and Ng). `n_centres` is the number of centres; `max_iter`
    that of K-means' steps, which need not converge here.
    """

    def _learn(self, patches: np.ndarray, seed: int, *, n_centres: int, max_iter: int) -> int:
        kmeans = KMeans(min(n_centres, len(patches)), init="random", n_init=1, max_iter=max_iter, random_state=seed)
        self._centres = kmeans.fit(patches).cluster_centers_
        return len(self._centres)

    def _describe(self, patches: np.ndarray) -> np.ndarray:
        distances = patches @ (-2 * self._centres.T)
        distances += np.square(self._centres).sum(axis=1)
        distances += np.einsum("ij,ij->i", patches, patches)[:, np.newaxis]
        np.sqrt(np.maximum(distances, 0, out=distances), out=distances)
        # The paper's "triangle" code: how much nearer than the mean centre, 0 for the farther half.
        np.subtract(distances.mean(axis=1, keepdims=True), distances, out=distances)
        return np.maximum(distances, 0, out=distances)


class PatchAutoencoder(Patches):
    """Patches described by the code of a convolutional autoencoder that is trained patch by patch.

    Its one hidden layer of `units` ReLUs is the code, its output a linear layer; it learns to give whitened patches
    back, by the mean squared error and Adam at `learning_rate`, on batches of `batch_size` patches for `epochs`. Where
    `noise` is above 0, Gaussian noise of that standard deviation, in units of a whitened number's, is drawn anew in
    each epoch and added to what is given, not to what is asked for (Vincent et al., "Stacked denoising autoencoders",
    2010): without it, more units than a patch has numbers may learn to copy. Run at every place of an image, the
    hidden layer is a convolution. scikit-learn trains it, so that nobody waits for TensorFlow.

    Attributes
    ----------
    losses : list of float
        Half the mean squared error of a whitened number, and the weight decay, in each epoch of training.
    """

    def _learn(
        self,
        patches: np.ndarray,
        seed: int,
        *,
        units: int,
        noise: float,
        learning_rate: float,
        batch_size: int,
        epochs: int,
    ) -> int:
        network = MLPRegressor(
            hidden_layer_sizes=(units,),
            activation="relu",
            solver="adam",
            learning_rate_init=learning_rate,
            batch_size=min(batch_size, len(patches)),
            random_state=seed,
        )
        random = np.random.default_rng(seed)
        for _ in range(epochs):
            noisy = patches + np.float32(noise) * random.standard_normal(patches.shape, np.float32)
            network.partial_fit(noisy, patches)
        self._weights, self._biases = network.coefs_[0], network.intercepts_[0]
        self.losses = [float(loss) for loss in network.loss_curve_]
        return units

    def _describe(self, patches: np.ndarray) -> np.ndarray:
        code = patches @ self._weights
        code += self._biases
        return np.maximum(code, 0, out=code)


def _even(patches: np.ndarray) -> np.ndarray:
    """Take each patch's mean off and divide it by its regularised standard deviation."""
    patches = patches - patches.mean(axis=1, keepdims=True)
    variance = np.einsum("ij,ij->i", patches, patches)[:, np.newaxis] / patches.shape[1]
    patches /= np.sqrt(variance + np.float32(CONTRAST))
    return patches


def _zca(patches: np.ndarray) -> np.ndarray:
    """Return the matrix that whitens and turns back to the pixels' axes (Bell and Sejnowski, 1997)."""
    values, vectors = np.linalg.eigh(np.cov(patches, rowvar=False))
    return ((vectors / np.sqrt(values + WHITENING)) @ vectors.T).astype(np.float32)
