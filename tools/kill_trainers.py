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
import random
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from stages.shared.parameters import load
from tools.clusters import ROOT, LocalCluster, cluster
from tools.killing import Ended, killed, left, variables

NETWORK = "digits-simple"
# So many that half of a stage's time is training, and half the start of TensorFlow.
IMAGES, EPOCHS = 500, 50
OUTPUTS = (f"models/{NETWORK}", f"metrics/train/{NETWORK}.json")
TOLERANCE = 1e-5
SENTENCES = ("has lost a worker in each of ", "no other has come within ")
COMMAND = ["-m", "stages.train", "autoencoders", NETWORK]
# Dask's configuration, by which every training is worth sharing.
SHARED = {"DASK_AUTOENCODER__LONG_EPOCH": "0", "DASK_AUTOENCODER__PRODUCTS_A_PARAMETER": "0"}


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
    return found + left(folder)


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


def tried(
    folder: Path, started: LocalCluster, least: int, expected: tuple[dict, list[float]], chance: random.Random
) -> int:
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
        environment = variables(started.address, **(SHARED if shared else {}))
        ended = killed(COMMAND, environment, folder, started, most, seconds, chance)
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
