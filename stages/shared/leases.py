"""Holding workers of a Dask cluster for a training, so that each trains one network at a time."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager

import distributed

from autoencoders.training.jobs import WorkerLost

# Seconds that one worker is waited for before the next look at all of them.
INTERVAL = 0.5


def workers(client: distributed.Client) -> list[str]:
    """Return the addresses of the cluster's workers, sorted: the same order in each run on the same workers.

    Raises
    ------
    OSError
        If the scheduler is lost.
    """
    if client.status != "running":
        raise OSError("no connection")
    return sorted(client.nthreads())


@contextmanager
def one_held(client: distributed.Client) -> Iterator[str]:
    """Wait for a worker that trains nothing, and yield its address.

    Raises
    ------
    WorkerLost
        If all workers are gone.
    OSError
        If the scheduler is lost.
    """
    with _acquiring(client) as acquire:
        while there := workers(client):
            for address in there:
                if acquire(address):
                    yield address
                    return
        raise WorkerLost("a training has lost the last worker that it waited for; nothing was written, run it again.")


@contextmanager
def all_held(client: distributed.Client, addresses: Iterable[str]) -> Iterator[list[str]]:
    """Wait until these workers train nothing, and yield the addresses of those that are not gone meanwhile.

    Raises
    ------
    WorkerLost
        If all of them are gone.
    OSError
        If the scheduler is lost.
    """
    with _acquiring(client) as acquire:
        # In their order, so that no two trainings wait for each other.
        held = sorted(addresses)
        for address in held:
            while address in workers(client) and not acquire(address):
                pass
        there = workers(client)
        if not (held := [address for address in held if address in there]):
            raise WorkerLost("a training has lost the workers that it waited for; nothing was written, run it again.")
        yield held


@contextmanager
def _acquiring(client: distributed.Client) -> Iterator[Callable[[str], bool]]:
    """Yield what takes a worker, if it is free within INTERVAL seconds, until the end of the block."""
    # The lease of a process that dies ends by itself.
    leases: dict[str, distributed.Semaphore] = {}
    with ExitStack() as stack, client.as_current():

        def acquire(address: str) -> bool:
            lease = leases.setdefault(address, distributed.Semaphore(max_leases=1, name=f"training-on-{address}"))
            if taken := lease.acquire(timeout=INTERVAL):
                stack.callback(_release, client, lease)
            return taken

        yield acquire


def _release(client: distributed.Client, lease: distributed.Semaphore) -> None:
    # Without a scheduler it would be tried for half a minute.
    if client.status == "running":
        lease.release()
