"""Images that installed packages bring along: crops of ten photographs, and scikit-learn's handwritten digits.

Everything is read from the packages' own files. scikit-image's `skimage.data` functions are passed by, because
they download whatever a release no longer ships.
"""

from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import numpy as np

from autoencoders.core.errors import InputError
from autoencoders.sources.images import Images, Source, held_out_count, set_apart

CROP = 32
MNIST_DIGIT, MNIST_IMAGE = 20, 28
DIGIT_MAXIMUM = 16


class Region(NamedTuple):
    """A rectangle of a photograph in its pixels; bottom and right are exclusive."""

    top: int
    left: int
    bottom: int
    right: int


class Photograph(NamedTuple):
    """A photograph and what is cut from it.

    `shrink` source pixels a side become one pixel of a crop. Training and test crops come from two regions
    that share no pixel. Both hold parts of the subject, so that a test crop can be recognised, and leave out
    wide empty backgrounds.
    """

    name: str
    package: str
    file: str
    shrink: int
    train: Region
    test: Region


PHOTOGRAPHS = (
    Photograph("astronaut", "skimage", "data/astronaut.png", 3, Region(0, 0, 330, 512), Region(330, 0, 512, 330)),
    Photograph("cat", "skimage", "data/chelsea.png", 3, Region(0, 20, 300, 235), Region(0, 235, 300, 405)),
    Photograph("coffee", "skimage", "data/coffee.png", 4, Region(0, 60, 400, 330), Region(0, 330, 400, 510)),
    Photograph(
        "galaxies", "skimage", "data/hubble_deep_field.jpg", 2, Region(0, 0, 872, 620), Region(0, 620, 872, 1000)
    ),
    Photograph("tissue", "skimage", "data/ihc.png", 3, Region(0, 0, 512, 310), Region(0, 310, 512, 512)),
    Photograph(
        "motorcycle", "skimage", "data/motorcycle_left.png", 4, Region(60, 90, 470, 460), Region(180, 460, 470, 700)
    ),
    Photograph("retina", "skimage", "data/retina.jpg", 8, Region(320, 150, 800, 1230), Region(800, 270, 1240, 1140)),
    Photograph("rocket", "skimage", "data/rocket.jpg", 4, Region(60, 0, 427, 372), Region(120, 372, 427, 640)),
    Photograph(
        "temple", "sklearn", "datasets/images/china.jpg", 3, Region(20, 180, 427, 400), Region(20, 40, 427, 180)
    ),
    Photograph(
        "flower", "sklearn", "datasets/images/flower.jpg", 3, Region(60, 130, 427, 310), Region(60, 310, 427, 470)
    ),
)


def photos(crops: int, test_share: float, seed: int, limit: int | None = None) -> Source:
    """Cut crops [N, 32, 32, 3] from the ten photographs; the class is the photograph.

    Parameters
    ----------
    crops : int
        Crops from each photograph; `round(crops * test_share)` of them are for testing.
    test_share : float in (0, 1)
        Share of the crops that is for testing. No pixel of a photograph is in both a training and a test crop;
        crops of the same split overlap.
    seed : int
        Decides the crops' positions, which of them are mirrored left to right, and the order, in which the
        classes are mixed.
    limit : int, optional
        At most this many training and this many test crops.

    Raises
    ------
    InputError
        If a photograph is missing, there is no room for so many different crops, or a split would be empty.
    """
    n_test = held_out_count(crops, test_share, "crops")
    rng = np.random.default_rng(seed)
    train, test = [], []
    for photograph in PHOTOGRAPHS:
        image = read(photograph)
        train.append(_cut(image, photograph, photograph.train, crops - n_test, rng))
        test.append(_cut(image, photograph, photograph.test, n_test, rng))
    return Source(
        classes=[photograph.name for photograph in PHOTOGRAPHS],
        train=_mixed(train, rng).first(limit),
        test=_mixed(test, rng).first(limit),
        origin="crops of ten photographs that scikit-image and scikit-learn ship",
    )


def read(photograph: Photograph) -> np.ndarray:
    """Return a photograph as uint8 [height, width, 3].

    Raises
    ------
    InputError
        If the installed package does not hold it, or holds one that is smaller than its regions.
    """
    from skimage.io import imread

    # find_spec does not import the package: all of scikit-learn takes a second.
    spec = find_spec(photograph.package)
    file = Path(spec.origin).parent / photograph.file if spec and spec.origin else Path(photograph.file)
    if not file.is_file():
        raise InputError(_unusable(photograph, "is not there"))
    image = imread(file)
    height, width, channels = image.shape if image.ndim == 3 else (0, 0, 0)
    regions = (photograph.train, photograph.test)
    if channels != 3 or any(region.bottom > height or region.right > width for region in regions):
        raise InputError(_unusable(photograph, "is not the one that the crops were planned for"))
    return image


