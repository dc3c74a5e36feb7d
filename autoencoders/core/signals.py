"""Signals that end a program, as exceptions; and a reader of what it prints that goes."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

# What ends a program from outside: Ctrl-C, `kill` or a scheduler, a terminal that is closed (not on Windows).
SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


@contextmanager
def stoppable() -> Iterator[None]:
    """Let signals raise SystemExit within the block; those that are ignored, as by `nohup`, stay so.

    The exit code is 128 and the signal's number, and one line on standard error names the signal.
    """
    before = {number: signal.getsignal(number) for number in SIGNALS}
    heeded = [number for number, handler in before.items() if handler != signal.SIG_IGN]
    for number in heeded:
        signal.signal(number, _stop)
    try:
        yield
    finally:
        for number in heeded:
            signal.signal(number, before[number])


def reader_gone() -> int:
    """Return the exit code for a BrokenPipeError: whoever read what is printed has gone, as `head` does."""
    # At its end Python would try to write the rest.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 128 + signal.SIGPIPE


def _stop(number: int, frame: FrameType | None) -> None:
    # Clearing away takes a moment, which a second signal must not cut short.
    for each in SIGNALS:
        signal.signal(each, signal.SIG_IGN)
    print(f"stopped by {signal.Signals(number).name}", file=sys.stderr, flush=True)
    raise SystemExit(128 + number)
