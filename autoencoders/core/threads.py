"""The one measure by which numerical libraries give the same bytes on every machine: one thread."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from threadpoolctl import ThreadpoolController


@contextmanager
def one_thread() -> Iterator[None]:
    """Hold BLAS and OpenMP to one thread, in a `with` statement or, as the decorator `@one_thread()`, in a function.

    Threads add their partial sums in the order in which they finish, and split a product by their number. Either
    changes the last bits of a sum, and with them which of two centres or neighbours is nearer, or the sign of an
    eigenvector. Results that are to be the same bytes in every run and on every machine are therefore computed by one
    thread. Only libraries that are loaded already are held: import what computes before.
    """
    controller = _controller(len(sys.modules))
    if controller is None:
        yield
        return
    with controller.limit(limits=1):
        yield


def hold_one_thread() -> None:
    """Hold BLAS, and OpenMP in this thread, to one thread for good, as far as they are loaded."""
    if (controller := _controller(len(sys.modules))) is not None:
        controller.limit(limits=1)


@lru_cache(maxsize=1)
def _controller(n_modules: int) -> "ThreadpoolController | None":
    # Finding the loaded libraries takes some 10 ms, limiting them 0.2 ms: they are looked for anew only after imports.
    try:
        from threadpoolctl import ThreadpoolController
    except ImportError:
        # scikit-learn brings it, and with it whatever fits or sums. Exported networks are used without it, and what
        # computes there takes no BLAS: pictures are read, graphs run, and distances summed vector by vector.
        return None
    return ThreadpoolController()
