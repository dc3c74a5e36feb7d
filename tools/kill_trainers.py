"""Kill workers of a Dask cluster at random moments of trainings, and fail unless each training ends as it should.

    python -m tools.kill_trainers --kills 20 --seed 0

A scheduler and workers run on this machine, in processes of their own; the stage `train` trains a small network, in
turn whole on one worker and shared by all. Workers are killed by SIGKILL, most of them those that train, and others
join some seconds later. What counts as a failure: a whole stage that writes other bytes than one without a cluster, a
shared one whose losses differ by more than `TOLERANCE`, a stage that ends otherwise than by the sentence of a training
that has lost a worker in each of its tries or has none left, and anything that is left of such a stage: a file, or a
process.
"""

import argparse
import csv
import hashlib
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

from stages.shared.parameters import load

ROOT = Path(__file__).resolve().parents[1]
NETWORK = "digits-simple"
# So many that half of a stage's time is training, and half the start of TensorFlow.
IMAGES, EPOCHS = 500, 50
OUTPUTS = (f"models/{NETWORK}", f"metrics/train/{NETWORK}.json")
TOLERANCE = 1e-5
SENTENCES = ("has lost a worker in each of ", "no other has come within ")
# Seconds: the most that a stage takes, and that processes of one that has ended take to end.
LIMIT, LEFT = 1200, 60
COMMAND = ["-m", "stages.train", "autoencoders", NETWORK]
# Dask's configuration, by which every training is worth sharing.
SHARED = {"DASK_AUTOENCODER__LONG_EPOCH": "0", "DASK_AUTOENCODER__PRODUCTS_A_PARAMETER": "0"}


class Cluster:
    """A scheduler and workers, each in a process of its own."""

    def __init__(self, folder: Path, n_workers: int):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            port = taken.getsockname()[1]
        self.folder, self.address = folder, f"tcp://127.0.0.1:{port}"
        self.workers: list[subprocess.Popen] = []
        self.scheduler = self._start("scheduler", "--host", "127.0.0.1", "--port", str(port))
        for _ in range(n_workers):
            self.add()

    def add(self) -> None:
        options = (
            "--host",
            "127.0.0.1",
            "--nthreads",
            "1",
            "--no-nanny",
            "--memory-limit",
            "0",
            "--death-timeout",
            "60",
        )
        self.workers.append(self._start("worker", self.address, *options))

    def kill(self, worker: subprocess.Popen) -> None:
        self.workers.remove(worker)
        worker.send_signal(signal.SIGKILL)
        worker.wait()

    def close(self) -> None:
        for process in (*self.workers, self.scheduler):
            process.kill()
            process.wait()

    def _start(self, *arguments: str) -> subprocess.Popen:
        command = [sys.executable, "-m", "dask", *arguments, "--no-dashboard"]
        with (self.folder / "dask.log").open("ab") as log:
            return subprocess.Popen(command, cwd=self.folder, env=variables(), stdout=log, stderr=log)


@contextmanager
def cluster(folder: Path, n_workers: int) -> Iterator[Cluster]:
    started = Cluster(folder, n_workers)
    try:
        yield started
    finally:
        started.close()


def variables(address: str = "") -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "DASK_SCHEDULER_ADDRESS": address}


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


