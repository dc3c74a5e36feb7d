"""Work on the workers of a Dask cluster. Imported only where a scheduler's address is given.

Workers see the caller's files under the caller's paths. What is sent to them are a function and slices of rows; they
read and write the rows themselves (`stages.shared.files.StoredArray`, `stages.shared.filling.fill`).
"""

import logging
import math
import secrets
import time
import warnings
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Sized
from concurrent.futures import CancelledError
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from autoencoders.core.errors import InputError
from stages.shared.tasks import OF_BLOCKS, described, same, work

try:
    import cloudpickle
    import distributed
    from distributed.comm.core import CommClosedError
except ImportError:
    raise InputError(
        "A scheduler's address is given, but Dask is not installed; install the extra `cluster` (`pip install "
        "distributed`), or unset DASK_SCHEDULER_ADDRESS."
    ) from None

# Seconds that a task takes at most and at least, about, and the most items that it has: to hand one out takes some
# milliseconds, and long ones leave workers idle at the end.
LONG_TASK, SHORT_TASK, MOST_ITEMS = 1.0, 0.05, 256
# Tasks that are in work or wait, for each thread of the cluster: what bounds the memory that results take here.
IN_FLIGHT = 2
# A task whose workers died is tried again so often: each time Dask itself tries four workers.
KILLED_TASKS = 10
# Seconds to connect, and after which is looked whether there are workers.
CONNECT, LOOK = 30, 5


