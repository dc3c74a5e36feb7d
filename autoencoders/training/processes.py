"""A training in a process of its own on each of several machines, watched until it ends.

TensorFlow connects the machines before its first operation and never lets go, so that a long-lived worker of a cluster
cannot train by itself. This module imports no TensorFlow.
"""

import ctypes
import os
import pickle
import signal
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import IO

from autoencoders.core.errors import InputError
from autoencoders.training.jobs import Job, NotBegun, Outcome, WorkerLost

MODULE = "autoencoders.training.worker"
# Seconds until every process must have found the others; importing TensorFlow takes a busy machine a minute of them.
START_LIMIT = 300.0
# Seconds between two looks at a process, and those that a process has to end itself when it is told to.
INTERVAL, GRACE = 0.2, 10.0
# Runs a module that gets SIGTERM when the process that started it closes a pipe or dies, and GRACE seconds to end: it
# may run elsewhere by then, and no two may write one output.
STOPPABLE = f"""
import os, runpy, signal, sys, threading, time
def wait():
    while os.read(0, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep({GRACE})
    os.kill(os.getpid(), signal.SIGKILL)
threading.Thread(target=wait, daemon=True).start()
del sys.argv[0]
runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
"""
# What Linux calls the signal that a process gets when its parent dies (sys/prctl.h).
PR_SET_PDEATHSIG = 1
# Files in the folder of a process: the first once it has found the others, the second at its end.
CONNECTED, OUTCOME = "connected", "outcome"


class Stopped(Exception):
    """A training was told to stop."""


def train_here(
    job: Job,
    addresses: Sequence[str],
    index: int,
    stopped: Callable[[], bool] = lambda: False,
    say: Callable[[str], None] = print,
    start_limit: float = START_LIMIT,
) -> Outcome:
    """Train in a new process on this machine, together with those that this function starts on the other machines.

    Parameters
    ----------
    job : Job
        The same on every machine.
    addresses : sequence of str
        `host:port` of each process; the processes listen there. One alone trains as `autoencoders.training.fit` does.
    index : int
        The place of this machine among them.
    stopped : callable
        Asked every INTERVAL seconds whether to give up.
    say : callable
        Takes each line that the process prints, of the first worker only.
    start_limit : float
        Seconds until all processes must have found each other.

    Raises
    ------
    InputError
        In one sentence, if the training refuses its settings or its process fails.
    NotBegun
        If a process does not come within `start_limit`.
    WorkerLost
        If one is gone later.
    Stopped
        If `stopped` says so.

    In each case the process has ended.
    """
    what = f"the training of {job.name}"
    with tempfile.TemporaryDirectory(prefix="training-") as folder:
        connected, begun = Path(folder, CONNECTED), time.monotonic()

        def check() -> None:
            if stopped():
                raise Stopped
            if time.monotonic() > begun + start_limit and not connected.exists():
                raise NotBegun(
                    f"{what} on {len(addresses)} workers has not begun within {start_limit:g} s, since a worker has "
                    f"not come; see that every worker is up and reaches the others, and run it again."
                )

        with Path(folder, "errors").open("w+b") as log:
            code = _run(
                ["-m", MODULE],
                job.folder,
                job.root,
                check,
                say if index == 0 else lambda line: None,
                stderr=log,
                given=pickle.dumps((job, tuple(addresses), index, folder)),
            )
            log.seek(0)
            last = log.read().decode(errors="replace").strip().rpartition("\n")[2].strip()
        if code:
            where = f" on worker {index + 1} of {len(addresses)}, {addresses[index]}," if len(addresses) > 1 else ""
            # A process that TensorFlow aborts has missed another one.
            kind = WorkerLost if code == -signal.SIGABRT and len(addresses) > 1 else InputError
            raise kind(f"{what}{where} {_ended(code, last)}; nothing was written, run it again.")
        outcome = pickle.loads(Path(folder, OUTCOME).read_bytes())
    if isinstance(outcome, InputError):
        raise outcome
    return outcome


def run_here(
    module: str,
    arguments: Sequence[str],
    folder: str,
    root: str,
    stopped: Callable[[], bool] = lambda: False,
    say: Callable[[str], None] = print,
) -> None:
    """Run `python -m module arguments` in `folder`, without a cluster, and wait for its end.

    Parameters
    ----------
    module : str
        Whose last line is a sentence after "error: " where it ends by exit code 1.
    arguments : sequence of str
    folder : str
        The working directory.
    root : str
        Where Python finds the module.
    stopped : callable
        Asked every INTERVAL seconds whether to give up: the module then gets SIGTERM.
    say : callable
        Takes each line that the module prints.

    Raises
    ------
    InputError
        The module's own sentence, or one that says how its process ended.
    Stopped
        If `stopped` says so.
    """

    def check() -> None:
        if stopped():
            raise Stopped

    last: deque[str] = deque([""], maxlen=1)

    def one_later(line: str) -> None:
        if last[0]:
            say(last[0])
        last.append(line)

    code = _run(["-c", STOPPABLE, module, *arguments], folder, root, check, one_later)
    sentence = last[0].removeprefix("error: ")
    if code == 1 and sentence != last[0]:
        raise InputError(sentence)
    if code:
        name = " ".join([module.rpartition(".")[2], *arguments])
        raise InputError(f"{name} {_ended(code, last[0])}; nothing was written, run it again.")
    if last[0]:
        say(last[0])


def _run(
    command: Sequence[str],
    folder: str,
    root: str,
    check: Callable[[], None],
    say: Callable[[str], None],
    stderr: IO[bytes] | int = subprocess.STDOUT,
    given: bytes = b"",
) -> int:
    """Run Python in a process that ends when this one does, and return its exit code.

    Its standard input is `given`; the process ends itself when that closes. An exception of `check` ends it too.
    """
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))}
    environment.pop("DASK_SCHEDULER_ADDRESS", None)
    process = subprocess.Popen(
        [sys.executable, *command],
        cwd=folder,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=stderr,
    )
    assert process.stdin is not None and process.stdout is not None
    reader = Thread(target=_read, args=(process.stdout, say), daemon=True)
    reader.start()
    try:
        # A process that has failed already reads nothing; its exit code says more.
        with suppress(BrokenPipeError):
            process.stdin.write(given)
            process.stdin.flush()
        while process.poll() is None:
            check()
            time.sleep(INTERVAL)
    finally:
        with suppress(BrokenPipeError):
            process.stdin.close()
        try:
            process.wait(GRACE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        reader.join(GRACE)
    return process.returncode


def _read(pipe: IO[bytes], say: Callable[[str], None]) -> None:
    for line in pipe:
        say(line.decode(errors="replace").rstrip("\n"))


def _ended(code: int, last: str) -> str:
    how = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
    return f"ended by {how}" + (f" ({last.rstrip('.')})" if last and code > 0 else "")


def leave_with_parent() -> None:
    """End this process as soon as the one that started it closes the pipe to it or dies."""
    if sys.platform == "linux":
        # Also while TensorFlow, waiting for another worker, lets no thread of Python run.
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    Thread(target=_leave_at_end, daemon=True).start()


def _leave_at_end() -> None:
    # Not through `sys.stdin`, whose lock this thread would hold while Python ends.
    while os.read(sys.stdin.fileno(), 1):
        pass
    os._exit(1)
