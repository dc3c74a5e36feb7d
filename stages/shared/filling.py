"""Arrays that are written block by block, each block at its place by who computes it."""

import math
import secrets
from collections.abc import Callable
from pathlib import Path

import numpy as np

from autoencoders.core.rows import Watch, over_blocks, unwatched
from stages.shared.files import PARTIAL, write_header


def fill(
    path: Path,
    shape: tuple[int, ...],
    dtype: np.dtype | type,
    function: Callable[[slice], np.ndarray],
    watch: Watch = unwatched,
    what: str = "",
) -> None:
    """Write the `.npy` file of an array [n, …], whose rows `function` gives by their slice: each block by who makes it.

    The file has its name when it is whole. `watch` is told `what`; see `autoencoders.core.rows.over_blocks`.

    Raises
    ------
    ValueError
        If a block is of another shape.
    """
    # No two runs write to one name: a task of a run that was ended may still be at work elsewhere.
    partial = path.with_name(f"{PARTIAL}{secrets.token_hex(8)}-{path.name}").absolute()
    with partial.open("wb") as file:
        write_header(file, dtype, shape)
        offset = file.tell()
        file.truncate(offset + math.prod(shape) * np.dtype(dtype).itemsize)
    for _ in over_blocks(_Filled(partial, offset, shape, np.dtype(dtype), function), shape[0], None, watch, what):
        pass
    partial.rename(path)


class _Filled:
    """Writes a block of rows at its place; an object, since what is pickled must be known by a name."""

    def __init__(
        self,
        path: Path,
        offset: int,
        shape: tuple[int, ...],
        dtype: np.dtype,
        function: Callable[[slice], np.ndarray],
    ):
        self.path, self.offset, self.shape, self.dtype, self.function = path, offset, shape, dtype, function

    def __call__(self, rows: slice) -> None:
        block, wanted = self.function(rows), (rows.stop - rows.start, *self.shape[1:])
        if block.shape != wanted:
            raise ValueError(f"a block of rows of the shape {block.shape} instead of {wanted}")
        # Not by `ndarray.tofile`, whose error on a full disk does not say so.
        with self.path.open("r+b") as file:
            file.seek(self.offset + rows.start * self.dtype.itemsize * math.prod(self.shape[1:]))
            file.write(np.ascontiguousarray(block, self.dtype).reshape(-1).view(np.uint8).data)