def _unusable(photograph: Photograph, what: str) -> str:
    return (
        f"The photograph {photograph.file} of the package {photograph.package} {what}; "
        "reinstall the versions in requirements.lock."
    )


def positions(photograph: Photograph, region: Region, count: int, rng: np.random.Generator) -> np.ndarray:
    """Return up to `count` different places, int64 [count, 2]: top and left of windows that lie inside the region."""
    side = CROP * photograph.shrink
    rows, columns = region.bottom - region.top - side + 1, region.right - region.left - side + 1
    chosen = rng.choice(rows * columns, size=min(count, rows * columns), replace=False)
    return np.stack([region.top + chosen // columns, region.left + chosen % columns], axis=1)


def _cut(image: np.ndarray, photograph: Photograph, region: Region, count: int, rng: np.random.Generator) -> np.ndarray:
    # Of twice as many places the half with more detail is kept: it leaves out bare sky and blurred background.
    places = positions(photograph, region, 2 * count, rng)
    if len(places) < count:
        raise InputError(
            f"crops asks for {count} crops from one part of the photograph {photograph.name}, "
            f"which has room for {len(places)}; lower crops."
        )
    crops = np.stack([_shrunk(image, photograph.shrink, top, left) for top, left in places])
    detailed = np.argsort([-_detail(crop) for crop in crops], kind="stable")[:count]
    crops = crops[np.sort(detailed)]
    # Most regions are one half of a subject that is nearly symmetric: mirrored, it shows what the other half does.
    mirrored = rng.random(count) < 0.5
    crops[mirrored] = crops[mirrored, :, ::-1]
    return crops


def _shrunk(image: np.ndarray, shrink: int, top: int, left: int) -> np.ndarray:
    side = CROP * shrink
    blocks = image[top : top + side, left : left + side].reshape(CROP, shrink, CROP, shrink, 3)
    # The mean over both axes at once takes four times as long.
    means = blocks.sum(axis=1, dtype=np.float32).sum(axis=2) / shrink**2
    return means.round().astype(np.uint8)


def _detail(crop: np.ndarray) -> int:
    """The pixels' variance, in whole numbers so that every processor ranks the crops alike."""
    pixels = crop.reshape(-1, 3).astype(np.int64)
    return int((len(pixels) * (pixels**2).sum(axis=0) - pixels.sum(axis=0) ** 2).sum())


def _mixed(by_class: list[np.ndarray], rng: np.random.Generator) -> Images:
    labels = np.repeat(np.arange(len(by_class), dtype=np.int64), [len(crops) for crops in by_class])
    return Images(np.concatenate(by_class), labels).take(rng.permutation(len(labels)))


def digits(test_share: float, seed: int, limit: int | None = None) -> Source:
    """Read scikit-learn's 1,797 handwritten digits (8x8, values 0..16) as images [N, 28, 28, 1], values 0..255.

    As in MNIST, a digit fills a square of 20x20 pixels in the middle. The digits are the test part of UCI's
    "Optical Recognition of Handwritten Digits", https://doi.org/10.24432/C50P49.

    Parameters
    ----------
    test_share : float in (0, 1)
        Share of every digit's images that is set apart for testing.
    seed : int
        Decides which images are for testing, and the order.
    limit : int, optional
        Use only this many of the images.

    Raises
    ------
    InputError
        If a split would be empty.
    """
    from sklearn.datasets import load_digits

    bunch = load_digits()
    images = Images(_enlarged(bunch.images[:limit]), bunch.target[:limit].astype(np.int64))
    rng = np.random.default_rng(seed)
    train, test = set_apart(images, test_share, rng)
    return Source(
        classes=[str(digit) for digit in range(10)],
        train=train.take(rng.permutation(len(train))),
        test=test.take(rng.permutation(len(test))),
        origin="the handwritten digits that scikit-learn ships, enlarged",
    )


def _enlarged(images: np.ndarray) -> np.ndarray:
    from scipy import ndimage

    images = images.astype(np.float32) * (255 / DIGIT_MAXIMUM)
    factor = MNIST_DIGIT / images.shape[1]
    # grid_mode takes pixels as areas; without it the strokes drift by half a source pixel.
    large = ndimage.zoom(images, (1, factor, factor), order=3, mode="grid-constant", grid_mode=True)
    margin = (MNIST_IMAGE - MNIST_DIGIT) // 2
    # The cubic interpolation overshoots at both ends of the range.
    whole = np.clip(large, 0, 255).round().astype(np.uint8)
    return np.pad(whole, ((0, 0), (margin, margin), (margin, margin)))[..., np.newaxis]
