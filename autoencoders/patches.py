"""Features of an image's patches, learned by K-means: a single-layer network without a gradient.

After Coates, Lee and Ng, "An analysis of single-layer networks in unsupervised feature learning", 2011: small
patches, each freed of its own brightness and contrast, whitened, and described by how much nearer than on average
they lie to each of the centres that K-means finds among such patches; the descriptions are summed over the cells
of a grid.
"""

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits

from autoencoders.preparation import Preparation, Rows, blocks

# Patches of one image overlap: more of them teach little and take as long.
PER_IMAGE = 10
# Of pixels in 0 to 255 and of whitened values: the regularisers of the paper.
CONTRAST = 10.0
WHITENING = 0.1
# So many images' patches, described by hundreds of centres, fit into a processor's cache or near it.
IMAGES_AT_A_TIME = 20


class PatchFeatures:
    """Patch features fitted to training images; call it with images for their features.

    Parameters
    ----------
    images : ndarray or Rows of shape (n, height, width, channels), uint8
        Training images.
    preparation : Preparation
        The colour in which their pixels are taken.
    patch_size : int
        Side of the patches, at most that of the images.
    n_patches : int
        Patches drawn, from any place of any image, to learn from; at most PER_IMAGE times as many as images.
    n_centres : int
        Centres of K-means among them.
    grid : int
        Cells along each side over which descriptions are summed; 2 for quadrants.
    max_iter : int
        Steps of K-means, which need not converge here.
    seed : int
        Seeds the patches drawn and the start of K-means.
    """

    def __init__(
        self,
        images: np.ndarray | Rows,
        preparation: Preparation,
        *,
        patch_size: int,
        n_patches: int,
        n_centres: int,
        grid: int,
        max_iter: int,
        seed: int,
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
        # Threads would add up means and centres in an order of their own.
        with threadpool_limits(1):
            self._mean = patches.mean(axis=0)
            self._whitening = _zca(patches)
            kmeans = KMeans(min(n_centres, n_patches), init="random", n_init=1, max_iter=max_iter, random_state=seed)
            self._centres = kmeans.fit((patches - self._mean) @ self._whitening).cluster_centers_
        self.width = grid * grid * len(self._centres)

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """Return the features of images, uint8 [n, height, width, channels], as float32 [n, grid * grid * n_centres].

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
        distances = patches @ (-2 * self._centres.T)
        distances += np.square(self._centres).sum(axis=1)
        distances += np.einsum("ij,ij->i", patches, patches)[:, np.newaxis]
        np.sqrt(np.maximum(distances, 0, out=distances), out=distances)
        # The paper's "triangle" code: how much nearer than the mean centre, 0 for the farther half.
        nearness = np.maximum(distances.mean(axis=1, keepdims=True) - distances, 0)
        nearness = nearness.reshape(n, height, width, -1)
        rows, columns = (np.linspace(0, length, self._grid + 1).round().astype(int)[:-1] for length in (height, width))
        return np.add.reduceat(np.add.reduceat(nearness, rows, axis=1), columns, axis=2).reshape(n, -1)


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
