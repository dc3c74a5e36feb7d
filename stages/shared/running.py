"""How every stage starts, and how it ends: well, by something the user gave that cannot be used, or by a signal."""

import inspect
import io
import sys
from collections.abc import Callable
from pathlib import Path

from autoencoders.core.errors import InputError
from autoencoders.core.signals import reader_gone, stoppable
from stages.shared.progress import remarks


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
        with stoppable(), remarks(" ".join([Path(sys.argv[0]).stem, *arguments])):
            stage(*arguments)
            sys.stdout.flush()
    except InputError as error:
        sys.exit(f"error: {error}")
    except BrokenPipeError:
        sys.exit(reader_gone())
