"""The command `autoencoder`: a trained network at work on new images."""

import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

from autoencoders.core.errors import InputError

# What ends a program from outside: Ctrl-C, `kill` or a scheduler, a terminal that is closed (not on Windows).
SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
USAGE = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code.

    0: well; 1: `verify` found other codes; 2: the command line or an input cannot be used, which one sentence says;
    128 and its number: a signal.
    """
    from applied.arguments import parser

    given = list(sys.argv[1:] if arguments is None else arguments)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        options = parser(given[:1] == ["serve"]).parse_args(given)
        if options.command == "serve":
            return options.run(options)
        with _stoppable():
            code = options.run(options)
            sys.stdout.flush()
            return code
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return USAGE
    except KeyboardInterrupt:
        print("stopped by SIGINT", file=sys.stderr)
        return 128 + signal.SIGINT
    except MemoryError:
        print("error: The work takes more memory than there is; give fewer images at a time.", file=sys.stderr)
        return USAGE
    except BrokenPipeError:
        # Whoever read what is printed has gone, as `head` does; at its end Python would try to write the rest.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE


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


if __name__ == "__main__":
    sys.exit(main())
