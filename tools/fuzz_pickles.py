"""Read mutated and constructed pickles, and fail unless each ends in one sentence or in proper images.

    python -m tools.fuzz_pickles --mutated 100000 --constructed 1000 --seed 0

Each batch of pickles is read in a process of its own, whose address space may grow by `--memory` MiB. What counts as a
failure: any exception but `InputError`, a message that is not one printable line, anything written to standard error, a
crash, more than `SECONDS` of processor time, images or labels that are not what the reader promises.
"""

import argparse
import gc
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from autoencoders.core.errors import InputError
from autoencoders.sources import pickles
from tools import odd_pickles, pickle_parts

STATUS = Path("/proc/self/status")
ROOT = Path(__file__).resolve().parents[1]
KINDS = {"mutated": odd_pickles.mutated, "constructed": odd_pickles.constructed}
BATCH = 10_000
MEMORY = 300
SECONDS = 1.0
# After which a process is ended that neither fails nor goes on.
PATIENCE = 30
LONGEST_MESSAGE = 600


@dataclass
class Outcome:
    """What became of some pickles, each of which is read twice: for images and for class names.

    `read` and `refused` count how often which happened, `slowest` is in seconds of processor time, `growth` is the
    most address space that a process took beyond its first in MiB, pickles made included, and `failures` says what
    went wrong, one text each.
    """

    read: int = 0
    refused: int = 0
    slowest: float = 0.0
    growth: float = 0.0
    failures: list[str] = field(default_factory=list)

    def add(self, other: "Outcome") -> None:
        """Count another outcome in."""
        self.read += other.read
        self.refused += other.refused
        self.slowest = max(self.slowest, other.slowest)
        self.growth = max(self.growth, other.growth)
        self.failures += other.failures


def main(arguments: list[str] | None = None) -> int:
    """Read the pickles, print a line about them and one for each failure, and return the exit code: 1 if any failed."""
    asked = _parse(arguments)
    if asked.held:
        kind, *numbers = asked.held
        seed, first, count = map(int, numbers)
        return _held(kind, seed, first, count, asked.memory)
    if not STATUS.exists():
        sys.exit(f"error: {STATUS} is missing, which says how much memory is used; run this on Linux.")
    begun = time.perf_counter()
    total = Outcome()
    for kind in KINDS:
        count = getattr(asked, kind)
        for first in range(0, count, BATCH):
            total.add(_batch(kind, asked.seed, first, min(BATCH, count - first), asked.memory))
    for failure in total.failures:
        print(failure, file=sys.stderr)
    print(
        f"{asked.mutated} mutated and {asked.constructed} constructed pickles of seed {asked.seed} "
        f"in {time.perf_counter() - begun:.0f} s, each read for images and for names: {total.refused} refusals, "
        f"{total.read} readings, {len(total.failures)} failures; slowest {total.slowest:.2f} s, "
        f"at most {total.growth:.0f} MiB more memory"
    )
    return 1 if total.failures else 0


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tools.fuzz_pickles", description=__doc__.partition("\n")[0])
    parser.add_argument("--mutated", type=int, default=100_000, help="how many honest pickles to mutate")
    parser.add_argument("--constructed", type=int, default=1000, help="how many harmful pickles to construct")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--memory", type=int, default=MEMORY, help="by how many MiB a process may grow")
    parser.add_argument("--held", nargs=4, metavar=("KIND", "SEED", "FIRST", "COUNT"), help=argparse.SUPPRESS)
    return parser.parse_args(arguments)


def _batch(kind: str, seed: int, first: int, count: int, memory: int) -> Outcome:
    """Read some pickles in a process of their own, and name the one that ended it if it did not end by itself."""
    numbers = map(str, (seed, first, count))
    command = [sys.executable, "-m", "tools.fuzz_pickles", "--memory", str(memory), "--held", kind, *numbers]
    with tempfile.TemporaryFile("w+") as messages:
        done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=messages, text=True, check=False)
        messages.seek(0)
        written = messages.read()
    last = (done.stdout.splitlines() or [str(first)])[-1]
    if done.returncode == 0:
        return Outcome(**json.loads(last))
    return Outcome(failures=[_failure(kind, seed, int(last), f"exit code {done.returncode}: {written[-2000:]}")])


def _failure(kind: str, seed: int, index: int, what: str) -> str:
    with tempfile.NamedTemporaryFile(prefix=f"{kind}-{seed}-{index}-", suffix=".pkl", delete=False) as file:
        file.write(KINDS[kind](seed, index))
    return f"{file.name}: {what}"


def _held(kind: str, seed: int, first: int, count: int, memory: int) -> int:
    """Read some pickles in this process, with its memory limited; print each one's number, then the outcome as JSON."""
    # Not on Windows, where this module can still be imported.
    import resource

    # A warning would be a message that nobody asked for.
    warnings.simplefilter("error")
    outcome = Outcome()
    before = _mebibytes("VmSize")
    most = int((before + memory) * 2**20)
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    for index in range(first, first + count):
        # Unbuffered, so that the parent knows the number if this process crashes.
        os.write(sys.stdout.fileno(), b"%d\n" % index)
        signal.alarm(PATIENCE)
        content = KINDS[kind](seed, index)
        written = os.fstat(sys.stderr.fileno()).st_size
        problems = _problems(content, outcome)
        if os.fstat(sys.stderr.fileno()).st_size > written:
            problems.append("it made Python or NumPy write to standard error")
        outcome.failures += [_failure(kind, seed, index, problem) for problem in problems]
        if kind == "constructed":
            # Large values that hold themselves wait for the collector, which a program that reads one pickle can do.
            gc.collect()
    outcome.growth = _mebibytes("VmPeak") - before
    print(json.dumps(asdict(outcome)))
    return 0


def _problems(content: bytes, outcome: Outcome) -> list[str]:
    """Read a pickle for its images and for its class names, and return what went wrong."""
    problems = []
    for read in (_images, _names):
        begun = time.process_time()
        try:
            problems += read(content)
            outcome.read += 1
        except InputError as error:
            message = str(error)
            outcome.refused += 1
            if not message.isprintable() or not message.endswith(".") or len(message) > LONGEST_MESSAGE:
                problems.append(
                    f"the message is not one line of at most {LONGEST_MESSAGE} characters: {message!a:.1000}"
                )
        except Exception:
            problems.append(traceback.format_exc(limit=-3))
        seconds = time.process_time() - begun
        outcome.slowest = max(outcome.slowest, seconds)
        if seconds > SECONDS:
            problems.append(f"it took {seconds:.1f} s")
    return problems


def _images(content: bytes) -> list[str]:
    shape = pickle_parts.SHAPE
    images, labels = pickles.labelled_images(content, "it", "batch", pickle_parts.IMAGES, pickle_parts.LABELS, shape)
    # Summing touches every byte, which crashes if the array points anywhere else.
    are_images = images.dtype == np.uint8 and images.shape == (len(labels), *shape) and images.sum() >= 0
    are_labels = labels.dtype == np.int64 and labels.ndim == 1 and 0 <= labels.min() <= labels.max() <= 9
    return [] if are_images and are_labels else ["images or labels are not what is promised"]


def _names(content: bytes) -> list[str]:
    names = pickles.class_names(content, "it", "file of class names", pickle_parts.NAMES)
    return [] if len(names) == 10 and all(type(name) is str for name in names) else ["class names are not ten texts"]


def _mebibytes(quantity: str) -> float:
    (line,) = [line for line in STATUS.read_text().splitlines() if line.startswith(f"{quantity}:")]
    return int(line.split()[1]) / 1024


if __name__ == "__main__":
    sys.exit(main())
