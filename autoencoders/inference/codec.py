"""From images to codes and back, and the figures of codes."""

import hashlib
from functools import cached_property, lru_cache
from math import prod
from pathlib import Path

import numpy as np

from autoencoders.core.errors import InputError
from autoencoders.inference.running import Graph


class Codec:
    """A trained autoencoder as functions between images and codes.

    It is pickled as its folder; where it is read again, graphs are opened once.

    Parameters
    ----------
    folder : Path
        Where `autoencoders.networks.storage.save_graphs` wrote its graphs.

    Raises
    ------
    InputError
        If the folder holds no graph of an encoder that can be read; of a decoder or a denoiser, as soon as one is used.
    """

    def __init__(self, folder: Path):
        self._folder = folder
        self._encoder = Graph(folder / "encoder.onnx")

    def __reduce__(self) -> tuple:
        # What a graph's file holds tells a network from the one that lay there before.
        return _opened, (self._folder.absolute(), digest(self._folder))

    @property
    def code_shape(self) -> tuple[int, ...]:
        """Shape of one code: (width,) or (height, width, filters)."""
        return self._encoder.code_shape

    @property
    def code_size(self) -> int:
        """How many numbers a code has."""
        return prod(self.code_shape)

    def encode(self, images: np.ndarray) -> np.ndarray:
        """Return the codes, float32 [n, code_size], of images as stored, uint8 [n, height, width, channels].

        The codes of a variational network are the means.
        """
        return self._encoder(images)

    def decode(self, codes: np.ndarray) -> np.ndarray:
        """Return images, float32 [n, height, width, channels] in 0 to 1, of codes, float32 [n, code_size]."""
        return self._decoder(np.asarray(codes, np.float32))

    def reconstruct(self, images: np.ndarray) -> np.ndarray:
        """Return the decoded codes, float32 [n, height, width, channels] in 0 to 1, of images as stored."""
        return self.decode(self.encode(images))

    def restore(self, noisy: np.ndarray) -> np.ndarray:
        """Return what a denoising network makes of noisy prepared images, both float32 [n, height, width, channels]."""
        return self._denoiser(noisy)

    @cached_property
    def _decoder(self) -> Graph:
        return Graph(self._folder / "decoder.onnx")

    @cached_property
    def _denoiser(self) -> Graph:
        return Graph(self._folder / "denoiser.onnx", prepared=True)


def digest(folder: Path) -> str:
    """Return the SHA-256 of the graphs of a network, by which it is told from another one in the same folder."""
    found = hashlib.sha256()
    for file in sorted(folder.glob("*.onnx")):
        found.update(file.name.encode() + file.read_bytes())
    return found.hexdigest()


@lru_cache(maxsize=4)
def _opened(folder: Path, wanted: str) -> Codec:
    if digest(folder) != wanted:
        raise InputError(f"{folder} holds another network here than where the work is from; share one file system.")
    return Codec(folder)


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
        For a flat code `code`, as near to a square as its width allows (256 gives 16×16); where only a line would be
        left (97), nearly a square that ends with NaN. For a convolutional one `code`, the positions as rows and the
        filters as columns (256×32), and `code mean`, the mean over the filters (16×16).
    """
    n = len(codes)
    if len(shape) == 1:
        (width,) = shape
        rows = max(divisor for divisor in range(1, int(width**0.5) + 1) if width % divisor == 0)
        if width > 8 * rows**2:
            rows = round(width**0.5)
            codes = np.pad(codes, ((0, 0), (0, -width % rows)), constant_values=np.nan)
        return {"code": codes.reshape(n, rows, -1)}
    codes = codes.reshape(n, *shape)
    return {"code": codes.reshape(n, -1, shape[-1]), "code mean": codes.mean(axis=-1)}
