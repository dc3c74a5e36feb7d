"""Stages in one process and on workers of a Dask cluster on this machine: time, bytes sent, memory of the workers.

Workers hold one core each, so that two cores can show what two machines of one core would do. A stage in one process is
measured on one core, which ratios are to, and on all cores.
"""

import os
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks import results, workspace
from benchmarks.growth import NETWORK, lacking
from benchmarks.measuring import Options, environment, ratios, run, summary
from benchmarks.tables import figure, table

TITLE = "Scale: stages on workers of a Dask cluster"
SIZES, SIZES_QUICK = (100_000, 1_000_000), (5_000,)
# Cores of the stage's own process, or workers of one core each.
ONE_CORE, ALL_CORES = "one core", "all cores"
HOW = {ONE_CORE: 0, ALL_CORES: 0, "1 worker": 1, "2 workers": 2}
# A network whose training workers share, if its epoch is long enough, and one for the codes.
SHARED = "photos-strided"
EMBEDDING, REPRESENTATION = "photos-pca-spectral", "photos-pca"
PICTURES = "pictures"
STAGES = {
    "extract": ["stages.extract", PICTURES],
    "preprocess": ["stages.preprocess", "photos"],
    "train": ["stages.train", "autoencoders", SHARED],
    "encode": ["stages.encode", NETWORK],
    "represent": ["stages.represent", REPRESENTATION],
    "embed": ["stages.embed", EMBEDDING],
    "cluster": ["stages.cluster", NETWORK],
    "search": ["stages.search", NETWORK],
}
# Of more images than these, a training and an embedding take hours, and are measured only where they are asked for; and
# what all cores gain is measured only of stages that take a minute.
MANY = 100_000
HOURS, MINUTES = ("train", "embed"), ("preprocess", "encode", "cluster", "search")
# So many that K-means takes some 80 steps; it finds the ten prototypes in two, photographs' clusters in 47 to 70.
N_CLUSTERS = 50
# Of the images that the network learns from: how good its codes are does not matter here.
LEARNT = 5_000
# MiB, so that codes go through blocks at the smaller size too.
IN_MEMORY = 16
LIMIT = 3 * 3600.0
# As docs/scale.md says: by default a worker looks a hundred times a second at what its tasks do.
NO_PROFILE = {"DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED": "False"}
# In a process of its own: what this one imports would count as memory of those that it starts.
WAIT = """
import sys
from distributed import Client
Client(sys.argv[1], timeout=120).wait_for_workers(int(sys.argv[2]), timeout=120)
"""
KEYS = ("seconds", "processor", "peak_memory", "worker_memory", "sent")


def measure(options: Options, log: Callable[[str], None]) -> Iterator[dict]:
    """Yield what is measured so far: for each size, way to run and stage the seconds, bytes sent and memory.

    A stage is measured in all ways, one after the other, before the next stage, so that other work on the machine
    falls on all of them.
    """
    result: dict = {"sizes": {}, "notes": {}}
    if options.stages or options.images:
        result = _measured(options.output) or result
    for size in options.images or (SIZES_QUICK if options.quick else SIZES):
        if reason := lacking(size, shutil.disk_usage(options.scratch or tempfile.gettempdir()).free):
            result["notes"][str(size)] = reason
            continue
        stages = [
            stage
            for stage in STAGES
            if stage in options.stages or not (options.stages or stage in HOURS and size > MANY)
        ]
        with workspace.scratch(options) as folder:
            workspace.write_parameters(folder, _parameters(options))
            log(f"{size:,} images: writing them")
            run(["python", "-m", "benchmarks.scripts.synthetic", str(LEARNT)], folder)
            for stage in ("preprocess photos", f"train autoencoders {NETWORK}"):
                run(["python", "-m", *f"stages.{stage}".split()], folder, limit=LIMIT)
            shutil.rmtree(folder / "data")
            run(["python", "-m", "benchmarks.scripts.synthetic", str(size)], folder)
            found = result["sizes"].setdefault(str(size), {how: {} for how in HOW})
            for stage in _with_needs(stages):
                if stage not in stages:
                    run(["python", "-m", *STAGES[stage]], folder, limit=LIMIT)
                    continue
                if stage == "extract":
                    run(["python", "-m", "benchmarks.scripts.pictures", str(size), PICTURES], folder)
                ways = [how for how in HOW if how != ALL_CORES or size <= MANY or stage in MINUTES]
                for how, of in _stage(folder, STAGES[stage], ways, options).items():
                    found[how][stage] = of
                    log(f"{size:,} images, {how}: {stage} {of['seconds']['median']:.1f} s")
                result["ratios"] = _ratios(result["sizes"])
                yield result


def _measured(output: Path | None) -> dict | None:
    """Return what was measured before."""
    entry = results.load(output).get("scale") if output else None
    return entry["result"] if entry else None


def _with_needs(stages: list[str]) -> list[str]:
    """Return stages with those that write what they read, in the order of `STAGES`."""
    needs = dict.fromkeys(STAGES, {"preprocess"}) | {"extract": set()}
    needs |= {"embed": {"preprocess", "represent"}} | dict.fromkeys(("cluster", "search"), {"preprocess", "encode"})
    wanted = set(stages).union(*(needs[stage] for stage in stages))
    return [stage for stage in STAGES if stage in wanted]


