"""Arrays that may be larger than memory: rows that are read where they are needed, block by block."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Protocol, TypeVar

import numpy as np

from autoencoders.core.engines import THIS_PROCESS, in_order

# Rows that are read and computed with at a time.
BLOCK_SIZE = 1000

# Blocks whose sums are added up before they are added to those of others: a constant, since another one would round
# otherwise.
PART = 16

# Neighbouring rows that stay together when rows are shuffled, and the number of such runs in memory: see `row_batches`.
RUN = 1000
RUNS_AT_A_TIME = 16

Result = TypeVar("Result")

# Shows how far a loop is: takes slices, the number of rows in all of them and a few words on the work; yields these.
Watch = Callable[[Iterable[slice], int, str], Iterable[slice]]


def blocks(n: int, size: int | None = None) -> Iterator[slice]:
    """Yield the slices that cut 0 to n into runs of `size`, by default BLOCK_SIZE, the last of them shorter."""
    size = size or BLOCK_SIZE
    for start in range(0, n, size):
        yield slice(start, min(start + size, n))


def unwatched(slices: Iterable[slice], n: int, what: str) -> Iterable[slice]:
    """Watch nothing: return `slices`."""
    return slices


def over_blocks(
    function: Callable[[slice], Result],
    n: int,
    size: int | None = None,
    watch: Watch = unwatched,
    what: str = "",
    here: bool = False,
) -> Iterator[tuple[slice, Result]]:
    """Yield each slice that `blocks` cuts 0 to n into, and `function` of it, in their order; see `in_order`.

    `watch` is told `what`, and counts a slice when its result has been taken. `here` holds the work to this process,
    where `function` has arrays in memory that are not to travel.
    """
    slices = list(blocks(n, size))
    results = THIS_PROCESS.results(function, slices) if here else in_order(function, slices)
    return zip(watch(slices, n, what), results, strict=True)


def summed(
    function: Callable[[slice], tuple[np.ndarray, ...]],
    n: int,
    part: int = PART,
    watch: Watch = unwatched,
    what: str = "",
    here: bool = False,
) -> tuple[np.ndarray, ...]:
    """Return the sums, over all blocks of n rows, of the arrays that `function` returns for a block's slice.

    Blocks are added up in their order within a part of `part` blocks, and parts in theirs, so that the bytes are the
    same wherever parts are computed, and little travels. `n` is at least 1. The arrays are new ones in each call.
    """
    of_part = _OfPart(function, BLOCK_SIZE)
    total: tuple[np.ndarray, ...] | None = None
    for _, sums in over_blocks(of_part, n, part * BLOCK_SIZE, watch, what, here):
        total = _added(total, sums)
    assert total is not None
    return total


class _OfPart:
    """The sums over the blocks of one part; an object, since what is pickled must be known by a name."""

    def __init__(self, function: Callable[[slice], tuple[np.ndarray, ...]], size: int):
        self.function, self.size = function, size

    def __call__(self, part: slice) -> tuple[np.ndarray, ...]:
        total = None
        for block in blocks(part.stop - part.start, self.size):
            total = _added(total, self.function(slice(part.start + block.start, part.start + block.stop)))
        assert total is not None
        return total


def _added(total: tuple[np.ndarray, ...] | None, sums: tuple[np.ndarray, ...]) -> tuple[np.ndarray, ...]:
    if total is None:
        # What comes from another process may not be writeable.
        return tuple(np.require(each, requirements="W") for each in sums)
    for whole, each in zip(total, sums, strict=True):
        whole += each
    return total


class RowSource(Protocol):
    """An array, or a file that gives its rows as an array does: by a slice without a step, or by integers from 0."""

    @property
    def shape(self) -> tuple[Any, ...]: ...

    @property
    def dtype(self) -> np.dtype: ...

    def __getitem__(self, key: slice | np.ndarray, /) -> np.ndarray: ...


class Rows:
    """Arrays one after another, of which only the rows that are asked for are read.

    A slice without a step, or an array of integers, gives these rows as an ndarray; `numpy.asarray` gives all of them.
    A function given to `map` is applied to rows after they are read. Nothing is kept.

    Parameters
    ----------
    *arrays : sequence of RowSource
        At least one; of one dtype, and of one shape but for the first axis.

    Attributes
    ----------
    shape : tuple of int
    dtype : numpy.dtype
    nbytes : int
        Size of all rows in bytes, were they in memory.
    """

    def __init__(self, *arrays: RowSource):
        self._arrays = arrays
        self._ends = np.cumsum([array.shape[0] for array in arrays])
        self._functions: tuple[Callable[[np.ndarray], np.ndarray], ...] = ()
        self.shape, self.dtype = (int(self._ends[-1]), *arrays[0].shape[1:]), arrays[0].dtype

    def map(self, function: Callable[[np.ndarray], np.ndarray]) -> "Rows":
        """Return these rows after `function`, which takes and returns a block [n, …] and treats each row by itself."""
        mapped = Rows(*self._arrays)
        mapped._functions = (*self._functions, function)
        example = mapped[:1]
        mapped.shape, mapped.dtype = (len(self), *example.shape[1:]), example.dtype
        return mapped

    def __len__(self) -> int:
        return self.shape[0]

    @property
    def nbytes(self) -> int:
        return math.prod(self.shape) * self.dtype.itemsize

    def __getitem__(self, key: slice | np.ndarray) -> np.ndarray:
        rows = self._between(*key.indices(len(self))) if isinstance(key, slice) else self._chosen(np.asarray(key))
        for function in self._functions:
            rows = function(rows)
        return rows

    def __array__(self, dtype: np.dtype | None = None, copy: bool | None = None) -> np.ndarray:
        if copy is False:
            raise ValueError("rows are read anew each time: an array of them is always a copy")
        return _read(self, dtype or self.dtype, unwatched, "")

    def _between(self, start: int, stop: int, step: int) -> np.ndarray:
        if step != 1:
            raise IndexError("rows are read in their order, without a step")
        found = [
            array[max(start - first, 0) : max(stop - first, 0)]
            for array, first, end in zip(self._arrays, self._starts(), self._ends, strict=True)
            if start < end and first < stop
        ]
        if len(found) == 1:
            return found[0]
        return np.concatenate(found) if found else self._arrays[0][:0]

    def _chosen(self, numbers: np.ndarray) -> np.ndarray:
        if numbers.size and not 0 <= numbers.min() <= numbers.max() < len(self):
            raise IndexError(f"rows must lie in 0 to {len(self) - 1}")
        found = np.empty((len(numbers), *self._arrays[0].shape[1:]), self._arrays[0].dtype)
        of_array = np.searchsorted(self._ends, numbers, side="right")
        for number, (array, first) in enumerate(zip(self._arrays, self._starts(), strict=True)):
            here = of_array == number
            if here.any():
                found[here] = array[numbers[here] - first]
        return found

    def _starts(self) -> list[int]:
        return [0, *self._ends[:-1].tolist()]


def in_memory(
    vectors: np.ndarray | Rows, memory: int | None, watch: Watch = unwatched, what: str = ""
) -> np.ndarray | Rows:
    """Return rows as an array if it takes at most `memory` bytes, or if `memory` is None; else as they are.

    An array is returned as it is. `watch` is told `what` while rows are read.
    """
    if isinstance(vectors, np.ndarray) or (memory is not None and vectors.nbytes > memory):
        return vectors
    return _read(vectors, vectors.dtype, watch, what)


def all_in_memory(
    splits: Mapping[str, np.ndarray | Rows], memory: int | None, watch: Watch = unwatched, what: str = ""
) -> dict[str, np.ndarray | Rows]:
    """Return the vectors of each split by `in_memory`; all as they are if those under "training" exceed `memory`."""
    if memory is not None and splits["training"].nbytes > memory:
        return dict(splits)
    return {split: in_memory(vectors, memory, watch, what) for split, vectors in splits.items()}


def _read(vectors: Rows, dtype: np.dtype, watch: Watch, what: str) -> np.ndarray:
    whole = np.empty(vectors.shape, dtype)
    for rows in watch(blocks(len(vectors)), len(vectors), what):
        whole[rows] = vectors[rows]
    return whole


def row_batches(
    rows: Rows,
    size: int,
    random: np.random.Generator | None = None,
    runs: int | None = None,
    watch: Watch = unwatched,
    what: str = "",
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield batches of `size` rows, each as the rows' numbers and the rows; the last batch may be smaller.

    Parameters
    ----------
    rows : Rows of shape (n, …)
    size : int
    random : Generator, optional
        Shuffles runs of RUN neighbouring rows, which one read of a file gives, and then the rows of `runs` such runs
        among each other. Without it, rows come in their order.
    runs : int, optional
        Runs in memory at a time, by default RUNS_AT_A_TIME.
    watch : callable, optional
        Shows how far the loop is, and is told `what`.

    Yields
    ------
    numbers : ndarray of shape (size,), int64
    rows : ndarray of shape (size, …)
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
