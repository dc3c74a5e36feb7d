"""Which images are for training, for validation and for testing, decided by the images themselves."""

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np


class Splits(NamedTuple):
    """The split of each image, and which images equal others.

    Attributes
    ----------
    names : ndarray of shape (n,), str
        "train", "validation" or "test"; "" for an image that is left out, since an equal one stands in another split.
    equal : ndarray of shape (n,), bool
        Images of which there are others with the same pixels.
    """

    names: np.ndarray
    equal: np.ndarray


def digests(images: np.ndarray) -> list[str]:
    """Return the SHA-256 of the pixels of images, uint8 [n, height, width, channels], in hexadecimal."""
    return [hashlib.sha256(np.ascontiguousarray(image).data).hexdigest() for image in images]


def by_pixels(
    given: Sequence[str], pixels: Sequence[str], test_share: float, validation_share: float, seed: int
) -> Splits:
    """Decide on the splits of images, each by its own pixels and the seed alone.

    An image's place between 0 and 1 is a hash of the seed and its pixels. Images below `test_share` are for testing,
    and of the others those in the lowest `validation_share` for validation. So an image stays where it is when others
    come or go, and equal images stand in the same split. The shares of a small set are met as far as chance goes.

    Parameters
    ----------
    given : sequence of str
        The split that the source names, or "". A share applies to images that are given nothing or "train", and only
        where no image is given the split which it is the share of.
    pixels : sequence of str
        What `digests` returns.
    test_share, validation_share : float in (0, 1)
        Of all images, and of those that are not for testing.
    seed : int

    Returns
    -------
    Splits
        Of equal images that the source gives different splits, those for testing are kept before those for validation,
        and these before those for training, so that no score is of an image that was learnt from.
    """
    named = set(given)
    tests = 0.0 if "test" in named else test_share
    validates = 0.0 if "validation" in named else validation_share
    names = np.empty(len(given), dtype="<U10")
    for row, (split, digest) in enumerate(zip(given, pixels, strict=True)):
        names[row] = split if split in ("test", "validation") else _drawn(digest, tests, validates, seed)
    groups = defaultdict(list)
    for row, digest in enumerate(pixels):
        groups[digest].append(row)
    equal = np.zeros(len(given), bool)
    for rows in groups.values():
        if len(rows) > 1:
            equal[rows] = True
            kept = next(split for split in ("test", "validation", "train") if split in names[rows])
            names[rows] = np.where(names[rows] == kept, kept, "")
    return Splits(names, equal)


def _drawn(digest: str, tests: float, validates: float, seed: int) -> str:
    place = int.from_bytes(hashlib.sha256(f"{seed}:{digest}".encode()).digest()[:8], "big") / 2**64
    if place < tests:
        return "test"
    return "validation" if place < tests + (1 - tests) * validates else "train"
