"""How every stage starts, and how it ends: well, by something the user gave that cannot be used, or by a signal."""

import inspect
import io
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from autoencoders.core.allocation import keep_freed_memory
from autoencoders.core.engines import computed_by
from autoencoders.core.errors import InputError
from autoencoders.core.signals import reader_gone, stoppable
from stages.shared.progress import remarks

# Dask's own name of what a client connects to.
ADDRESS = "DASK_SCHEDULER_ADDRESS"
OPTION = "--scheduler"


def run(stage: Callable[..., None]) -> None:
    """Call `stage` with the command line's arguments.

    Where DASK_SCHEDULER_ADDRESS, or `--scheduler ADDRESS` among the arguments, names a Dask scheduler, its workers
    compute what goes through rows; the results are the same bytes.

    An `InputError` becomes one sentence and exit code 1. A signal ends the stage as an exception would, so that no part
    of an output stays, with one line and exit code 128 and the signal's number. Warnings of libraries become a line
    each. Characters that the terminal cannot show are replaced, and a reader of the output may go.
    """
    arguments = sys.argv[1:]
    keep_freed_memory()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        address = _scheduler(arguments)
        signature = inspect.signature(stage)
        if len(arguments) != len(signature.parameters):
            wanted = " and ".join(signature.parameters) or "no argument"
            raise InputError(f"{Path(sys.argv[0]).name} takes {wanted}, but {len(arguments)} were given.")
        what = " ".join([Path(sys.argv[0]).stem, *arguments])
        with stoppable(), remarks(what), _on(address, what):
            stage(*arguments)
            sys.stdout.flush()
    except InputError as error:
        sys.exit(f"error: {error}")
    except BrokenPipeError:
        sys.exit(reader_gone())


def _scheduler(arguments: list[str]) -> str | None:
    """Take the option out of the arguments, and return the address of a scheduler, if there is one."""
    for place, argument in enumerate(arguments):
        option, is_, address = argument.partition("=")
        if option == OPTION:
            if not is_ and place + 1 == len(arguments):
                raise InputError(f"{OPTION} wants an address, such as tcp://127.0.0.1:8786.")
            given = address if is_ else arguments[place + 1]
            del arguments[place : place + (1 if is_ else 2)]
            # The stage `train` and the processes of workers go by the environment.
            os.environ[ADDRESS] = given
            return given
    return os.environ.get(ADDRESS) or None


@contextmanager
def _on(address: str | None, what: str) -> Iterator[None]:
    """Let the workers of a scheduler compute within the block, where an address is given."""
    if address is None:
        yield
        return
    # Dask takes a second to import.
    from stages.shared.workers import Cluster

    cluster = Cluster(address, lambda line: print(f"{what}: {line}", flush=True))
    try:
        with computed_by(cluster):
            yield
    finally:
        cluster.close()
