"""A data set as its source gives it: blocks of images of one size, with what is known of each.

A source says nothing of training and test images where its files do not: `split` is then empty, and whoever takes the
images decides by them.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

SPLITS = ("train", "validation", "test")


class Skipped(NamedTuple):
    """A file that could not be read.

    Attributes
    ----------
    file : str
        Relative to the data set's folder, with "/" between folders.
    reason : str
        A few words, without the file's name.
    """

    file: str
    reason: str


class Block(NamedTuple):
    """Some images, in the order of the source.

    Attributes
    ----------
    images : ndarray of shape (n, height, width, channels), uint8
        In 0 to 255; one channel (grey) or three (red, green, blue). The shape but for `n` is that of all blocks.
    columns : dict of list
        Of each image, by name: perhaps `image`, its number in the source, from 0; `split`, one of `SPLITS` or "" where
        the source does not say; where there are labels, `label`, the row in the stream's `classes`; of pictures `file`,
        as in `Skipped`, and `width`, `height` and `mode` (Pillow's name of the pixels' form) as they are stored; and a
        table's other columns, as text. The same columns in all blocks.
    skipped : list of Skipped
        Files that were met between these images and could not be read.
    """

    images: np.ndarray
    columns: dict[str, list]
    skipped: list[Skipped]


@dataclass(frozen=True, eq=False)
class Stream:
    """A data set that is read while its blocks are taken, once.

    Attributes
    ----------
    classes : list of str
        By label; empty where there are no labels.
    origin : str
        A phrase for where the images are from.
    total : int
        How many images there are at most; files that cannot be read are counted too.
    blocks : iterator of Block
        Of at least one image each, but for one that has nothing but `skipped`.
    left_out : dict of int
        How many files were passed by without an attempt to read them, by reason ("hidden or system files", "links
        that lead out of the folder").
    """

    classes: list[str]
    origin: str
    total: int
    blocks: Iterator[Block]
    left_out: dict[str, int] = field(default_factory=dict)


def of_arrays(
    classes: list[str], origin: str, parts: dict[str, tuple[np.ndarray, np.ndarray]], size: int = 1000
) -> Stream:
    """Return as a stream what a source has in memory.

    Parameters
    ----------
    classes, origin
        See `Stream`.
    parts : dict of pairs of ndarray
        For each split images uint8 [n, height, width, channels] and their labels, integers [n].
    size : int
        Images of a block.
    """

    def blocks() -> Iterator[Block]:
        for split, (images, labels) in parts.items():
            for start in range(0, len(images), size):
                rows = slice(start, start + size)
                numbers = list(range(len(images))[rows])
                columns: dict[str, list[Any]] = {"image": numbers, "split": [split] * len(numbers)}
                yield Block(images[rows], columns | {"label": labels[rows].tolist()}, [])

    return Stream(classes, origin, sum(len(images) for images, _ in parts.values()), blocks())
