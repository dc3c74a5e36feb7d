"""How a stage shows that it goes on, and what libraries remark on the way."""

import sys
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from tqdm import tqdm

# Work of a few seconds needs no bar; a log gets a line each time that so many seconds have gone by.
BAR_AFTER = 3
LINE_EVERY = 10

Item = TypeVar("Item")


def watched(
    slices: Iterable[slice], n: int, what: str, clock: Callable[[], float] = time.perf_counter
) -> Iterator[slice]:
    """Yield slices of images, and show between them how many are done, how fast, and the time left.

    Parameters
    ----------
    slices : iterable of slice
        With `start` and `stop`, whose lengths add up to `n`.
    n : int
        How many images there are in all.
    what : str
        What is done to them, before each line.
    clock : callable, optional
        Seconds.
    """
    return counted(slices, lambda rows: rows.stop - rows.start, n, what, clock)


def counted(
    items: Iterable[Item],
    size: Callable[[Item], int],
    n: int,
    what: str,
    clock: Callable[[], float] = time.perf_counter,
) -> Iterator[Item]:
    """Yield items that hold images, as many as `size` says of each, and show what `watched` shows."""
    start = said = clock()
    done = 0
    hidden = not sys.stderr.isatty()
    with tqdm(total=n, desc=what, unit=" images", delay=BAR_AFTER, leave=False, disable=hidden) as bar:
        for item in items:
            yield item
            done += size(item)
            bar.update(size(item))
            now = clock()
            if hidden and done < n and now - said >= LINE_EVERY:
                said, speed = now, done / (now - start)
                left = (n - done) / speed
                print(f"{what}: {done:,} of {n:,} images  {speed:,.0f} images/s  {left:.0f} s left", flush=True)


@contextmanager
def remarks(what: str) -> Iterator[None]:
    """Print what libraries warn of within the block: one line for each different warning, after `what` it is about.

    Python would print the line of a library's source instead, and neither network nor clustering.
    """
    said = set()

    def show(message: Warning | str, *_: object, **__: object) -> None:
        line = " ".join(str(message).split())
        if line not in said:
            said.add(line)
            print(f"{what}: {line}", file=sys.stderr, flush=True)

    with warnings.catch_warnings():
        # Python shows a warning once for each line of source, whatever it is about then.
        warnings.simplefilter("always", append=True)
        warnings.showwarning = show
        yield
