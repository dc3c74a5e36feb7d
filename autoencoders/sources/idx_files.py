"""MNIST's own format, IDX, whatever it holds: two zero bytes, the type of the values (8 for unsigned bytes), the number
of axes, the length of each axis as a big-endian 32-bit number, then the values. Published with MNIST at
http://yann.lecun.com/exdb/mnist/.
"""

import gzip
import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import numpy as np

from autoencoders.core.errors import InputError

UNSIGNED_BYTE = 8
GZIP = b"\x1f\x8b"

# No byte that gzip packed becomes more bytes than this.
MOST_PACKED = 1032


def header_size(ndim: int) -> int:
    """Return how many bytes come before the values of an array with so many axes."""
    return 4 + 4 * ndim


def shape(start: bytes, file: Path, ndim: int, remedy: str) -> tuple[int, ...]:
    """Return the lengths of the axes that an IDX file begins with.

    Parameters
    ----------
    start : bytes
        At least `header_size(ndim)` of the file, unpacked.
    file : Path
        Names the file in the sentence, and `remedy` ends it.

    Raises
    ------
    InputError
        If it is no IDX file of unsigned bytes with `ndim` axes.
    """
    size = header_size(ndim)
    if len(start) < size or start[:4] != bytes([0, 0, UNSIGNED_BYTE, ndim]):
        raise InputError(f"{file} is not an IDX file of bytes with {ndim} axes; {remedy}.")
    return tuple(int(length) for length in np.frombuffer(start[4:size], dtype=">u4"))


def check_claim(lengths: tuple[int, ...], file: Path, remedy: str) -> None:
    """Raise an InputError if a file is too short for axes of such lengths, packed or not."""
    if math.prod(lengths) > file.stat().st_size * MOST_PACKED:
        raise InputError(f"{file} does not have the length that its header gives; {remedy}.")


def parse(content: bytes, file: Path, ndim: int, remedy: str) -> np.ndarray:
    """Return the array of an unpacked IDX file, uint8; parameters and errors as of `shape`.

    Raises
    ------
    InputError
        If the content has another length, too.
    """
    lengths = shape(content, file, ndim, remedy)
    if len(content) - header_size(ndim) != math.prod(lengths):
        raise InputError(f"{file} does not have the length that its header gives; {remedy}.")
    return np.frombuffer(content, dtype=np.uint8, offset=header_size(ndim)).reshape(lengths)


@contextmanager
def unpacked(file: Path) -> Iterator[IO[bytes]]:
    """Open a file, which may be packed with gzip, whatever its name is."""
    with file.open("rb") as content:
        # By its first two bytes and not by its name: browsers and servers unpack files and leave them the name.
        packed = content.read(2) == GZIP
        content.seek(0)
        if packed:
            with gzip.open(content) as inside:
                yield inside  # type: ignore[misc]
        else:
            yield content
