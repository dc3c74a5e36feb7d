"""A `python` that runs stages in forks of one process, which has imported what they import.

A stage on small data is mostly imports: two seconds for scikit-learn and Matplotlib, eight with TensorFlow, a hundred
times in the default graph. A fork has them at once, and computes what a process of its own would compute, since no
library has begun to work before it: the bytes are the same.
"""

import gc
import importlib
import json
import os
import pkgutil
import runpy
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from multiprocessing.connection import wait
from multiprocessing.context import ForkProcess
from pathlib import Path

# What stages import only where they come to use it, and most of them do.
COMMON = ("pandas", "sklearn.cluster", "sklearn.decomposition", "sklearn.neighbors")
# TensorFlow, for the stages that train: an own-images graph without a training does without.
TRAINING = (
    "autoencoders.networks.architectures",
    "autoencoders.networks.recurrent",
    "autoencoders.networks.storage",
    "autoencoders.training.fit",
)
TRAINED_BY = {"stages.learning_rates", "stages.sequence", "stages.train"}

# The `python` itself starts in 20 ms, hands its standard streams over, and waits. It passes signals on, since DVC and
# terminals send them to the process that they started. Whatever is no stage, and every stage once nobody answers, runs
# in the real one.
CLIENT = """#!/bin/sh
''''exec "{python}" -I -S "$0" "$@" # '''
import json, os, signal, socket, sys
def run_alone():
    os.execv({python!r}, [{python!r}, *sys.argv[1:]])
if sys.argv[1:2] != ["-m"] or not sys.argv[2].startswith("stages."):
    run_alone()
server = socket.socket(socket.AF_UNIX)
try:
    server.connect({address!r})
    told = json.dumps([os.getcwd(), os.getpgrp(), dict(os.environ), sys.argv[2:]]).encode()
    socket.send_fds(server, [len(told).to_bytes(4, "big")], [0, 1, 2])
    server.sendall(told)
except OSError:
    run_alone()
process = int.from_bytes(server.recv(4), "big")
lost = "error: the process of " + sys.argv[2] + " was lost; run it again."
if not process:
    # It may have started: another one could write the same outputs beside it.
    sys.exit(lost)
def forward(number, frame):
    try:
        os.kill(process, number)
    except ProcessLookupError:
        # It has just ended.
        pass
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    if signal.getsignal(number) != signal.SIG_IGN:
        signal.signal(number, forward)
code = server.recv(1)
sys.exit(code[0] if code else lost)
"""


@contextmanager
def forks(root: Path, environment: Mapping[str, str] | None = None) -> Iterator[Path]:
    """Yield a folder with a `python` that runs `-m stages.…` in a fork, wherever it is called.

    Parameters
    ----------
    root : Path
        The project, whose modules the stages are.
    environment : Mapping, optional
        What libraries read while they are imported; that of this process, unless given. Each stage has in addition the
        environment that it is called with.
    """
    # A short path, since a socket's has at most 107 characters.
    with tempfile.TemporaryDirectory(prefix="forks-") as folder, socket.socket(socket.AF_UNIX) as listener:
        address, client = Path(folder, "server"), Path(folder, "python")
        listener.bind(str(address))
        listener.listen()
        client.write_text(CLIENT.format(python=sys.executable, address=str(address)), encoding="utf-8")
        client.chmod(0o755)
        command = [sys.executable, "-m", "tools.forks", str(listener.fileno())]
        # A group of its own, which a signal from the terminal does not reach: it ends with its standard input.
        with subprocess.Popen(
            command,
            cwd=root,
            env=environment,
            stdin=subprocess.PIPE,
            pass_fds=[listener.fileno()],
            process_group=0,
        ):
            # Otherwise a stage would wait for a server that is gone.
            listener.close()
            yield client.parent


class Server:
    """Starts a stage for each connection, and tells each its process and then its exit code.

    Parameters
    ----------
    listener : socket
        Bound to an address, listening.
    """

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self._running: list[tuple[ForkProcess, socket.socket]] = []

    def run(self) -> None:
        """Start stages until the standard input ends, and wait for the last of them."""
        while True:
            # A connection is ready when the command that made it is gone, as is the standard input.
            ready = wait([0, self._listener, *(each for pair in self._running for each in (pair[0].sentinel, pair[1]))])
            for stage, connection in self._running[:]:
                if stage.sentinel in ready:
                    self._running.remove((stage, connection))
                    _tell_end(stage, connection)
                elif connection in ready:
                    self._running.remove((stage, connection))
                    connection.close()
                    stage.terminate()
            if 0 in ready:
                break
            if self._listener in ready:
                self._start()
        self._listener.close()
        for stage, connection in self._running:
            _tell_end(stage, connection)

    def _start(self) -> None:
        connection, _ = self._listener.accept()
        length, streams, *_ = socket.recv_fds(connection, 4, 3)
        with connection.makefile("rb") as told:
            content = told.read(int.from_bytes(length, "big"))
        if not content:
            # The command was stopped meanwhile.
            connection.close()
            return
        folder, group, environment, arguments = json.loads(content)
        _prepare(arguments[0])
        inherited = [self._listener, connection, *(other for _, other in self._running)]
        stage = ForkProcess(target=_run, args=(inherited, streams, folder, group, environment, arguments))
        stage.start()
        for stream in streams:
            os.close(stream)
        self._running.append((stage, connection))
        with suppress(BrokenPipeError):
            connection.send((stage.pid or 0).to_bytes(4, "big"))


def _prepare(module: str) -> None:
    """Import what stages import, and what trains networks if the module does."""
    names = [f"stages.{each.name}" for each in pkgutil.iter_modules(["stages"]) if not each.ispkg]
    for name in (*names, *COMMON, *(TRAINING if module in TRAINED_BY else ())):
        # The stage that imports a broken module will say so.
        with suppress(Exception):
            importlib.import_module(name)
    # Whatever a collection of garbage looks at, the stage would have to copy.
    gc.freeze()


def _tell_end(stage: ForkProcess, connection: socket.socket) -> None:
    stage.join()
    code = stage.exitcode or 0
    with connection, suppress(BrokenPipeError):
        # As a shell says it, where a signal killed the stage.
        connection.send(bytes([code if code >= 0 else 128 - code]))


def _run(
    inherited: list[socket.socket],
    streams: list[int],
    folder: str,
    group: int,
    environment: dict[str, str],
    arguments: list[str],
) -> None:
    """Run a module as `python -m` would, in its place: its folder, its group, its streams."""
    for each in inherited:
        each.close()
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    # Those of the server knew other files.
    out, error = sys.stdout, sys.stderr
    sys.stdout = os.fdopen(1, "w", encoding=out.encoding, errors=out.errors, closefd=False)
    sys.stderr = os.fdopen(2, "w", buffering=1, encoding=error.encoding, errors=error.errors, closefd=False)
    # What DVC sends a signal to.
    os.setpgid(0, group)
    os.chdir(folder)
    # Libraries have set some of their own while they were imported.
    os.environ.update(environment)
    sys.argv = arguments
    sys.modules.pop(arguments[0], None)
    runpy.run_module(arguments[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    Server(socket.socket(fileno=int(sys.argv[1]))).run()
