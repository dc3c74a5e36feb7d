"""CIFAR-10, the Python version: https://www.cs.toronto.edu/~kriz/cifar.html.

A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009.
"""

import tarfile
import zlib
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

import numpy as np
import pooch

from autoencoders.core.errors import InputError
from autoencoders.sources import download, pickles
from autoencoders.sources.images import Images, Source, set_apart

FOLDER = "cifar-10-batches-py"
TARBALL = "cifar-10-python.tar.gz"
TEST = "test_batch"
META = "batches.meta"
ADDRESSES = ["https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz"]

# The tarball's sum is published on the page above; the others are those of the files in it.
TARBALL_MD5 = "c58f30108f718f92721af3b95e74349a"
SHA256 = {
    "data_batch_1": "54636561a3ce25bd3e19253c6b0d8538147b0ae398331ac4a2d86c6d987368cd",
    "data_batch_2": "766b2cef9fbc745cf056b3152224f7cf77163b330ea9a15f9392beb8b89bc5a8",
    "data_batch_3": "0f00d98ebfb30b3ec0ad19f9756dc2630b89003e10525f5e148445e82aa6a1f9",
    "data_batch_4": "3f7bb240661948b8f4d53e36ec720d8306f5668bd0071dcb4e6c947f78e9682b",
    "data_batch_5": "d91802434d8376bbaeeadf58a737e3a1b12ac839077e931237e0dcd43adcb154",
    TEST: "f53d8d457504f7cff4ea9e021afcf0e0ad8e24a91f3fc42091b8adef61157831",
    META: "f962466ef690d46b226450fb9aadc74ba4bc64a76aa526b5827fe4bc5c7125cb",
}

# What batches.meta says, for a folder that lacks it.
CLASSES = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]


def load(
    home: Path,
    batches: Sequence[int],
    limit: int | None,
    test_share: float,
    seed: int,
    log: Callable[[str], None],
) -> Source:
    """Read training batches and the test batch as images [N, 32, 32, 3], and the class names.

    Each file is taken from the folder `cifar-10-batches-py` in `home`, or else from `cifar-10-python.tar.gz`
    there, which stays packed and is downloaded if a training batch is in neither. Where the training batches
    lie there without the test batch, a share of the training images becomes the test images.
    Parameters are those of `autoencoders.sources.load`.

    Raises
    ------
    InputError
        If a file is missing, cannot be downloaded, or is not the official one.
    """
    training = [f"data_batch_{batch}" for batch in batches]
    contents = _contents(home, training, log)
    parts = [_images(contents[name], name) for name in training]
    train = Images(np.concatenate([part.images for part in parts]), np.concatenate([part.labels for part in parts]))
    train = train.first(limit)
    origin = f"CIFAR-10, {', '.join(training)}"
    if TEST in contents:
        test = _images(contents[TEST], TEST).first(limit)
        origin += f" and {TEST}"
    else:
        train, test = set_apart(train, test_share, np.random.default_rng(seed))
        log(f"{home / FOLDER} holds no {TEST}: {len(test)} training images are set apart for testing")
        origin += f", of which {len(test)} images are set apart for testing"
    classes = pickles.class_names(contents[META], META, "CIFAR-10 file", "label_names") if META in contents else CLASSES
    return Source(list(classes), train, test, origin)


def _contents(home: Path, training: Sequence[str], log: Callable[[str], None]) -> dict[str, bytes]:
    """Return the verified files: all training batches, and the test batch and the class names if there are any."""
    folder, tarball = home / FOLDER, home / TARBALL
    wanted = [*training, TEST, META]
    contents = {name: download.read(folder / name) for name in wanted if download.is_file(folder / name)}
    for name, content in contents.items():
        download.verify(content, SHA256[name], folder / name)
    missing = [name for name in training if name not in contents]
    if missing and not download.is_file(tarball):
        try:
            download.fetch(TARBALL, home, ADDRESSES, _is_genuine, log)
        except InputError as error:
            if len(missing) == len(training):
                raise
            raise InputError(f"{folder} holds no {missing[0]}, and {error}") from None
    absent = set(wanted) - contents.keys()
    # Unpacking takes seconds, too much for class names alone, which are known.
    if absent - {META} and download.is_file(tarball):
        contents |= _members(tarball, absent)
    return contents


def _is_genuine(tarball: Path) -> bool:
    return pooch.file_hash(tarball, alg="md5") == TARBALL_MD5


def _members(tarball: Path, names: Collection[str]) -> dict[str, bytes]:
    contents = {}
    try:
        with tarfile.open(tarball) as archive:
            for member in archive:
                name = Path(member.name).name
                if member.isfile() and name in names and (unpacked := archive.extractfile(member)) is not None:
                    contents[name] = unpacked.read()
                if len(contents) == len(names):
                    break
    except (tarfile.TarError, EOFError, OSError, zlib.error):
        raise InputError(f"{tarball} is damaged; delete it, and it will be downloaded again.") from None
    if missing := sorted(set(names) - contents.keys()):
        raise InputError(f"{tarball} holds no {missing[0]}; delete it, and it will be downloaded again.")
    return {name: download.verify(content, SHA256[name], f"{name} in {tarball}") for name, content in contents.items()}


def _images(content: bytes, name: str) -> Images:
    data, labels = pickles.labelled_images(content, name, "CIFAR-10 batch", "data", "labels", (3 * 32 * 32,))
    # A row holds 1,024 red values, then 1,024 green, then 1,024 blue, each row by row.
    images = data.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
    return Images(np.ascontiguousarray(images), labels)
