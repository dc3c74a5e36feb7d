"""How every stage starts, and how it ends: well, by something the user gave that cannot be used, or by a signal."""

import inspect
import io
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from autoencoders.core.errors import InputError
from stages.shared.progress import remarks

# What ends a program from outside: Ctrl-C, `kill` or a scheduler, a terminal that is closed (not on Windows).
SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


def run(stage: Callable[..., None]) -> None:
    """Call `stage` with the command line's arguments.

    An `InputError` becomes one sentence and exit code 1. A signal ends the stage as an exception would, so that no part
    of an output stays, with one line and exit code 128 and the signal's number. Warnings of libraries become a line
    each. Characters that the terminal cannot show are replaced, and a reader of the output may go.
    """
    arguments = sys.argv[1:]
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        signature = inspect.signature(stage)
        if len(arguments) != len(signature.parameters):
            wanted = " and ".join(signature.parameters) or "no argument"
            raise InputError(f"{Path(sys.argv[0]).name} takes {wanted}, but {len(arguments)} were given.")
        with _stoppable(), remarks(" ".join([Path(sys.argv[0]).stem, *arguments])):
            stage(*arguments)
            sys.stdout.flush()
    except InputError as error:
        sys.exit(f"error: {error}")
    except BrokenPipeError:
        # Whoever read what is printed has gone, as `head` does; at its end Python would try to write the rest.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(128 + signal.SIGPIPE)


@contextmanager
def _stoppable() -> Iterator[None]:
    """Let signals raise SystemExit within the block; those that are ignored, as by `nohup`, stay so."""
    before = {number: signal.getsignal(number) for number in SIGNALS}
    heeded = [number for number, handler in before.items() if handler != signal.SIG_IGN]
    for number in heeded:
        signal.signal(number, _stop)
    try:
        yield
    finally:
        for number in heeded:
            signal.signal(number, before[number])


def _stop(number: int, frame: FrameType | None) -> None:
    # Clearing away takes a moment, which a second signal must not cut short.
    for each in SIGNALS:
        signal.signal(each, signal.SIG_IGN)
    print(f"stopped by {signal.Signals(number).name}", file=sys.stderr, flush=True)
    raise SystemExit(128 + number)
