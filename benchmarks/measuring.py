"""Processes and their cost, several measurements in one line, and the machine they were made on.

Nothing but the standard library is imported here: a process starts out with the peak memory of the one that starts it.
"""

import json
import os
import platform
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
HOME_VARIABLE = "AUTOENCODER_DATA_HOME"
# How often a process's own memory is read; a stage's largest arrays live longer than this.
SAMPLED_EVERY = 0.02
SAMPLED = (("RssAnon", "RssShmem"), ("VmHWM",))
PACKAGES = {"TensorFlow": ("tensorflow", "tensorflow-cpu"), "Keras": ("keras",), "PyTorch": ("torch",), "DVC": ("dvc",)}


class BenchmarkError(Exception):
    """A part cannot be measured; the message is one sentence for the user."""


@dataclass(frozen=True)
class Options:
    """What the command line asks for; see `python -m benchmarks --help`."""

    repetitions: int = 3
    chapter_repetitions: int = 3
    quick: bool = False
    scratch: Path | None = None
    seeds: int = 10
    draws: int = 10
    images: tuple[int, ...] = ()
    stages: tuple[str, ...] = ()
    output: Path | None = None


@dataclass(frozen=True)
class Child:
    """A process that has ended.

    Attributes
    ----------
    seconds : float
        From just before its start to its end.
    peak_memory : int
        Bytes resident at most, the pages of memory-mapped files among them, which the kernel may drop at any time.
        The kernel's own high-water mark, read every `SAMPLED_EVERY` seconds (what it tells of a process that has ended
        starts at the size of the one that started it).
    own_memory : int
        Bytes at most without those pages, read as often.
    output : str
        What it wrote to standard output and standard error.
    status : int
        Its exit code, negative for a signal.
    """

    seconds: float
    peak_memory: int
    own_memory: int
    output: str
    status: int


class OtherWork:
    """How much of the processors other programs take from here on."""

    def __init__(self):
        self.start = time.perf_counter(), *self._used()

    @staticmethod
    def _used() -> tuple[float, float]:
        user, nice, system, _, _, *interrupts = map(int, _first(Path("/proc/stat"), "cpu ", " ").split()[:8])
        own = os.times()
        busy = (user + nice + system + sum(interrupts)) / os.sysconf("SC_CLK_TCK")
        return busy, own.user + own.system + own.children_user + own.children_system

    def share(self) -> float:
        """Return the share of all cores' time that went neither idle nor to this process and those it waited for."""
        begun, busy, own = self.start
        now_busy, now_own = self._used()
        available = (time.perf_counter() - begun) * (os.cpu_count() or 1)
        return min(max((now_busy - busy - now_own + own) / available, 0.0), 1.0)


def environment(**more: str) -> dict[str, str]:
    """Return the environment of a process that imports this project's packages, with `more` variables."""
    # The folder of the interpreter, not of what it may be a link to: that is outside the virtual environment.
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "2", "DVC_NO_ANALYTICS": "1"}
    # Processes run in folders of their own, from which a relative path leads elsewhere.
    home = os.environ.get(HOME_VARIABLE)
    data = {HOME_VARIABLE: str(Path(home).expanduser().absolute())} if home else {}
    return {**os.environ, **quiet, **data, "PATH": path, "PYTHONPATH": str(ROOT), **more}


def run(
    command: Sequence[str],
    folder: Path,
    *,
    variables: Mapping[str, str] | None = None,
    limit: float | None = None,
    check: bool = True,
) -> Child:
    """Run a command to its end and return what it cost.

    Parameters
    ----------
    command : sequence of str
        Program and arguments; "python" stands for the interpreter that runs this.
    folder : Path
        The working directory.
    variables : mapping, optional
        The environment; `environment()` if there is none.
    limit : float, optional
        Seconds after which the process, with all it started, is killed.
    check : bool
        Whether an exit code other than 0 is an error.

    Raises
    ------
    BenchmarkError
        If `check` holds and the command fails.
    """
    command = [sys.executable if command[0] == "python" else command[0], *command[1:]]
    with tempfile.TemporaryFile() as output:
        start = time.perf_counter()
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=variables or environment(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            # A group of its own, so that what it started can be stopped with it.
            start_new_session=True,
        )
        over = threading.Event()
        peaks = [0, 0]
        sampler = threading.Thread(target=_sample, args=(process.pid, over, peaks), daemon=True)
        sampler.start()
        killer = threading.Timer(limit, os.killpg, (process.pid, signal.SIGKILL)) if limit else None
        if killer:
            killer.start()
        try:
            _, status = os.waitpid(process.pid, 0)
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise
        finally:
            over.set()
            if killer:
                killer.cancel()
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        sampler.join()
        output.seek(0)
        text = output.read().decode(errors="replace")
    if check and process.returncode:
        last = text.strip().splitlines()[-1:] or ["it said nothing"]
        raise BenchmarkError(f"`{' '.join(command[:6])}` ended with {process.returncode}: {last[0]}")
    return Child(seconds, peaks[1], peaks[0], text, process.returncode)


def _sample(pid: int, over: threading.Event, peaks: list[int]) -> None:
    while not over.wait(SAMPLED_EVERY):
        try:
            status = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
        except OSError:
            return
        found = {line.split(":")[0]: line.split() for line in status.splitlines()}
        own, peak = (sum(1024 * int(found.get(name, [0, 0])[1]) for name in names) for names in SAMPLED)
        peaks[:] = max(peaks[0], own), max(peaks[1], peak)


def json_lines(output: str) -> list[dict]:
    """Return the JSON objects among a script's lines, whatever its libraries printed between them."""
    return [json.loads(line) for line in output.splitlines() if line.startswith("{") and line.endswith("}")]


def summary(values: Sequence[float]) -> dict:
    """Return the median and the range of several measurements of the same, with the measurements themselves."""
    return {
        "median": statistics.median(values),
        "min": min(values),
        "max": max(values),
        "values": [float(value) for value in values],
    }


def ratios(numerators: Sequence[float], denominators: Sequence[float]) -> dict:
    """Return the summary of the quotients of measurements made one beside the other.

    Where one side was measured less often, its measurements serve again in their order.
    """
    n = max(len(numerators), len(denominators))
    pairs = ((numerators[i % len(numerators)], denominators[i % len(denominators)]) for i in range(n))
    return summary([numerator / denominator for numerator, denominator in pairs])


def machine() -> dict:
    """Return processor, cores, memory and versions."""
    cpuinfo = _first(Path("/proc/cpuinfo"), "model name") or platform.processor() or platform.machine()
    kilobytes = (_first(Path("/proc/meminfo"), "MemTotal") or "0").split()[0]
    versions = {name: found for name, packages in PACKAGES.items() if (found := version(*packages))}
    return {
        "processor": cpuinfo,
        "cores": os.cpu_count(),
        "memory_gib": round(int(kilobytes) / 2**20, 1),
        "versions": {"Python": platform.python_version(), **versions},
    }


def version(*packages: str) -> str | None:
    """Return the version of the first of `packages` that is installed, found without importing it."""
    for package in packages:
        try:
            return metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return None


def _first(file: Path, key: str, separator: str = ":") -> str | None:
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    return next((line.partition(separator)[2].strip() for line in lines if line.startswith(key)), None)
