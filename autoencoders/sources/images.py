"""Labelled images, and the setting apart of some of them for testing."""

from dataclasses import dataclass

import numpy as np

from autoencoders.core.errors import InputError


@dataclass(frozen=True, eq=False)
class Images:
    """Images uint8 [N, height, width, channels], values 0..255, and their labels int64 [N], values 0..9."""

    images: np.ndarray
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, which: np.ndarray | slice) -> "Images":
        """Return the images that an index array, a mask or a slice selects."""
        return Images(self.images[which], self.labels[which])

    def first(self, limit: int | None) -> "Images":
        """Return the first `limit` images, or all of them for None."""
        return self.take(slice(limit))


@dataclass(frozen=True, eq=False)
class Source:
    """A data set as read: class names by label, training and test images, and a phrase for where they are from."""

    classes: list[str]
    train: Images
    test: Images
    origin: str


def set_apart(images: Images, test_share: float, rng: np.random.Generator) -> tuple[Images, Images]:
    """Split into training and test images, with the same share of every class, each part in the given order.

    Raises
    ------
    InputError
        If either part would be empty.
    """
    total = len(images)
    count = held_out_count(total, test_share, "images")
    shuffled = rng.permutation(total)
    by_class = shuffled[np.argsort(images.labels[shuffled], kind="stable")]
    # Evenly spaced picks from a list sorted by class take the same share of every class, to within one image,
    # and the exact total; rounding class by class would miss the total.
    is_test = np.zeros(total, dtype=bool)
    is_test[by_class[(2 * np.arange(count) + 1) * total // (2 * count)]] = True
    return images.take(~is_test), images.take(is_test)


def held_out_count(total: int, test_share: float, things: str) -> int:
    """Return how many of `total` things are for testing.

    Raises
    ------
    InputError
        If that leaves none for testing or none for training.
    """
    count = round(total * test_share)
    if not 0 < count < total:
        part = "training" if count else "testing"
        raise InputError(
            f"test_share is {test_share}, which leaves none of {total} {things} for {part}; change it, or allow more."
        )
    return count
