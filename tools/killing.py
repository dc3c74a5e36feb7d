"""Workers of a cluster on this machine, killed at random moments of a stage."""

import os
import random
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from tools.clusters import ROOT, LocalCluster

# Seconds: the most that a stage takes, that pass until another worker joins, and that processes of a stage that has
# ended take to end.
LIMIT, JOINS, LEFT = 1200, 5, 60


class Ended(NamedTuple):
    """How a stage has ended."""

    code: int
    lines: list[str]
    kills: int
    seconds: float

    @property
    def last(self) -> str:
        return self.lines[-1] if self.lines else ""


def variables(address: str = "", **others: str) -> dict[str, str]:
    """Return an environment for a stage that runs on a cluster of an address, or without one."""
    return {**os.environ, "PYTHONPATH": str(ROOT), "DASK_SCHEDULER_ADDRESS": address, **others}


def processes(folder: Path) -> dict[int, int]:
    """Return the processes that work in a folder, and their parents."""
    found = {}
    for entry in Path("/proc").iterdir():
        with suppress(OSError, ValueError):
            if entry.name.isdigit() and Path(os.readlink(entry / "cwd")) == folder:
                status = (entry / "stat").read_text().rpartition(")")[2].split()
                # A zombie has ended.
                if status[0] != "Z":
                    found[int(entry.name)] = int(status[1])
    return found


def left(folder: Path) -> list[str]:
    """Return what is left that should not be, of a stage that has ended in a folder."""
    limit = time.monotonic() + LEFT
    while processes(folder) and time.monotonic() < limit:
        time.sleep(0.1)
    found = ["a process is left"] if processes(folder) else []
    return found + ["part of an output is left"] * bool(list(folder.rglob(".partial-*")))


def killed(
    command: list[str],
    environment: dict[str, str],
    folder: Path,
    started: LocalCluster,
    most: int,
    seconds: float,
    chance: random.Random,
) -> Ended:
    """Run a command of Python in a folder, and kill at most so many workers meanwhile, those with processes first.

    A kill comes at a random moment within `seconds` of the one before.
    """
    with (folder.parent / "stage.log").open("w+") as log:
        stage = subprocess.Popen([sys.executable, *command], cwd=folder, env=environment, stdout=log, stderr=log)
        begun, kills = time.monotonic(), 0
        next_kill, joining = begun + chance.uniform(0, seconds), list[float]()
        while stage.poll() is None:
            now = time.monotonic()
            if now > begun + LIMIT:
                stage.kill()
            for at in [at for at in joining if at < now]:
                joining.remove(at)
                started.add()
            if kills < most and now > next_kill and started.workers:
                parents = set(processes(folder).values())
                training = [worker for worker in started.workers if worker.pid in parents]
                started.kill(started.workers.index(chance.choice(training or started.workers)))
                kills += 1
                joining.append(now + chance.uniform(0, JOINS))
                next_kill = now + chance.uniform(0, seconds)
            time.sleep(0.05)
        for _ in joining:
            started.add()
        log.seek(0)
        return Ended(stage.returncode, log.read().splitlines(), kills, time.monotonic() - begun)
