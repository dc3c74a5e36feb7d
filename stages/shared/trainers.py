"""Training on the workers of a Dask cluster: one network on several at once, or a whole stage on one of them.

A worker starts a process of its own for each training (`autoencoders.training.processes`) and holds one at a time.
Workers see the caller's files under the caller's paths. A training that loses a worker starts anew on those that are
left: a stage on one worker gives the same bytes on any, and several give those losses but for rounding. Only a
`distributed.Client` is needed.
"""

import os
import pickle
import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import dask
import distributed

from autoencoders.core.errors import InputError
from autoencoders.training import costs
from autoencoders.training.jobs import Job, NotBegun, Outcome, WorkerLost
from autoencoders.training.processes import run_here, train_here
from stages.shared.leases import all_held, one_held, workers
from stages.shared.tasks import OF_TRAININGS, ready, watched
from stages.shared.workers import connected, other_version, project

ROOT = str(Path(__file__).resolve().parents[2])
# Seconds between two looks at the workers, until those that are told to stop must have done so, and until another
# worker must have come where none is left: Dask starts one that died again within some seconds.
INTERVAL, GRACE, REPLACEMENT = 0.5, 30.0, 60.0
# How often a training that loses a worker is begun.
TRIES = 4
# From which on workers share a training (`autoencoders.training.costs`), in Dask's configuration: it depends on their
# network and is a fact of the run.
LIMITS = {"long_epoch": costs.LONG_EPOCH, "products_a_parameter": costs.PRODUCTS_A_PARAMETER}
T = TypeVar("T")


def trained(address: str, job: Job, module: str, *arguments: str) -> Outcome | None:
    """Train on all workers of a cluster if that pays; else run the whole stage on one of them and return None.

    Parameters
    ----------
    address : str
        The scheduler's.
    job : Job
    module, *arguments : str
        The stage, as `python -m` takes it.

    Raises
    ------
    InputError
        As `train` and `run_stage` do, or if no scheduler answers, or a limit is no number.
    """
    limits = {name: _limit(name, default) for name, default in LIMITS.items()}
    client = connected(address)
    try:
        cost = costs.of_network(job.kind, job.preparation.shape(job.images.shape[1:]), job.settings)
        with _scheduler(job.name):
            n_workers = len(workers(client))
        if costs.several_pay(cost, len(job.images), job.settings["batch_size"], n_workers, **limits):
            print(f"{job.name}: trains on {n_workers} workers", flush=True)
            return train(client, job)
        run_stage(client, module, *arguments)
        return None
    finally:
        client.close(timeout=2)


def _limit(name: str, default: float) -> float:
    value = dask.config.get(f"autoencoder.{name}", default)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not value >= 0:
        raise InputError(
            f"autoencoder.{name} of Dask's configuration (DASK_AUTOENCODER__{name.upper()}) must be a number of at "
            f"least 0, such as {default:g}, but it is {value!r}."
        )
    return value


def train(client: distributed.Client, job: Job, addresses: Sequence[str] | None = None) -> Outcome:
    """Train one network on several workers at once, and return the outcome of the first.

    Parameters
    ----------
    client : distributed.Client
    job : Job
    addresses : sequence of str, optional
        Of workers; by default of all.

    Raises
    ------
    InputError
        In one sentence, if the training refuses its settings, a worker fails, has another version or does not come,
        workers are lost TRIES times or none is left, the scheduler is lost, or the workers' weights differ. No process
        of the training is left then.
    """
    what = f"the training of {job.name}"

    def attempt(there: list[str]) -> Outcome:
        with all_held(client, there) as held:
            hosts = _hosts(client, held, what)
            tasks = {each: _watched(train_here, job, hosts, index) for index, each in enumerate(held)}
            outcomes = _results(client, tasks, what)
        if len({outcome.digest for outcome in outcomes}) > 1:
            raise InputError(
                f"{what} ended in different weights on its {len(held)} workers; run it on one worker, or without a "
                f"cluster."
            )
        return outcomes[0]

    return _tried(client, what, attempt, addresses, "; their number changes its losses by rounding alone")


def run_stage(client: distributed.Client, module: str, *arguments: str) -> None:
    """Run a whole stage, in the working directory, on a worker that trains nothing else, and wait for its end.

    Raises
    ------
    InputError
        The stage's own sentence, or one that says how its process ended, that the worker has another version, that
        workers were lost TRIES times or none is left, or that the scheduler is lost.
    """
    what = " ".join([module.rpartition(".")[2], *arguments])

    def attempt(there: list[str]) -> None:
        with one_held(client) as address:
            _ports(client, [address], what)
            _results(client, {address: _watched(run_here, module, arguments, os.getcwd(), ROOT)}, what)

    _tried(client, what, attempt)


