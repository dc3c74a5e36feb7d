"""Dask schedulers and workers on this machine, in processes of their own."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# Workers without a nanny, which would start a killed one again: a second instead of four each. A busy machine may take
# a minute to start one.
WORKER = ("--nthreads", "1", "--no-nanny", "--no-dashboard", "--memory-limit", "0", "--death-timeout", "180")


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


class LocalCluster:
    """A scheduler and workers that may be added and killed.

    Attributes
    ----------
    address : str
    workers : list of Popen
    """

    def __init__(self, folder: Path):
        self.folder, self.workers = folder, list[subprocess.Popen]()
        port = free_port()
        self.address = f"tcp://127.0.0.1:{port}"
        self.scheduler = self._start("scheduler", "--host", "127.0.0.1", "--port", str(port), "--no-dashboard")

    def add(self, n: int = 1, root: Path = ROOT, *options: str, **variables: str) -> None:
        """Start `n` workers that have the project of `root`, with variables of the environment."""
        for _ in range(n):
            arguments = ("--host", "127.0.0.1", *WORKER, *options)
            started = self._start("worker", self.address, *arguments, root=root, **variables)
            self.workers.append(started)

    def kill(self, place: int = 0) -> None:
        """Kill a worker, which learns nothing of it."""
        worker = self.workers.pop(place)
        worker.send_signal(signal.SIGKILL)
        worker.wait()

    def close(self) -> None:
        for process in (*self.workers, self.scheduler):
            process.kill()
        for process in (*self.workers, self.scheduler):
            process.wait()

    def _start(self, what: str, *arguments: str, root: Path = ROOT, **variables: str) -> subprocess.Popen:
        command = [sys.executable, "-m", "dask", what, *arguments]
        # Not where the project is, so that a worker finds it by what it is told.
        environment = {**os.environ, "PYTHONPATH": str(root), "DASK_DISTRIBUTED__ADMIN__TICK__LIMIT": "60s"} | variables
        with (self.folder / "dask.log").open("ab") as log:
            return subprocess.Popen(command, cwd=self.folder, env=environment, stdout=log, stderr=log)


@contextmanager
def cluster(folder: Path, n: int) -> Iterator[LocalCluster]:
    """Yield a cluster of `n` workers, which need not have joined yet."""
    folder.mkdir(parents=True, exist_ok=True)
    started = LocalCluster(folder)
    try:
        started.add(n)
        yield started
    finally:
        started.close()
