"""From images to codes and back, block by block."""

from math import prod

import numpy as np

from autoencoders.images.preparation import Preparation
from autoencoders.inference.network import Network


class Codec:
    """A trained autoencoder as two functions, between images and codes; flat networks take and give images too.

    Parameters
    ----------
    network : Network
        An autoencoder.
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

    Raises
    ------
    TypeError
        If the network is a classifier.
    """

    def __init__(self, network: Network, preparation: Preparation, image_shape: tuple[int, int, int]):
        if network.code_shape is None:
            raise TypeError("network is a classifier, which has no codes")
        self._network = network
        self._as_image = preparation._replace(flat=False)
        self._image_shape = self._as_image.shape(image_shape)
        self.code_shape = network.code_shape
        self.code_size = prod(self.code_shape)

    def prepare(self, images: np.ndarray) -> np.ndarray:
        """Return uint8 [n, height, width, channels] as float32 in 0 to 1, in the network's colour."""
        return self._as_image(images)

    def encode(self, images: np.ndarray) -> np.ndarray:
        """Return the codes, float32 [n, code_size], of prepared images [n, height, width, channels]."""
        return self._network.encode(images.reshape(-1, *self._network.input_shape)).reshape(-1, self.code_size)

    def decode(self, codes: np.ndarray) -> np.ndarray:
        """Return the reconstructions, float32 [n, height, width, channels] in 0 to 1, of codes [n, code_size]."""
        return self._network.decode(codes.reshape(-1, *self.code_shape)).reshape(-1, *self._image_shape)

    def reconstruct(self, images: np.ndarray) -> np.ndarray:
        """Return the decoded codes of prepared images, both [n, height, width, channels]."""
        return self.decode(self.encode(images))


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
