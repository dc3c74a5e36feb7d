"""Images that lie one after another in files of numbers, as blocks of one form."""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import IO, NamedTuple, Protocol

import numpy as np

from autoencoders.core.errors import ArgumentError, InputError
from autoencoders.core.sampling import sample
from autoencoders.images.forms import Form, coloured
from autoencoders.images.pictures import fitted
from autoencoders.sources.names import check_limit, shown
from autoencoders.sources.streams import Block

# A block has at most so many images, and its images as stored about so many bytes.
BLOCK, BLOCK_BYTES = 256, 2**24

# More bytes than this are not asked of a file at once: what it says of its length may be wrong.
CHUNK = 2**20


class Rows(Protocol):
    """Images as stored, read in ascending order."""

    def read(self, start: int, stop: int) -> np.ndarray: ...


class Mapped:
    """The rows of an array in a .npy file, which is mapped into memory for each block.

    A file that stays mapped is counted to the process as far as it was read.
    """

    def __init__(self, file: Path):
        self.file = file

    def read(self, start: int, stop: int) -> np.ndarray:
        return np.array(np.load(self.file, mmap_mode="r", allow_pickle=False)[start:stop])


class Sequential:
    """The rows of an array whose bytes come from a file that can only be read onwards.

    Parameters
    ----------
    file : binary file
        At the first byte of the first row.
    dtype : numpy.dtype
    shape : tuple of int
        Of one row.
    """

    def __init__(self, file: IO[bytes], dtype: np.dtype, shape: tuple[int, ...]):
        self.file, self.dtype, self.shape, self.at = file, dtype, shape, 0
        self.size = math.prod(shape) * dtype.itemsize

    def read(self, start: int, stop: int) -> np.ndarray:
        for _ in pieces(self.file, (start - self.at) * self.size):
            pass
        content = b"".join(pieces(self.file, (stop - start) * self.size))
        self.at = stop
        return np.frombuffer(content, self.dtype).reshape(stop - start, *self.shape)


def pieces(file: IO[bytes], size: int) -> Iterator[bytes]:
    """Yield the next `size` bytes of a file, in pieces.

    Raises
    ------
    EOFError
        If it ends before.
    """
    while size > 0:
        piece = file.read(min(size, CHUNK))
        if not piece:
            raise EOFError
        size -= len(piece)
        yield piece


class Part(NamedTuple):
    """Images of one split.

    Attributes
    ----------
    name : str
        Of the file or array, for sentences.
    split : str
        One of `SPLITS`, or "" where the file does not say.
    shape : tuple of int
        Number, height, width and, where there is a last axis, channels: 1, 3 or 4, the fourth of which is opacity.
    opened : callable
        Gives the images as stored, in a `with` statement.
    to_bytes : callable
        Returns images as stored as uint8 of the same shape, given them and their numbers.
    labels : sequence of int, optional
    """

    name: str
    split: str
    shape: tuple[int, ...]
    opened: Callable[[], AbstractContextManager[Rows]]
    to_bytes: Callable[[np.ndarray, np.ndarray], np.ndarray]
    labels: Sequence[int] | None


def checked(name: str, shape: tuple[int, ...], form: Form) -> tuple[int, ...]:
    """Return the shape of an array of images.

    Raises
    ------
    InputError
        If no images have that shape, or they have more pixels than the form allows.
    """
    if len(shape) not in (3, 4) or (len(shape) == 4 and shape[3] not in (1, 3, 4)):
        raise InputError(
            f"{shown(name)} has the axes {list(shape)}; give it [N, height, width] or [N, height, width, channels], "
            "with 1, 3 or 4 channels."
        )
    if 0 in shape:
        raise InputError(f"{shown(name)} has the axes {list(shape)}, and so no images; replace it.")
    if shape[1] * shape[2] > form.max_pixels:
        raise InputError(
            f"{shown(name)} has images of {shape[2]}x{shape[1]} pixels, more than max_pixels allows "
            f"({form.max_pixels}); raise max_pixels."
        )
    return shape


def count(parts: Sequence[Part], limit: int | None) -> int:
    """Return how many images of the parts are taken."""
    check_limit(limit)
    total = sum(part.shape[0] for part in parts)
    return min(total, limit or total)


def blocks(parts: Sequence[Part], form: Form, limit: int | None, seed: int) -> Iterator[Block]:
    """Yield the images of the parts one after another, or of `limit` of them, drawn by `seed`, in their order.

    Raises
    ------
    InputError
        If images of parts differ in size and the form names none. What `to_bytes` and the rows raise passes.
    """
    sizes = {part.shape[1:3]: part for part in parts}
    if form.size is None and len(sizes) > 1:
        (first, second), names = list(sizes)[:2], [shown(part.name) for part in sizes.values()]
        raise ArgumentError(
            f"size is not given, and the images differ: {names[0]} has {first[1]}x{first[0]} and {names[1]} "
            f"{second[1]}x{second[0]}; give a size, [height, width]."
        )
    total = sum(part.shape[0] for part in parts)
    return _blocks(parts, form, None if limit is None or limit >= total else sample(total, limit, seed))


def _blocks(parts: Sequence[Part], form: Form, taken: np.ndarray | None) -> Iterator[Block]:
    begin = 0
    for part in parts:
        n = part.shape[0]
        rows = None if taken is None else taken[(taken >= begin) & (taken < begin + n)] - begin
        begin += n
        # As stored, a value has eight bytes at most.
        size = max(1, min(BLOCK, BLOCK_BYTES // (8 * math.prod(part.shape[1:]))))
        with part.opened() as stored:
            for start in range(0, n, size):
                stop = min(start + size, n)
                wanted = np.arange(start, stop) if rows is None else rows[(rows >= start) & (rows < stop)]
                if not len(wanted):
                    continue
                images = part.to_bytes(stored.read(start, stop)[wanted - start], wanted)
                columns: dict[str, list] = {"image": [int(row) for row in wanted]}
                columns["split"] = [part.split] * len(wanted)
                if part.labels is not None:
                    columns["label"] = [part.labels[row] for row in wanted.tolist()]
                yield Block(formed(images, form), columns, [])


def formed(images: np.ndarray, form: Form) -> np.ndarray:
    """Return images uint8 [n, height, width] or [n, height, width, channels] in a form, [n, height, width, 1 or 3]."""
    if images.ndim == 3:
        images = images[..., np.newaxis]
    if images.shape[-1] != 4 and form.size in (None, images.shape[1:3]):
        return np.ascontiguousarray(coloured(images, form.colour))
    return np.stack([fitted(image, form) for image in images])
