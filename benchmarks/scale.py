"""Stages in one process and on workers of a Dask cluster on this machine: time, bytes sent, memory of the workers."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks import workspace
from benchmarks.growth import NETWORK, lacking
from benchmarks.measuring import Options, environment, ratios, run, summary
from benchmarks.tables import figure, table

TITLE = "Scale: stages on workers of a Dask cluster, synthetic 32×32×3 images"
SIZES, SIZES_QUICK = (100_000, 1_000_000), (5_000,)
WORKERS = (1, 2)
# Made once, by one process.
BEFORE = [["stages.preprocess", "photos"], ["stages.train", "autoencoders", NETWORK]]
STAGES = {
    "preprocess": ["stages.preprocess", "photos"],
    "encode": ["stages.encode", NETWORK],
    "represent": ["stages.represent", "photos-pca"],
    "cluster": ["stages.cluster", NETWORK],
    "search": ["stages.search", NETWORK],
}
# MiB, so that codes go through blocks at the smaller size too.
IN_MEMORY = 64
LIMIT = 3 * 3600.0
# In a process of its own: what this one imports would count as memory of those that it starts.
WAIT = """
import sys
from distributed import Client
Client(sys.argv[1], timeout=120).wait_for_workers(int(sys.argv[2]), timeout=120)
"""


def measure(options: Options, log: Callable[[str], None]) -> dict:
    """Return for each size, number of workers (0: none) and stage the seconds, bytes sent and memory of a worker."""
    values = workspace.parameters(options)
    values["datasets"]["photos"]["limit"] = None
    values["autoencoders"][NETWORK]["epochs"] = 1
    values["in_memory"] = 1 if options.quick else IN_MEMORY
    sizes, notes = {}, {}
    for size in SIZES_QUICK if options.quick else SIZES:
        if reason := lacking(size, shutil.disk_usage(options.scratch or tempfile.gettempdir()).free):
            notes[str(size)] = reason
            continue
        with workspace.scratch(options) as folder:
            workspace.write_parameters(folder, values)
            log(f"{size:,} images: writing them")
            run(["python", "-m", "benchmarks.scripts.synthetic", str(size)], folder)
            for command in BEFORE:
                run(["python", "-m", *command], folder, limit=LIMIT)
            sizes[str(size)] = {str(n): _stages(folder, n, size, options, log) for n in (0, *WORKERS)}
    return {"sizes": sizes, "ratios": _ratios(sizes), "notes": notes}


def _stages(folder: Path, n: int, size: int, options: Options, log: Callable[[str], None]) -> dict:
    found: dict[str, dict[str, list]] = {}
    with _cluster(folder, n) as (address, workers):
        variables = environment(DASK_SCHEDULER_ADDRESS=address or "")
        for _ in range(options.repetitions):
            for stage, (module, *arguments) in STAGES.items():
                before = _sent()
                child = run(["python", "-m", module, *arguments], folder, variables=variables, limit=LIMIT)
                each = {"seconds": child.seconds, "peak_memory": child.peak_memory, "sent": _sent() - before}
                each["worker_memory"] = max((_peak(worker.pid) for worker in workers), default=0)
                for key, value in each.items():
                    found.setdefault(stage, {}).setdefault(key, []).append(value)
                log(f"{size:,} images, {n} workers: {stage} {child.seconds:.1f} s")
    return {stage: {key: summary(values) for key, values in each.items()} for stage, each in found.items()}


@contextmanager
def _cluster(folder: Path, n: int) -> Iterator[tuple[str | None, list[subprocess.Popen]]]:
    """Yield the address of a scheduler with `n` workers, and the workers; nothing where `n` is 0."""
    if not n:
        yield None, []
        return
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    address, started = f"tcp://127.0.0.1:{port}", []

    def start(*arguments: str) -> None:
        command = [sys.executable, "-m", "dask", *arguments, "--host", "127.0.0.1", "--no-dashboard"]
        silent = subprocess.DEVNULL
        started.append(subprocess.Popen(command, cwd=folder, env=environment(), stdout=silent, stderr=silent))

    try:
        start("scheduler", "--port", str(port))
        for _ in range(n):
            start("worker", address, "--nthreads", "1", "--no-nanny", "--memory-limit", "0")
        run(["python", "-c", WAIT, address, str(n)], folder, limit=300)
        yield address, started[1:]
    finally:
        for process in started:
            process.kill()
            process.wait()


def _sent() -> int:
    """Return the bytes that went over the loopback interface so far, whoever sent them."""
    lines = Path("/proc/net/dev").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[9]) for line in lines if line.strip().startswith("lo:"))


def _peak(pid: int) -> int:
    """Return the most bytes that a process has had in memory since it started."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
    return 1024 * next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))


def _ratios(sizes: dict) -> dict:
    return {
        size: {
            n: {
                stage: ratios(each["seconds"]["values"], by_n["0"][stage]["seconds"]["values"])
                for stage, each in of.items()
            }
            for n, of in by_n.items()
            if n != "0"
        }
        for size, by_n in sizes.items()
    }


def lines(result: dict) -> list[str]:
    """Return the part as Markdown."""
    rows = []
    for size, by_n in result["sizes"].items():
        for stage in STAGES:
            for n, stages in by_n.items():
                found, ratio = stages[stage], result["ratios"][size].get(n, {}).get(stage)
                memory = (figure(found[key], 0, factor=2**-20) for key in ("peak_memory", "worker_memory"))
                cells = [figure(found["seconds"]), figure(ratio, 2) if ratio else "", *memory]
                rows.append([stage, f"{int(size):,}", n, *cells, figure(found["sent"], 0, factor=2**-20)])
    header = ["stage", "images", "workers", "seconds", "seconds ×", "peak MiB", "peak MiB of a worker", "MiB sent"]
    return [
        *table(header, rows),
        "",
        f"Training images, with a tenth as many test images; in_memory {IN_MEMORY} MiB. Without workers a stage uses",
        f"all {os.cpu_count()} cores where it can, a worker one. A worker's peak is that of all stages so far. What is",
        "sent is what went over the loopback interface, by other programs too.",
        *(f"{int(size):,} images: {note}" for size, note in result["notes"].items()),
    ]
