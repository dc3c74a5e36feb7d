"""How a stage shows that it goes on."""

import sys
import time
from collections.abc import Callable, Iterable, Iterator

from tqdm import tqdm

# Work of a few seconds needs no bar; a log gets a line each time that so many seconds have gone by.
BAR_AFTER = 3
LINE_EVERY = 10


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
    start = said = clock()
    done = 0
    hidden = not sys.stderr.isatty()
    with tqdm(total=n, desc=what, unit=" images", delay=BAR_AFTER, leave=False, disable=hidden) as bar:
        for rows in slices:
            yield rows
            done += rows.stop - rows.start
            bar.update(rows.stop - rows.start)
            now = clock()
            if hidden and done < n and now - said >= LINE_EVERY:
                said, speed = now, done / (now - start)
                left = (n - done) / speed
                print(f"{what}: {done:,} of {n:,} images  {speed:,.0f} images/s  {left:.0f} s left", flush=True)