def _tried(
    client: distributed.Client,
    what: str,
    attempt: Callable[[list[str]], T],
    addresses: Sequence[str] | None = None,
    remark: str = "",
) -> T:
    """Return what `attempt` does on the workers that are there; it is tried again after it has lost one."""

    def there() -> list[str]:
        return [address for address in workers(client) if addresses is None or address in addresses]

    with _scheduler(what):
        if not (found := there()):
            raise InputError("the cluster has no worker to train on; start `dask worker`, or run without a cluster.")
        for number in range(1, TRIES + 1):
            try:
                return attempt(found)
            except NotBegun:
                # Workers that do not reach each other do so no better the next time.
                raise
            except WorkerLost as error:
                if number == TRIES:
                    break
                lost = str(error).partition(";")[0]
            limit = time.monotonic() + REPLACEMENT
            while not (found := there()):
                if time.monotonic() > limit:
                    raise InputError(
                        f"{lost}, and no other has come within {REPLACEMENT:g} s; nothing was written, start `dask "
                        f"worker` and run it again."
                    )
                time.sleep(INTERVAL)
            on = f"{len(found)} worker{'s' * (len(found) > 1)}" if remark else "another worker"
            print(f"{lost}, and starts anew on {on}{remark}", flush=True)
    raise InputError(f"{what} has lost a worker in each of {TRIES} tries; nothing was written, run it again.")


@contextmanager
def _scheduler(what: str) -> Iterator[None]:
    """Say it in a sentence if the scheduler is lost within the block."""
    try:
        yield
    except (OSError, distributed.CancelledError) as error:
        raise InputError(
            f"{what} has lost the scheduler ({type(error).__name__}); nothing was written, start the scheduler and run "
            f"it again."
        ) from None


def _ports(client: distributed.Client, addresses: Sequence[str], what: str) -> list[int]:
    """Return a free port of each worker; refuse one that has another version of the project or its packages."""
    found = _results(client, dict.fromkeys(addresses, (ready, project(OF_TRAININGS))), what)
    for each in found:
        if "other" in each:
            raise other_version(each)
    return [each["port"] for each in found]


def _hosts(client: distributed.Client, addresses: Sequence[str], what: str) -> list[str]:
    """Return `host:port` for each worker: the host where Dask reaches it, and a port that is free there."""
    others = [address for address in addresses if not address.startswith(("tcp://", "tls://"))]
    if others:
        raise InputError(
            f"{what} cannot run on the worker {others[0]}, which has no address in the network; start workers with "
            f"`dask worker`."
        )
    names = [address.split("://")[1].rpartition(":")[0] for address in addresses]
    for _ in range(10):
        hosts = [f"{name}:{port}" for name, port in zip(names, _ports(client, addresses, what), strict=True)]
        if len(set(hosts)) == len(hosts):
            break
    return hosts


def _watched(function: Callable, *arguments: Any) -> tuple:
    """Return the task of a function of `autoencoders.training.processes`."""
    return watched, pickle.dumps((function, arguments)), project(OF_TRAININGS)


def _results(client: distributed.Client, tasks: Mapping[str, tuple], what: str) -> list[Any]:
    """Return the results of functions that run at once, one on each worker; after a failure the others are stopped.

    Parameters
    ----------
    client : distributed.Client
    tasks : mapping
        By a worker's address a function, which is pickled by value, and its arguments.
    what : str
        The training or stage, for the sentences.
    """
    futures: dict[str, distributed.Future] = {}
    try:
        for address, task in tasks.items():
            futures[address] = client.submit(
                *task,
                key=f"{what.replace(' ', '-')}-{secrets.token_hex(4)}",
                workers=[address],
                allow_other_workers=False,
                pure=False,
                retries=0,
            )
        while not all(future.status == "finished" for future in futures.values()):
            if any(future.status in ("error", "cancelled", "lost") for future in futures.values()):
                raise _cause(client, futures, what)
            _check(client, futures, what)
            time.sleep(INTERVAL)
        return [future.result() for future in futures.values()]
    finally:
        if client.status == "running":
            client.cancel(list(futures.values()), force=True)


def _check(client: distributed.Client, addresses: Iterable[str], what: str) -> None:
    """Refuse to go on if a worker is gone, or the scheduler."""
    there = workers(client)
    for address in addresses:
        if address not in there:
            raise WorkerLost(f"{what} has lost the worker {address}; nothing was written, run it again.")


def _cause(client: distributed.Client, futures: Mapping[str, distributed.Future], what: str) -> InputError:
    """Return why the first task failed; of several, one that says more than that another is gone."""
    limit = time.monotonic() + GRACE
    # A worker whose peer fails sees no more than that it is gone, and may see it first.
    while True:
        found = [future.exception() for future in futures.values() if future.status == "error"]
        causes = [error for error in found if not isinstance(error, WorkerLost)]
        if causes or all(future.status != "pending" for future in futures.values()) or time.monotonic() > limit:
            break
        _check(client, futures, what)
        time.sleep(INTERVAL)
    if not found:
        # Without a scheduler, Dask cancels what it was given.
        raise OSError("no connection")
    error = (causes or found)[0]
    if isinstance(error, InputError):
        return error
    return WorkerLost(f"{what} has lost a worker ({type(error).__name__}); nothing was written, run it again.")