def connected(address: str) -> Any:
    """Return a client of the scheduler at an address, which is to be closed.

    Raises
    ------
    InputError
        If no scheduler answers there.
    """
    # What matters of Dask's own lines is said in a sentence.
    for name in list(logging.root.manager.loggerDict):
        if name.startswith("distributed"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        return distributed.Client(address, timeout=CONNECT, set_as_default=False)
    except (OSError, ValueError) as error:
        raise InputError(
            f"No scheduler answers at '{address}' ({type(error).__name__}); start `dask scheduler` there, correct "
            "DASK_SCHEDULER_ADDRESS, or unset it."
        ) from None


def project(packages: Collection[str]) -> dict[str, str]:
    """Return what a worker is compared with: this project's folder and modules, Python, processor, and packages."""
    return {name: _this_project()[name] for name in ("root", "modules", "Python", "processor", *packages)}


@cache
def _this_project() -> dict[str, str]:
    return described(str(Path(__file__).resolve().parents[2]))


def other_version(found: dict) -> InputError:
    """Return the sentence for a worker that differs, which `stages.shared.tasks` found."""
    what = ", ".join(f"{name} {theirs} instead of {ours}" for name, (theirs, ours) in found["other"].items())
    if list(found["other"]) == ["processor"]:
        return InputError(
            f"The worker {found['worker']} computes with the kernels of another kind of processor ({what}), which "
            "round differently; use one kind for the stage and all workers, or set OPENBLAS_CORETYPE and "
            "NPY_DISABLE_CPU_FEATURES alike where each of them starts."
        )
    return InputError(
        f"The worker {found['worker']} has another version of the project or its packages ({what}); give all workers "
        "this project's folder and environment, and restart those that ran before a change."
    )


class _Task(NamedTuple):
    future: Any
    items: list
    tried: int


class Cluster:
    """An engine (`autoencoders.core.engines`) that computes on the workers of a Dask scheduler.

    It connects when the first work comes. The results are the same bytes for any number of workers, since each is
    computed from its item alone, with one thread.

    Parameters
    ----------
    address : str
        Such as tcp://127.0.0.1:8786.
    log : callable
        Called with a line of text.

    Raises
    ------
    InputError
        From `results`: if no scheduler answers or it is lost, a worker has another version of the project or of its
        packages or another kind of processor, cannot read or write a file, or dies of one task again and again.
    """

    def __init__(self, address: str, log: Callable[[str], None] = print):
        self.address, self.log = address, log
        self._client: Any = None
        self._project: dict[str, str] = {}
        self._threads, self._looked = 0, 0.0
        self._lacking = False

    def results(self, function: Callable, items: Iterable) -> Iterator:
        client = self._connected()
        call = _Call(client, function, self._project)
        portions, waiting = _Portions(items), deque[_Task]()
        try:
            while True:
                while len(waiting) < self._window():
                    if not (portion := portions.take(self._threads)):
                        break
                    waiting.append(_Task(call.submit(portion), portion, 1))
                if not waiting:
                    return
                seconds, found = self._result(call, waiting.popleft())
                portions.took(seconds, len(found))
                yield from found
        except (CommClosedError, CancelledError, OSError) as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            raise InputError(
                f"The scheduler at {self.address} is lost ({reason}); start it again, or unset DASK_SCHEDULER_ADDRESS, "
                "and run the stage again."
            ) from None
        finally:
            if waiting and client.status == "running":
                client.cancel([task.future for task in waiting], force=True)

    def close(self) -> None:
        """Leave the cluster, as far as it was joined."""
        if self._client is not None:
            self._client.close(timeout=2)

    def _connected(self) -> Any:
        if self._client is not None:
            return self._client
        self._client = connected(self.address)
        self._project = project(OF_BLOCKS)
        self._look()
        self.log(
            f"on the cluster at {self.address}, which has {self._threads} threads; dashboard: "
            f"{self._client.dashboard_link}"
        )
        return self._client

    def _window(self) -> int:
        if time.monotonic() - self._looked > LOOK:
            self._look()
        return max(IN_FLIGHT * self._threads, 2)

    def _look(self) -> None:
        self._threads = self._client.scheduler_info(n_workers=0)["total_threads"]
        self._looked = time.monotonic()
        if not self._threads and not self._lacking:
            self.log(f"the cluster at {self.address} has no worker; waiting for one")
        self._lacking = not self._threads

    def _result(self, call: "_Call", task: _Task) -> tuple[float, list]:
        while True:
            try:
                found = task.future.result(timeout=LOOK)
            except distributed.TimeoutError:
                self._look()
            except distributed.scheduler.KilledWorker as error:
                if task.tried == KILLED_TASKS:
                    raise InputError(
                        f"Workers of the cluster at {self.address} died {4 * KILLED_TASKS} times of one task, "
                        f"{error.last_worker.address} last; give workers more memory (--memory-limit), or lower "
                        "in_memory."
                    ) from None
                task = _Task(call.submit(task.items), task.items, task.tried + 1)
            else:
                task.future.release()
                return _told(found)


class _Portions:
    """Divides items among tasks: a second's work each, and less near the end, so that all workers end at one time.

    A task gets at most half of what each thread would have to do of the items that are left (Polychronopoulos and Kuck,
    "Guided self-scheduling", 1987). Where the number of items is not known, no task is shorter near the end. The first
    tasks have one item each: what an item takes is not known, and Dask gives all of them to the one worker that
    has the function yet.
    """

    def __init__(self, items: Iterable):
        self.items, self.left = iter(items), len(items) if isinstance(items, Sized) else None
        self.size, self.least = 1, 1

    def take(self, threads: int) -> list:
        """Return the items of the next task, none at the end; `threads` are those of the cluster."""
        size = self.size
        if self.left is not None:
            size = min(size, max(self.least, math.ceil(self.left / (2 * max(threads, 1)))))
        portion = list(islice(self.items, size))
        if self.left is not None:
            self.left -= len(portion)
        return portion

    def took(self, seconds: float, n: int) -> None:
        """Learn what `n` items took."""
        each = seconds / n
        # At most twice as many each time, so that no first item that was quick decides.
        self.size, self.least = min(_number(LONG_TASK, each), 2 * self.size), _number(SHORT_TASK, each)


def _number(seconds: float, each: float) -> int:
    """Return how many items take so many seconds, at least one."""
    return min(max(1, int(seconds / max(each, 1e-6))), MOST_ITEMS)


class _Call:
    """One function on the cluster, which each worker fetches once."""

    def __init__(self, client: Any, function: Callable, project: dict[str, str]):
        self.client, self.project, self.name = client, project, f"{_name(function)}-{secrets.token_hex(4)}"
        self.payload = cloudpickle.dumps(function)
        self.function: Any = None
        self.submitted = 0

    def submit(self, items: list) -> Any:
        with warnings.catch_warnings():
            # A projection of wide vectors takes some MB.
            warnings.filterwarnings("ignore", message="Sending large graph")
            if self.function is None or self.function.status in ("error", "cancelled"):
                # A task and no scattered data, since it is made again if the worker that has it dies.
                self.function = self.client.submit(
                    same, self.payload, key=f"function-{self.name}-{self.submitted}", pure=False
                )
            self.submitted += 1
            return self.client.submit(
                work,
                self.function,
                self.name,
                cloudpickle.dumps(items),
                self.project,
                key=f"{self.name}-{self.submitted}",
                pure=False,
            )


def _name(function: Any) -> str:
    """Return the name of a function, by which the dashboard shows its tasks."""
    while (inner := getattr(function, "function", None) or getattr(function, "func", None)) is not None:
        function = inner
    return getattr(function, "__name__", type(function).__name__).strip("_")


def _told(found: dict) -> tuple[float, list]:
    """Return the seconds and results of a task, or say why a worker has none."""
    if "other" in found:
        raise other_version(found)
    if "failed" in found:
        raise InputError(
            f"The worker {found['worker']} could not go on ({found['failed']}); correct that, and run the stage again."
        )
    return found["seconds"], found["results"]
