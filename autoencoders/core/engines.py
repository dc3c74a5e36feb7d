"""One function for many pieces of work, in their order, whoever computes them: this process, its threads, or others."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sized
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import chain, islice
from typing import Protocol, TypeVar

from autoencoders.core.threads import hold_one_thread, one_thread

Item = TypeVar("Item")
Result = TypeVar("Result")


class Engine(Protocol):
    """Who computes: `in_order` gives it a function and items, and takes the results in the order of the items.

    An engine holds BLAS to one thread for each result, takes items only a bounded number ahead of the results, and
    stops at the first exception. One that computes elsewhere needs a function and items that can be pickled, and may
    use the number of the items, where they have one (`len`), to divide them.
    """

    def results(self, function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]: ...


class ThisProcess:
    """Computes each result where it is taken."""

    def results(self, function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        for item in items:
            # Not around the loop: what takes the results may use all threads.
            yield _alone(function, item)


class Threads:
    """Computes on threads of this process.

    Parameters
    ----------
    n : int
        Threads; with one of them, results are computed where they are taken.
    ahead : int
        Items that are in work or done before their result is taken, beyond one.
    """

    def __init__(self, n: int, ahead: int):
        self.n, self.ahead = n, ahead

    def results(self, function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        if self.n == 1:
            yield from ThisProcess().results(function, items)
            return
        waiting: deque[Future[Result]] = deque()
        pool = ThreadPoolExecutor(self.n, initializer=hold_one_thread)
        # From before the first to after the last, since a thread that let BLAS go would let it go for the others too.
        # OpenMP is held in each thread by itself, which ends with the pool.
        with one_thread():
            try:
                for item in items:
                    waiting.append(pool.submit(function, item))
                    if len(waiting) > self.ahead:
                        yield waiting.popleft().result()
                while waiting:
                    yield waiting.popleft().result()
            finally:
                # Whoever takes no more results, or is interrupted, waits for those in work and for no others.
                pool.shutdown(wait=True, cancel_futures=True)


@one_thread()
def _alone(function: Callable[[Item], Result], item: Item) -> Result:
    return function(item)


_ENGINE: ContextVar[Engine | None] = ContextVar("engine", default=None)
THIS_PROCESS = ThisProcess()


@contextmanager
def computed_by(engine: Engine | None) -> Iterator[None]:
    """Let `engine` compute what is given to `in_order` within the block; without one, each caller's own does."""
    token = _ENGINE.set(engine)
    try:
        yield
    finally:
        _ENGINE.reset(token)


def divided() -> bool:
    """Whether `in_order` gives several pieces of work to an engine: what gains from going on can then be one piece."""
    return _ENGINE.get() is not None


def in_order(function: Callable[[Item], Result], items: Iterable[Item], own: Engine = THIS_PROCESS) -> Iterator[Result]:
    """Yield `function` of each item, in the order of the items.

    The results are the same bytes whoever computes them: each is computed from its item alone, with one BLAS thread,
    and whoever adds them up does so in their order.

    Parameters
    ----------
    function : callable
        Of one item. Where an engine computes elsewhere it is pickled, and what it writes to files it writes for good:
        it may be called again for an item whose result was lost.
    items : iterable
        Slices of rows, say. They are taken as they are needed.
    own : Engine, optional
        Who computes where no engine is given; by default this process.
    """
    if isinstance(items, Sized):
        several = len(items) > 1
    else:
        items = iter(items)
        first = list(islice(items, 2))
        items, several = chain(first, items), len(first) > 1
    # One piece of work is done sooner than it is sent.
    engine = (_ENGINE.get() or own) if several else own
    yield from engine.results(function, items)
