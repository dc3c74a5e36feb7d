"""What the parameters alone say of sizes: how many images there are, and how wide a code is.

What official files and a user's own images hold shows only in these. The functions then return the most there can be,
or None, so that a check by them refuses nothing that would work.
"""

from typing import Any, NamedTuple

from stages.shared.settings.codes import ScalingSettings
from stages.shared.settings.datasets import DatasetSettings, PhotosSettings
from stages.shared.settings.fields import MOST

# Images of the bundled digits; classes of the bundled photographs; training and test images of the official files.
DIGITS, PHOTOGRAPHS = 1797, 10
MNIST, CIFAR10_BATCH, OFFICIAL_TEST = 60_000, 10_000, 10_000
# Patches of one image that a representation learns from, as `autoencoders.representations.patches` has it.
PATCHES_PER_IMAGE = 10


class Counts(NamedTuple):
    """Numbers of images."""

    train: int
    validation: int
    test: int


def counts(dataset: DatasetSettings) -> Counts:
    """Return the numbers of images of a data set: those there are of a bundled source, the most of another."""
    if dataset.own:
        most = dataset.limit or MOST
        return Counts(most, most, most)
    limit = float("inf") if dataset.limit is None else dataset.limit
    if not dataset.source.startswith("bundled"):
        most = CIFAR10_BATCH * len(dataset.batches) if isinstance(dataset, PhotosSettings) else MNIST
        training = min(limit, most)
        # Without a file of test images, a share of the training images becomes these.
        test = max(min(limit, OFFICIAL_TEST), round(training * dataset.test_share))
    elif isinstance(dataset, PhotosSettings):
        apart = round(dataset.crops * dataset.test_share)
        training, test = (min(PHOTOGRAPHS * of_each, limit) for of_each in (dataset.crops - apart, apart))
    else:
        total = min(DIGITS, limit)
        test = round(total * dataset.test_share)
        training = total - test
    validation = min(max(round(training * dataset.validation_share), 1), max(training - 1, 0))
    return Counts(int(training - validation), int(validation), int(test))


def fitted(counts: Counts, block: Any, protocol: str = "held-out") -> int:
    """Return to how many images a network or another representation is fitted, and what follows from it."""
    if protocol == "together":
        return sum(counts)
    return counts.train + (0 if getattr(block, "validation", False) else counts.validation)


def code_shape(block: Any, dataset: DatasetSettings, n_fitted: int) -> tuple[int, ...] | None:
    """Return the shape of a code of an autoencoder or a representation that is fitted to so many images.

    It may be narrower than this where the images have fewer principal components or different patches. None where it
    depends on the size of the images, and the parameters do not show this.
    """
    most = PATCHES_PER_IMAGE * n_fitted
    match block.kind:
        case "patches":
            return (sum(window.grid**2 for window in block.windows) * min(block.n_clusters, most),)
        case "patch_autoencoder":
            return (sum(window.grid**2 for window in block.windows) * block.units,)
        case "dense" | "strided":
            return (block.units[-1],)
    if dataset.image_size is None:
        return None
    height, width = dataset.image_size
    if block.kind == "convolutional":
        halved = 2 ** len(block.filters)
        return height // halved, width // halved, block.filters[-1]
    pixels = height * width * (1 if block.colour == "grey" else dataset.channels)
    return (min(block.n_components, pixels, n_fitted) if block.kind == "pca" else pixels,)


def scaled_width(shape: tuple[int, ...], scaling: ScalingSettings, n_fitted: int) -> int:
    """Return how many numbers are left of a code of this shape that is scaled."""
    if len(shape) == 3 and scaling.pooling is not None and scaling.pooling < min(shape[:2]):
        shape = (scaling.pooling, scaling.pooling, shape[2])
    width = 1
    for size in shape:
        width *= size
    if scaling.scaling == "whiten":
        # The last of n components of n vectors has no variance.
        return min(width, n_fitted - 1, scaling.pca or width)
    return min(width, n_fitted, scaling.pca) if scaling.pca else width
