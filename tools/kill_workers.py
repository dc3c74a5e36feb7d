"""Kill workers of a Dask cluster at random moments of stages that go through blocks; fail if a byte is another.

    python -m tools.kill_workers --kills 20 --seed 0

A scheduler and workers run on this machine, in processes of their own; stages run on them in turn, on 600 pictures and
1,797 digits in small blocks. Workers are killed by SIGKILL, and others join some seconds later. What counts as a
failure: a stage that does not go to its end, a file with other bytes than without a cluster, and anything that is left
of a stage: a part of an output, or a process.
"""

import argparse
import hashlib
import json
import random
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from stages.shared.parameters import load
from tools.clusters import ROOT, LocalCluster, cluster
from tools.killing import Ended, killed, left, variables

NETWORK, REPRESENTATION, OTHER, EMBEDDING = "digits-simple", "digits-pca", "digits-pixels", "digits-pixels-spectral"
PICTURES, N_PICTURES = "pictures", 600
# What the stages below read and none of them writes.
BEFORE = (
    ("extract", "digits"),
    ("preprocess", "digits"),
    ("train", "autoencoders", NETWORK),
    ("encode", NETWORK),
    ("represent", OTHER),
)
STAGES = (
    ("extract", PICTURES),
    ("preprocess", "digits"),
    ("encode", NETWORK),
    ("represent", REPRESENTATION),
    ("cluster", NETWORK),
    ("search", NETWORK),
    ("embed", EMBEDDING),
)
# So small that a stage has dozens of pieces of work.
SMALL = {
    "autoencoders.core.rows.BLOCK_SIZE": 20,
    "autoencoders.core.rows.PART": 2,
    "autoencoders.embeddings.spectral.BLOCK_SIZE": 10,
    "autoencoders.sources.reading.GROUP_SMALL": 10,
    "autoencoders.uses.neighbours.PART": 30,
}
PROGRAM = f"""
import importlib, runpy, sys
for name, number in {SMALL!r}.items():
    module, _, constant = name.rpartition(".")
    assert hasattr(importlib.import_module(module), constant)
    setattr(sys.modules[module], constant, number)
sys.argv = sys.argv[1:]
runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
"""


def command(stage: tuple[str, ...]) -> list[str]:
    return ["-c", PROGRAM, f"stages.{stage[0]}", *stage[1:]]


def prepare(folder: Path) -> None:
    """Write parameters and pictures, and run what the stages need."""
    values: Any = load(ROOT / "params.yaml")
    values["in_memory"] = 0.01
    values["autoencoders"][NETWORK]["epochs"] = 1
    values["cluster"]["seeds"] = 1
    example: Any = load(ROOT / "examples/own-images/params.yaml")
    values["datasets"][PICTURES] = {**example["datasets"]["mine"], "path": PICTURES, "labels": "none"}
    (folder / "params.yaml").write_text(json.dumps(values), encoding="utf-8")
    run(folder, ["-m", "benchmarks.scripts.pictures", str(N_PICTURES), PICTURES])
    for stage in BEFORE:
        run(folder, command(stage))


def run(folder: Path, arguments: list[str]) -> None:
    subprocess.run([sys.executable, *arguments], cwd=folder, env=variables(), check=True, capture_output=True)


def digests(folder: Path) -> dict[Path, str]:
    """Return the SHA-256 of each file in a folder."""
    return {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.rglob("*") if path.is_file()}


def written(folder: Path, stage: tuple[str, ...]) -> dict[Path, str]:
    """Run a stage without a cluster, and return the SHA-256 of the files that it writes."""
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}
    run(folder, command(stage))
    return {path: digest for path, digest in digests(folder).items() if before.get(path) != path.stat().st_mtime_ns}


def tried(folder: Path, started: LocalCluster, stage: tuple[str, ...], least: int, chance: random.Random) -> list[str]:
    """Run a stage until enough workers are killed in it, and return what was wrong; the first run loses no worker."""
    expected, plain, kills, runs, wrong = written(folder, stage), None, 0, 0, list[str]()
    while plain is None or kills < least:
        for path in expected:
            path.unlink()
        most, seconds = (chance.randint(1, 3), plain.seconds) if plain else (0, 0.0)
        ended = killed(command(stage), variables(started.address), folder, started, most, seconds, chance)
        wrong += failures(folder, ended, expected)
        plain, kills, runs = plain or ended, kills + ended.kills, runs + 1
    how = "; ".join(wrong) or "the same bytes"
    print(f"{' '.join(stage)}: {kills} killed in {runs} runs, {plain.seconds:.1f} s without: {how}", flush=True)
    return wrong


def failures(folder: Path, ended: Ended, expected: dict[Path, str]) -> list[str]:
    """Return what is wrong with how a stage has ended."""
    if ended.code:
        return [f"exit code {ended.code}: {ended.last}", *left(folder)]
    found = digests(folder)
    return ["other bytes"] * any(found.get(path) != digest for path, digest in expected.items()) + left(folder)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--kills", type=int, default=20, help="how many workers are killed at least, in all stages")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0, help="of the moments and of what is killed")
    options = parser.parse_args()
    chance = random.Random(options.seed)
    each = -(-options.kills // len(STAGES))
    with tempfile.TemporaryDirectory(prefix="kills-") as scratch:
        folder = Path(scratch).resolve() / "work"
        folder.mkdir()
        prepare(folder)
        with cluster(folder.parent, options.workers) as started:
            wrong = [tried(folder, started, stage, each, chance) for stage in STAGES]
    n_failed = sum(map(len, wrong))
    print(f"{n_failed} failures")
    return n_failed


if __name__ == "__main__":
    sys.exit(min(main(), 1))