def digests(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of each file that the stage writes."""
    paths = [path for output in OUTPUTS for path in (folder / output, *(folder / output).rglob("*"))]
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in paths
        if path.is_file()
    }


def losses(folder: Path) -> list[float]:
    with (folder / OUTPUTS[0] / "history.csv").open(encoding="utf-8", newline="") as file:
        return [float(row["loss"]) for row in csv.DictReader(file)]


def remove(folder: Path) -> None:
    shutil.rmtree(folder / OUTPUTS[0], ignore_errors=True)
    (folder / OUTPUTS[1]).unlink(missing_ok=True)


class Ended(NamedTuple):
    """How a stage has ended."""

    code: int
    lines: list[str]
    kills: int
    seconds: float

    @property
    def last(self) -> str:
        return self.lines[-1] if self.lines else ""


def killed(folder: Path, started: Cluster, shared: bool, most: int, seconds: float, chance: random.Random) -> Ended:
    """Run the stage, whose training is shared or not, and kill at most so many workers meanwhile.

    A kill comes at a random moment within `seconds` of the one before.
    """
    with (folder.parent / "stage.log").open("w+") as log:
        environment = variables(started.address) | (SHARED if shared else {})
        stage = subprocess.Popen([sys.executable, *COMMAND], cwd=folder, env=environment, stdout=log, stderr=log)
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
                started.kill(chance.choice(training or started.workers))
                kills += 1
                joining.append(now + chance.uniform(0, 5))
                next_kill = now + chance.uniform(0, seconds)
            time.sleep(0.05)
        for _ in joining:
            started.add()
        log.seek(0)
        return Ended(stage.returncode, log.read().splitlines(), kills, time.monotonic() - begun)


def failures(folder: Path, shared: bool, ended: Ended, expected: tuple[dict, list[float]]) -> list[str]:
    """Return what is wrong with how a stage has ended."""
    found = []
    if ended.code == 0 and not shared and digests(folder) != expected[0]:
        found.append("other bytes")
    if ended.code == 0 and shared and difference(losses(folder), expected[1]) > TOLERANCE:
        found.append("other losses")
    if ended.code and not (ended.code == 1 and any(sentence in ended.last for sentence in SENTENCES)):
        found.append(f"exit code {ended.code}: {ended.last}")
    if ended.code and digests(folder):
        found.append("outputs are left")
    if list(folder.rglob(".partial-*")):
        found.append("part of an output is left")
    limit = time.monotonic() + LEFT
    while processes(folder) and time.monotonic() < limit:
        time.sleep(0.1)
    if processes(folder):
        found.append("a process is left")
    return found


def difference(found: list[float], expected: list[float]) -> float:
    if len(found) != len(expected):
        return float("inf")
    return max(abs(one - other) for one, other in zip(found, expected, strict=True))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--kills", type=int, default=20, help="how many workers are killed at least")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0, help="of the moments and of what is killed")
    options = parser.parse_args()
    chance = random.Random(options.seed)
    with tempfile.TemporaryDirectory(prefix="kills-") as scratch:
        folder = Path(scratch).resolve() / "work"
        folder.mkdir()
        values: Any = load(ROOT / "params.yaml")
        values["datasets"]["digits"]["limit"] = IMAGES
        values["autoencoders"][NETWORK]["epochs"] = EPOCHS
        (folder / "params.yaml").write_text(json.dumps(values), encoding="utf-8")
        for command in (["-m", "stages.extract", "digits"], ["-m", "stages.preprocess", "digits"], COMMAND):
            subprocess.run([sys.executable, *command], cwd=folder, env=variables(), check=True, capture_output=True)
        expected = digests(folder), losses(folder)
        with cluster(folder.parent, options.workers) as started:
            return tried(folder, started, options.kills, expected, chance)


def tried(folder: Path, started: Cluster, least: int, expected: tuple[dict, list[float]], chance: random.Random) -> int:
    """Run stages, whole and shared in turn, until enough workers are killed; return the number of failures.

    The first stage of each kind loses no worker.
    """
    all_ended, n_failed, largest = [list[Ended](), list[Ended]()], 0, 0.0
    while sum(each.kills for of in all_ended for each in of) < least or len(all_ended[1]) < len(all_ended[0]):
        shared = len(all_ended[1]) < len(all_ended[0])
        before = all_ended[shared]
        remove(folder)
        # A stage is begun four times at most, so that four kills may end it.
        most, seconds = (chance.randint(1, 4), before[0].seconds) if before else (0, 0.0)
        ended = killed(folder, started, shared, most, seconds, chance)
        before.append(ended)
        if shared and not ended.code:
            largest = max(largest, difference(losses(folder), expected[1]))
        wrong = failures(folder, shared, ended, expected)
        n_failed += bool(wrong)
        how = "; ".join(wrong) or (ended.last if ended.code else "as it should")
        print(f"{'shared' if shared else 'whole'}: {ended.kills} killed, {ended.seconds:.0f} s: {how}", flush=True)
        if wrong:
            print(*(f"    {line}" for line in ended.lines), sep="\n", flush=True)
    for kind, of in zip(("whole stages", "shared trainings"), all_ended, strict=True):
        in_a_sentence = sum(bool(each.code) for each in of)
        print(
            f"{sum(each.kills for each in of)} workers killed in {len(of)} {kind}, of which {len(of) - in_a_sentence} "
            f"went to the end and {in_a_sentence} ended in a sentence"
        )
    print(f"largest difference of a shared training's losses {largest:.1g}; {n_failed} failures")
    return n_failed


if __name__ == "__main__":
    sys.exit(min(main(), 1))
