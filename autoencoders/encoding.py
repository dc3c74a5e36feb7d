"""From images to codes and back, block by block."""

from collections.abc import Iterator
from math import prod

import numpy as np

from autoencoders.networks import architectures
from autoencoders.networks.runtime import keras
from autoencoders.preparation import Preparation

BLOCK_SIZE = 1000


def blocks(n: int, size: int = BLOCK_SIZE) -> Iterator[slice]:
    """Yield the slices that cut 0 to n into runs of `size`, the last of them shorter."""
    for start in range(0, n, size):
        yield slice(start, min(start + size, n))


def run(model: keras.Model, inputs: np.ndarray) -> np.ndarray:
    """Return the model's outputs for one block of prepared inputs as float32 [n, …]."""
    return model(inputs, training=False).numpy()


class Codec:
    """A trained autoencoder as two functions, between images and codes; flat networks take and give images too.

    Parameters
    ----------
    network : keras.Model
        An autoencoder of `autoencoders.networks.architectures`.
    preparation : Preparation
        The form in which it takes images.
    image_shape : tuple of int
        (height, width, channels) of the images as stored.

    Attributes
    ----------
    code_shape : tuple of int
        Shape of one code: (width,) or (height, width, filters).
    code_size : int
        How many numbers a code has.
    """

    def __init__(self, network: keras.Model, preparation: Preparation, image_shape: tuple[int, int, int]):
        self._encoder, self._decoder = architectures.encoder(network), architectures.decoder(network)
        self._input_shape = preparation.shape(image_shape)
        self._as_image = preparation._replace(flat=False)
        self._image_shape = self._as_image.shape(image_shape)
        self.code_shape = architectures.code_shape(network)
        self.code_size = prod(self.code_shape)

    def prepare(self, images: np.ndarray) -> np.ndarray:
        """Return uint8 [n, height, width, channels] as float32 in 0 to 1, in the network's colour."""
        return self._as_image(images)

    def encode(self, images: np.ndarray) -> np.ndarray:
        """Return the codes, float32 [n, code_size], of prepared images [n, height, width, channels]."""
        return run(self._encoder, images.reshape(-1, *self._input_shape)).reshape(-1, self.code_size)

    def decode(self, codes: np.ndarray) -> np.ndarray:
        """Return the reconstructions, float32 [n, height, width, channels] in 0 to 1, of codes [n, code_size]."""
        return run(self._decoder, codes.reshape(-1, *self.code_shape)).reshape(-1, *self._image_shape)

    def reconstruct(self, images: np.ndarray) -> np.ndarray:
        """Return the decoded codes of prepared images, both [n, height, width, channels]."""
        return self.decode(self.encode(images))


def add_noise(images: np.ndarray, noise: float, random: np.random.Generator) -> np.ndarray:
    """Return prepared images with Gaussian noise of standard deviation `noise`, clipped to 0 to 1; all float32."""
    return np.clip(images + np.float32(noise) * random.standard_normal(images.shape, dtype=np.float32), 0, 1)


def code_images(codes: np.ndarray, shape: tuple[int, ...]) -> dict[str, np.ndarray]:
    """Lay codes out as images, as the chapter's figures do.

    Parameters
    ----------
    codes : ndarray of shape (n, width)
    shape : tuple of int
        Shape of one code: (width,) or (height, width, filters).

    Returns
    -------
    dict of ndarray of shape (n, rows, columns)
        For a flat code `code`, as near to a square as its width allows (256 gives 16×16). For a convolutional
        one `code`, the positions as rows and the filters as columns (256×32), and `code mean`, the mean over
        the filters (16×16).
    """
    n = len(codes)
    if len(shape) == 1:
        (width,) = shape
        rows = max(divisor for divisor in range(1, int(width**0.5) + 1) if width % divisor == 0)
        return {"code": codes.reshape(n, rows, -1)}
    codes = codes.reshape(n, *shape)
    return {"code": codes.reshape(n, -1, shape[-1]), "code mean": codes.mean(axis=-1)}
