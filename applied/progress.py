"""How far the work is, on standard error."""

import sys
import time
from collections.abc import Callable, Iterable, Iterator

from applied.inputs import Batch

# Work of a few seconds needs no line. A log gets one each time that so many seconds have gone by; a terminal has one
# line, which is renewed.
AFTER, EVERY, RENEWED = 3, 10, 0.2


def watched(
    batches: Iterable[Batch], n: int, quiet: bool, clock: Callable[[], float] = time.monotonic
) -> Iterator[Batch]:
    """Yield batches of at most `n` images, and say between them how many are done and how fast."""
    terminal = sys.stderr.isatty()
    start = said = clock()
    done, open_line = 0, False
    try:
        for batch in batches:
            yield batch
            done += len(batch.images) + len(batch.skipped)
            now = clock()
            if quiet or done >= n or now - start < AFTER or now - said < (RENEWED if terminal else EVERY):
                continue
            said, speed = now, done / (now - start)
            line = f"{done:,} of {n:,} images  {speed:,.0f} images/s  {(n - done) / speed:.0f} s left"
            print(f"\r\x1b[K{line}" if terminal else line, end="" if terminal else "\n", file=sys.stderr, flush=True)
            open_line = terminal
    finally:
        if open_line:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
