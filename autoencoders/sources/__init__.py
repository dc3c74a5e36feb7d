"""Where labelled images come from: photographs and digits that installed packages ship, CIFAR-10, and MNIST.

`load` is the way in. The module of a source is imported when that source is asked for, so that reading one
does not pay for the imports of another.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

from autoencoders.core.errors import InputError
from autoencoders.sources.images import Images, Source

__all__ = ["SOURCES", "Images", "Source", "load"]

SOURCES = {"photos": ("bundled", "cifar10"), "digits": ("bundled", "mnist")}


def load(
    dataset: str,
    source: str,
    *,
    home: Path,
    limit: int | None = None,
    batches: Sequence[int] = (1,),
    crops: int = 400,
    test_share: float = 0.2,
    seed: int = 0,
    log: Callable[[str], None] = print,
) -> Source:
    """Read a data set's training and test images.

    Parameters
    ----------
    dataset : {"photos", "digits"}
        `photos` gives images [N, 32, 32, 3] of ten classes, `digits` images [N, 28, 28, 1] of the ten digits.
    source : str
        For photos "bundled" (crops of ten photographs) or "cifar10"; for digits "bundled" (scikit-learn's
        handwritten digits) or "mnist". Bundled sources need no network.
    home : Path
        Folder of the official files. What is missing there is downloaded into it; bundled sources ignore it.
    limit : int, optional
        At most this many training images and at most this many test images: the first ones, in the order of
        the files (of the shuffled crops, for bundled photos). It applies before a share is set apart for testing.
    batches : sequence of int in 1..5
        Which of CIFAR-10's training batches to read, in this order.
    crops : int
        Crops from each bundled photograph, training and test together.
    test_share : float in (0, 1)
        Share that becomes test images where the source has none of its own.
    seed : int
        Decides which crops or images are taken for testing, and the order of the bundled ones.
    log : callable
        Called with a line of text for each download and each decision taken for the reader.

    Raises
    ------
    InputError
        If the data set or source is unknown, a file is missing and cannot be downloaded, a file is not the
        official one, or the numbers leave no image to train on or to test on.
    """
    match dataset, source:
        case "photos", "bundled":
            from autoencoders.sources import bundled

            return bundled.photos(crops, test_share, seed, limit)
        case "photos", "cifar10":
            from autoencoders.sources import cifar10

            return cifar10.load(home, batches, limit, test_share, seed, log)
        case "digits", "bundled":
            from autoencoders.sources import bundled

            return bundled.digits(test_share, seed, limit)
        case "digits", "mnist":
            from autoencoders.sources import mnist

            return mnist.load(home, limit, test_share, seed, log)
    if dataset not in SOURCES:
        raise InputError(f"There is no data set '{dataset}'; use {' or '.join(SOURCES)}.")
    raise InputError(f"The data set {dataset} has no source '{source}'; use {' or '.join(SOURCES[dataset])}.")
