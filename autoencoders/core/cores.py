"""The processor's cores."""

import os

_most: int | None = None


def n_cores() -> int:
    """Return how many cores this process may use."""
    found = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(found, _most or found)


def hold_cores(n: int) -> None:
    """Let this process use at most `n` cores from here on, where others of its kind use the rest."""
    global _most
    _most = n
