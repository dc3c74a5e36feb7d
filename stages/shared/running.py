"""How every stage starts, and how it ends when something the user gave cannot be used."""

import inspect
import sys
from collections.abc import Callable
from pathlib import Path

from autoencoders.core.errors import InputError


def run(stage: Callable[..., None]) -> None:
    """Call `stage` with the command line's arguments; an `InputError` becomes one sentence and exit code 1."""
    arguments = sys.argv[1:]
    try:
        signature = inspect.signature(stage)
        if len(arguments) != len(signature.parameters):
            wanted = " and ".join(signature.parameters) or "no argument"
            raise InputError(f"{Path(sys.argv[0]).name} takes {wanted}, but {len(arguments)} were given.")
        stage(*arguments)
    except InputError as error:
        sys.exit(f"error: {error}")
