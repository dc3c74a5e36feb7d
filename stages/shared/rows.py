"""Arrays on disk, read row by row: of what was read, nothing stays in memory that the reader does not keep."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np


class Rows:
    """The rows of one `.npy` file, or of several one after the other, as an array to slice and index.

    Not memory-mapped: the pages of a mapped file count as the process's own memory for as long as it is mapped, so
    that a pass over the file would take as much memory as the file is large.

    Parameters
    ----------
    paths : sequence of Path
        Files of arrays that differ in their number of rows at most.

    Raises
    ------
    OSError, ValueError
        If a file is missing, is no array in C order, holds objects, or does not fit the first one.
    """

    def __init__(self, paths: Sequence[Path]):
        self._parts = [(path, *_header(path)) for path in paths]
        _, _, shape, self.dtype = self._parts[0]
        if any(part[2][1:] != shape[1:] or part[3] != self.dtype for part in self._parts):
            raise ValueError("the arrays do not fit together")
        self._starts = np.cumsum([0, *(part[2][0] for part in self._parts)])
        self.shape = (int(self._starts[-1]), *shape[1:])
        self._row_bytes = int(np.prod(shape[1:], dtype=np.int64)) * self.dtype.itemsize

    @property
    def ndim(self) -> int:
        """Number of dimensions."""
        return len(self.shape)

    @property
    def nbytes(self) -> int:
        """How much memory the whole array would take."""
        return self.shape[0] * self._row_bytes

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: slice | int | np.ndarray) -> np.ndarray:
        """Read the rows that a slice, a number or an array of numbers names, as an array of its own."""
        if isinstance(rows, (int, np.integer)):
            return self[np.array([rows])][0]
        if isinstance(rows, slice) and rows.step in (None, 1):
            start, stop, _ = rows.indices(len(self))
            return self._between(start, max(start, stop))
        wanted = np.arange(len(self))[rows]
        order = np.argsort(wanted, kind="stable")
        found = np.empty((len(wanted), *self.shape[1:]), self.dtype)
        # Neighbours on disk are read at once.
        for run in np.split(order, np.flatnonzero(np.diff(wanted[order]) != 1) + 1):
            if len(run):
                found[run] = self._between(wanted[run[0]], wanted[run[-1]] + 1)
        return found

    def __array__(self, dtype=None, copy=None) -> np.ndarray:
        """Read everything."""
        return self[:] if dtype is None else self[:].astype(dtype)

    def _between(self, start: int, stop: int) -> np.ndarray:
        read = np.empty((stop - start, *self.shape[1:]), self.dtype)
        done = 0
        for (path, offset, _, _), first, end in zip(self._parts, self._starts, self._starts[1:], strict=False):
            low, high = max(start, first), min(stop, end)
            if low < high:
                with path.open("rb") as file:
                    file.seek(offset + (low - first) * self._row_bytes)
                    target = read[done : done + high - low]
                    if file.readinto(target.reshape(-1).view(np.uint8)) != target.nbytes:
                        raise ValueError(f"{path} is shorter than its header says")
                done += high - low
        return read


def _header(path: Path) -> tuple[int, tuple[int, ...], np.dtype]:
    """Return where a `.npy` file's values start, their shape and their type."""
    with path.open("rb") as file:
        version = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, fortran, dtype = read(file)
        if (fortran and len(shape) > 1) or dtype.hasobject or not shape:
            raise ValueError(f"{path} holds no array in rows")
        if path.stat().st_size != file.tell() + int(np.prod(shape, dtype=np.int64)) * dtype.itemsize:
            raise ValueError(f"{path} is not as long as its header says")
        return file.tell(), shape, dtype
