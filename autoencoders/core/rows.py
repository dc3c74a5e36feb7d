"""Rows of arrays that may be larger than memory, and the blocks in which they are read."""

from collections.abc import Callable, Iterable, Iterator

import numpy as np

BLOCK_SIZE = 1000


# Of rows that are shuffled while they are read: see `row_batches`.
RUN = 1000


RUNS_AT_A_TIME = 16


# Shows how far a loop is: takes slices, the rows in all of them and what is done to these; yields the slices.
Watch = Callable[[Iterable[slice], int, str], Iterable[slice]]


def blocks(n: int, size: int | None = None) -> Iterator[slice]:
    """Yield the slices that cut 0 to n into runs of `size`, by default BLOCK_SIZE, the last of them shorter."""
    size = size or BLOCK_SIZE
    for start in range(0, n, size):
        yield slice(start, min(start + size, n))


def unwatched(slices: Iterable[slice], n: int, what: str) -> Iterable[slice]:
    """Watch nothing: return `slices`."""
    return slices


class Rows:
    """Arrays one after another, read and transformed where their rows are asked for, and never held as a whole.

    What is asked for, by a slice without a step or by integers, comes as an ndarray; `numpy.asarray` gives all of it.

    Parameters
    ----------
    *parts : sequence of array
        At least one; of one dtype, and of one shape but for the first axis. Anything that has `shape`, `dtype`
        and rows, by slice and by integers.

    Attributes
    ----------
    shape : tuple of int
    dtype : numpy.dtype
    """

    def __init__(self, *parts: np.ndarray):
        self._parts = parts
        self._ends = np.cumsum([part.shape[0] for part in parts])
        self._functions: tuple[Callable[[np.ndarray], np.ndarray], ...] = ()
        self.shape, self.dtype = (int(self._ends[-1]), *parts[0].shape[1:]), parts[0].dtype

    def map(self, function: Callable[[np.ndarray], np.ndarray]) -> "Rows":
        """Return the same rows as `function` makes them of a block; what it makes of a row must be that row's alone."""
        mapped = Rows(*self._parts)
        mapped._functions = (*self._functions, function)
        example = mapped[:1]
        mapped.shape, mapped.dtype = (len(self), *example.shape[1:]), example.dtype
        return mapped

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key: slice | np.ndarray) -> np.ndarray:
        rows = self._between(*key.indices(len(self))) if isinstance(key, slice) else self._chosen(np.asarray(key))
        for function in self._functions:
            rows = function(rows)
        return rows

    def __array__(self, dtype: np.dtype | None = None, copy: bool | None = None) -> np.ndarray:
        if copy is False:
            raise ValueError("rows are read anew each time, and cannot be had without a copy")
        whole = np.empty(self.shape, dtype or self.dtype)
        for rows in blocks(len(self)):
            whole[rows] = self[rows]
        return whole

    def _between(self, start: int, stop: int, step: int) -> np.ndarray:
        if step != 1:
            raise IndexError("rows are read in their order, without a step")
        found = [
            part[max(start - first, 0) : max(stop - first, 0)]
            for part, first, end in zip(self._parts, self._starts(), self._ends, strict=True)
            if start < end and first < stop
        ]
        if len(found) == 1:
            return found[0]
        return np.concatenate(found) if found else self._parts[0][:0]

    def _chosen(self, numbers: np.ndarray) -> np.ndarray:
        if numbers.size and not 0 <= numbers.min() <= numbers.max() < len(self):
            raise IndexError(f"rows must lie in 0 to {len(self) - 1}")
        found = np.empty((len(numbers), *self._parts[0].shape[1:]), self._parts[0].dtype)
        of_part = np.searchsorted(self._ends, numbers, side="right")
        for number, (part, first) in enumerate(zip(self._parts, self._starts(), strict=True)):
            here = of_part == number
            if here.any():
                found[here] = part[numbers[here] - first]
        return found

    def _starts(self) -> list[int]:
        return [0, *self._ends[:-1].tolist()]


def row_batches(
    rows: Rows,
    size: int,
    random: np.random.Generator | None = None,
    runs: int | None = None,
    watch: Watch = unwatched,
    what: str = "",
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield the numbers of `size` rows and the rows themselves, until all have come; the last batch may be smaller.

    Parameters
    ----------
    rows : Rows
    size : int
    random : Generator, optional
        Shuffles runs of RUN rows, which are read together since they lie together, and then the rows of `runs` such
        runs among each other. Without it, all come in their order.
    runs : int, optional
        How many of them are held at a time, by default RUNS_AT_A_TIME.
    watch, what
        Shows how far it is, and with what.
    """
    order, runs = list(blocks(len(rows), RUN)), runs or RUNS_AT_A_TIME
    if random is not None:
        random.shuffle(order)
    numbers, held = [np.empty(0, np.int64)], [np.empty((0, *rows.shape[1:]), rows.dtype)]
    for count, run in enumerate(watch(order, len(rows), what), start=1):
        numbers.append(np.arange(run.start, run.stop))
        held.append(rows[run])
        if len(held) <= runs and count < len(order):
            continue
        window, found = np.concatenate(numbers), np.concatenate(held)
        drawn = np.arange(len(window)) if random is None else random.permutation(len(window))
        # What does not fill a batch waits for the next runs.
        full = len(drawn) if count == len(order) else len(drawn) // size * size
        for batch in blocks(full, size):
            yield window[drawn[batch]], found[drawn[batch]]
        numbers, held = [window[drawn[full:]]], [found[drawn[full:]]]
