"""Training on the workers of a Dask cluster: one network on several at once, or a whole stage on one of them.

A worker starts a process of its own for each training (`autoencoders.training.processes`) and holds one at a time.
Workers see the caller's files under the caller's paths. Only a `distributed.Client` is needed.
"""

import os
import pickle
import secrets
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import distributed

from autoencoders.core.errors import InputError
from autoencoders.training import costs
from autoencoders.training.jobs import Job, Outcome, WorkerLost
from autoencoders.training.processes import run_here, train_here
from stages.shared.workers import connected

ROOT = str(Path(__file__).resolve().parents[2])
# Seconds between two looks at the workers, and until those that are told to stop must have done so.
INTERVAL, GRACE = 0.5, 30.0


def workers(client: distributed.Client) -> list[str]:
    """Return the addresses of the cluster's workers, sorted: the same order in each run on the same workers."""
    return sorted(client.nthreads())


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
        As `train` and `run_stage` do, or if no scheduler answers.
    """
    client = connected(address)
    try:
        cost = costs.of_network(job.kind, job.preparation.shape(job.images.shape[1:]), job.settings)
        n_workers = len(workers(client))
        if costs.several_pay(cost, len(job.images), job.settings["batch_size"], n_workers):
            print(f"{job.name}: trains on {n_workers} workers", flush=True)
            return train(client, job)
        run_stage(client, module, *arguments)
        return None
    finally:
        client.close(timeout=2)


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
        In one sentence, if the training refuses its settings, a worker fails, is gone or does not come, or the
        workers' weights differ. No process of the training is left then.
    """
    addresses = sorted(addresses or workers(client))
    with _reserved(client, addresses, len(addresses)):
        hosts = _hosts(client, addresses, job.name)
        tasks = {address: (train_here, (job, hosts, index)) for index, address in enumerate(addresses)}
        outcomes = _results(client, tasks, f"the training of {job.name}")
    if len({outcome.digest for outcome in outcomes}) > 1:
        raise InputError(
            f"the training of {job.name} ended in different weights on its {len(addresses)} workers; run it on one "
            f"worker, or without a cluster."
        )
    return outcomes[0]


def run_stage(client: distributed.Client, module: str, *arguments: str) -> None:
    """Run a whole stage, in the working directory, on a worker that trains nothing else, and wait for its end.

    Raises
    ------
    InputError
        The stage's own sentence, or one that says how its process ended.
    """
    with _reserved(client, workers(client), 1) as (address,):
        task = (run_here, (module, arguments, os.getcwd(), ROOT))
        _results(client, {address: task}, " ".join([module.rpartition(".")[2], *arguments]))


@contextmanager
def _reserved(client: distributed.Client, addresses: Sequence[str], n: int) -> Iterator[list[str]]:
    """Hold `n` of the workers against other trainings. A lease of a process that dies ends by itself."""
    if len(addresses) < n or not addresses:
        raise InputError("the cluster has no worker to train on; start `dask worker`, or run without a cluster.")
    with ExitStack() as stack, client.as_current():
        leases = {each: distributed.Semaphore(max_leases=1, name=f"training-on-{each}") for each in addresses}
        held: list[str] = []
        # Whoever wants all takes them in their order, so that no two wait for each other.
        while len(held) < n:
            for address in [addresses[len(held)]] if n == len(addresses) else addresses:
                if address in held or not leases[address].acquire(timeout=INTERVAL):
                    continue
                stack.callback(_release, client, leases[address])
                held.append(address)
                break
            _check(client, addresses if n == len(addresses) else held, "a training")
        yield held


def _release(client: distributed.Client, lease: distributed.Semaphore) -> None:
    # Without a scheduler it would be tried for half a minute.
    if client.status == "running":
        lease.release()


def _hosts(client: distributed.Client, addresses: Sequence[str], name: str) -> list[str]:
    """Return `host:port` for each worker: the host where Dask reaches it, and a port that is free there."""
    others = [address for address in addresses if not address.startswith(("tcp://", "tls://"))]
    if others:
        raise InputError(
            f"{name} cannot be trained on the worker {others[0]}, which has no address in the network; start workers "
            f"with `dask worker`."
        )
    for _ in range(10):
        ports = client.run(_free_port, workers=list(addresses))
        hosts = [f"{address.split('://')[1].rpartition(':')[0]}:{ports[address]}" for address in addresses]
        if len(set(hosts)) == len(hosts):
            break
    return hosts


def _results(client: distributed.Client, tasks: Mapping[str, tuple[Callable, tuple]], what: str) -> list[Any]:
    """Return the results of functions that run at once, one on each worker; after a failure the others are stopped."""
    futures = {}
    try:
        for address, task in tasks.items():
            futures[address] = client.submit(
                _work,
                ROOT,
                pickle.dumps(task),
                key=f"{what.replace(' ', '-')}-{secrets.token_hex(4)}",
                workers=[address],
                allow_other_workers=False,
                pure=False,
                retries=0,
            )
        while not all(future.status == "finished" for future in futures.values()):
            failed = [future for future in futures.values() if future.status in ("error", "cancelled", "lost")]
            if failed:
                raise _cause(futures.values(), what)
            _check(client, futures, what)
            time.sleep(INTERVAL)
        return [future.result() for future in futures.values()]
    except (OSError, distributed.CancelledError) as error:
        raise WorkerLost(
            f"{what} has lost the scheduler ({type(error).__name__}); nothing was written, start the scheduler and run "
            f"it again."
        ) from None
    finally:
        if client.status == "running":
            client.cancel(list(futures.values()), force=True)


def _check(client: distributed.Client, addresses: Iterable[str], what: str) -> None:
    """Refuse to go on if a worker is gone, or the scheduler."""
    if client.status != "running":
        raise OSError("no connection")
    there = client.nthreads()
    for address in addresses:
        if address not in there:
            raise WorkerLost(f"{what} has lost the worker {address}; nothing was written, run it again.")


def _cause(futures: Collection[distributed.Future], what: str) -> InputError:
    """Return why the first task failed; of several, one that says more than that another is gone."""
    limit = time.monotonic() + GRACE
    # A worker whose peer fails sees no more than that it is gone, and may see it first.
    while True:
        found = [future.exception() for future in futures if future.status == "error"]
        causes = [error for error in found if not isinstance(error, WorkerLost)]
        if causes or all(future.status != "pending" for future in futures) or time.monotonic() > limit:
            break
        time.sleep(INTERVAL)
    if not found:
        # Without a scheduler, Dask cancels what it was given.
        raise OSError("no connection")
    error = (causes or found)[0]
    if isinstance(error, InputError):
        return error
    return WorkerLost(f"{what} has lost a worker ({type(error).__name__}); nothing was written, run it again.")


def _by_value() -> tuple[Callable, Callable]:
    # Functions within a function are pickled with their code, so that a worker needs no import path to this project.

    def free_port() -> int:
        import socket

        with socket.socket() as found:
            found.bind(("", 0))
            return found.getsockname()[1]

    def work(root: str, payload: bytes) -> Any:
        """Return a function's result; it is told to stop when the caller, or the task of this worker, is gone."""
        import importlib.util
        import pickle
        import sys

        import distributed

        if importlib.util.find_spec("autoencoders") is None or importlib.util.find_spec("stages") is None:
            sys.path.insert(0, root)
        worker = distributed.get_worker()
        key = worker.get_current_task()

        def stopped() -> bool:
            task = worker.state.tasks.get(key)
            return task is None or task.state == "cancelled"

        function, arguments = pickle.loads(payload)
        return function(*arguments, stopped, distributed.print)

    return free_port, work


_free_port, _work = _by_value()
