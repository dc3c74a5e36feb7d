"""MNIST in the packings in which it goes round: IDX files, Keras's mnist.npz, and the chapter's mnist.pkl.

Y. LeCun, L. Bottou, Y. Bengio and P. Haffner, "Gradient-Based Learning Applied to Document Recognition",
Proceedings of the IEEE, 1998.
"""

import gzip
import io
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np

from autoencoders.core.errors import InputError
from autoencoders.sources import download, idx_files, pickles
from autoencoders.sources.images import Images, Source, set_apart

FOLDER = "mnist"
NPZ, PKL = "mnist.npz", "mnist.pkl"
TRAIN = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte")
TEST = ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
MIRRORS = [
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
]

# Of the IDX files as unpacked: mirrors pack them anew, and gzip stores the time of packing.
SHA256 = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    # As Keras publishes it with `keras.datasets.mnist.load_data`.
    NPZ: "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1",
}


def load(home: Path, limit: int | None, test_share: float, seed: int, log: Callable[[str], None]) -> Source:
    """Read the training and test images [N, 28, 28, 1].

    They are taken from the first of these that is complete in `home` or in its folder `mnist`: the four IDX
    files, packed with gzip or not; `mnist.npz`; `mnist.pkl`, which has no test images, so that a share of its
    images is set apart. Otherwise the missing IDX files are downloaded into the folder `mnist`.
    Parameters are those of `autoencoders.sources.load`.

    Raises
    ------
    InputError
        If files are missing and cannot be downloaded, or are not the official ones.
    """
    classes = [str(digit) for digit in range(10)]
    found = {name: _find(home, _spellings(name)) for name in (*TRAIN, *TEST)}
    if None in found.values():
        if npz := _find(home, [NPZ]):
            train, test = _from_npz(npz)
            return Source(classes, train.first(limit), test.first(limit), f"MNIST, {NPZ}")
        if pkl := _find(home, [PKL]):
            train, test = set_apart(_from_pickle(pkl).first(limit), test_share, np.random.default_rng(seed))
            log(f"{pkl} holds no test images: {len(test)} of its images are set apart for testing")
            return Source(classes, train, test, f"MNIST, {PKL}, of which {len(test)} images are set apart for testing")
    idx = {name: file or _downloaded(home, name, log) for name, file in found.items()}
    train, test = (_from_idx(idx, *names).first(limit) for names in (TRAIN, TEST))
    return Source(classes, train, test, "MNIST, the four IDX files")


def _find(home: Path, names: list[str]) -> Path | None:
    files = (folder / name for folder in (home, home / FOLDER) for name in names)
    return next((file for file in files if download.is_file(file)), None)


def _spellings(name: str) -> list[str]:
    dotted = name.replace("-idx", ".idx")
    return [name, f"{name}.gz", dotted, f"{dotted}.gz"]


def _downloaded(home: Path, name: str, log: Callable[[str], None]) -> Path:
    def is_genuine(file: Path) -> bool:
        try:
            download.verify(_unpacked(file), SHA256[name], file)
        except InputError:
            return False
        return True

    packed = f"{name}.gz"
    return download.fetch(packed, home / FOLDER, [mirror + packed for mirror in MIRRORS], is_genuine, log)


def _unpacked(file: Path) -> bytes:
    content = download.read(file)
    # By its first two bytes and not by its name: browsers and servers unpack files and leave them the name.
    if not content.startswith(idx_files.GZIP):
        return content
    try:
        return gzip.decompress(content)
    except (OSError, EOFError, zlib.error):
        raise InputError(f"{file} is damaged; delete it, and it will be downloaded again.") from None


def _from_idx(files: dict[str, Path], images: str, labels: str) -> Images:
    pixels, digits = (_idx(files[name], SHA256[name], ndim) for name, ndim in ((images, 3), (labels, 1)))
    return _labelled(pixels, digits, files[images])


def _idx(file: Path, sha256: str, ndim: int) -> np.ndarray:
    content = download.verify(_unpacked(file), sha256, file)
    return idx_files.parse(content, file, ndim, "replace it with the official file")


def _from_npz(file: Path) -> tuple[Images, Images]:
    content = download.verify(download.read(file), SHA256[NPZ], file)
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        train, test = (_labelled(arrays[f"x_{split}"], arrays[f"y_{split}"], file) for split in ("train", "test"))
    return train, test


def _from_pickle(file: Path) -> Images:
    # No sum is published for this file, so that only its content can be checked.
    pixels, digits = pickles.labelled_images(
        download.read(file), file, "MNIST pickle of the chapter", "images", "labels", (28, 28)
    )
    return _labelled(pixels, digits, file)


def _labelled(pixels: np.ndarray, digits: np.ndarray, file: Path) -> Images:
    if pixels.shape != (len(digits), 28, 28):
        raise InputError(
            f"{file} does not hold images of 28x28 pixels, one for each label; replace it with the official file."
        )
    return Images(pixels[..., np.newaxis], digits.astype(np.int64))