def _parameters(options: Options) -> dict:
    """Return the default graph's parameters with one epoch, one clustering, and a data set of pictures."""
    values = workspace.parameters(options)
    values["datasets"]["photos"]["limit"] = None
    values["datasets"][PICTURES] = {
        **{"source": "folder", "path": PICTURES, "labels": "none", "size": [32, 32], "fit": "crop", "colour": "rgb"},
        **{"unreadable": "stop", "max_pixels": 10**8, "limit": None, "seed": 0},
        **{"test_share": 0.1, "validation_share": 0.1},
    }
    for name in (NETWORK, SHARED):
        values["autoencoders"][name] |= {"epochs": 1}
    values["in_memory"] = 1 if options.quick else IN_MEMORY
    kmeans = {**values["cluster"]["kmeans"], "n_init": 3}
    first = next(iter(values["cluster"]["clusterings"].items()))
    values["cluster"] |= {"clusterings": dict([first]), "n_clusters": N_CLUSTERS, "seeds": 1, "kmeans": kmeans}
    of = next(block for block in values["embeddings"].values() if block["kind"] == "spectral")
    values["embeddings"][EMBEDDING] = {**of, "of": REPRESENTATION, "dataset": "photos"}
    return values


def _stage(folder: Path, command: list[str], ways: list[str], options: Options) -> dict:
    found: dict[str, dict[str, list]] = {}
    for _ in range(options.repetitions):
        for how in ways:
            with _cluster(folder, HOW[how]) as (address, workers):
                sent, used = _sent(), _processor(workers)
                variables = environment(DASK_SCHEDULER_ADDRESS=address or "")
                with _held_to({0} if how == ONE_CORE else None):
                    child = run(["python", "-m", *command], folder, variables=variables, limit=LIMIT)
                each = {"seconds": child.seconds, "processor": _processor(workers) - used, "sent": _sent() - sent}
                each |= {"peak_memory": child.peak_memory, "worker_memory": max(map(_peak, workers), default=0)}
            for key, value in each.items():
                found.setdefault(how, {}).setdefault(key, []).append(value)
    return {how: {key: summary(values) for key, values in of.items()} for how, of in found.items()}


@contextmanager
def _held_to(cores: set[int] | None) -> Iterator[None]:
    """Hold what is started here to some of the cores."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores or before)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@contextmanager
def _cluster(folder: Path, n: int) -> Iterator[tuple[str | None, list[int]]]:
    """Yield the address of a scheduler with `n` workers, and their process numbers; nothing where `n` is 0."""
    if not n:
        yield None, []
        return
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    address, started = f"tcp://127.0.0.1:{port}", []

    def start(*arguments: str) -> None:
        command = [sys.executable, "-m", "dask", *arguments, "--host", "127.0.0.1", "--no-dashboard"]
        silent, variables = subprocess.DEVNULL, environment(**NO_PROFILE)
        started.append(subprocess.Popen(command, cwd=folder, env=variables, stdout=silent, stderr=silent))

    try:
        start("scheduler", "--port", str(port))
        for core in range(n):
            with _held_to({core}):
                start("worker", address, "--nthreads", "1", "--no-nanny", "--memory-limit", "0")
        run(["python", "-c", WAIT, address, str(n)], folder, limit=300)
        yield address, [process.pid for process in started[1:]]
    finally:
        for process in started:
            process.kill()
            process.wait()


def _sent() -> int:
    """Return the bytes that went over the loopback interface so far, whoever sent them."""
    lines = Path("/proc/net/dev").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[9]) for line in lines if line.strip().startswith("lo:"))


def _processor(pids: list[int]) -> float:
    """Return the processor seconds that ended children of this process, and workers with theirs, have taken so far."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    ticks = 0
    for pid in pids:
        # After the name in brackets, which may hold blanks; user and system time, own and of ended children.
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
        ticks += sum(map(int, fields[11:15]))
    return ended.ru_utime + ended.ru_stime + ticks / os.sysconf("SC_CLK_TCK")


def _peak(pid: int) -> int:
    """Return the most bytes that a process has had in memory since it started."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
    return 1024 * next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))


def _ratios(sizes: dict) -> dict:
    return {
        size: {
            how: {
                stage: ratios(each["seconds"]["values"], by_how[ONE_CORE][stage]["seconds"]["values"])
                for stage, each in of.items()
            }
            for how, of in by_how.items()
            if how != ONE_CORE
        }
        for size, by_how in sizes.items()
    }


def lines(result: dict) -> list[str]:
    """Return the part as Markdown."""
    rows = []
    for size, by_how in result["sizes"].items():
        for stage in (stage for stage in STAGES if stage in by_how[ONE_CORE]):
            for how, stages in by_how.items():
                if stage not in stages:
                    continue
                found, ratio = stages[stage], result["ratios"][size].get(how, {}).get(stage)
                memory = (figure(found[key], 0, factor=2**-20) for key in ("peak_memory", "worker_memory", "sent"))
                times = [figure(found["seconds"]), figure(ratio, 2) if ratio else "", figure(found["processor"])]
                rows.append([stage, f"{int(size):,}", how, *times, *memory])
    header = ["stage", "images", "run", "seconds", "seconds ×", "processor s"]
    header += ["peak MiB", "peak MiB of a worker", "MiB sent"]
    return [
        *table(header, rows),
        "",
        f"Synthetic 32×32×3 training images, with a tenth as many test images; `extract` reads JPEG files of 256×192. "
        f"in_memory {IN_MEMORY} MiB. `train` is one epoch of {SHARED}; `encode`, `search` and `cluster` (K-means in "
        f"full, {N_CLUSTERS} clusters, one seed) are those of {NETWORK}. Each worker is held to one core, and Dask's "
        "profiles are off. Ratios are to a run on one core. Processor seconds are those of the stage and the workers. "
        "Peaks include pages of mapped files. What is sent is what went over the loopback interface, by other programs "
        "too.",
        *(f"{int(size):,} images: {note}" for size, note in result["notes"].items()),
    ]
