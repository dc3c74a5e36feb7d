"""What the C library's allocator does with the memory of arrays that are no longer used."""

import ctypes
import sys

# glibc's numbers of what `mallopt` sets (malloc.h), and their values in bytes: the greatest that glibc takes for the
# first, and as much as the arrays of some blocks of rows for the other.
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
LARGEST_REUSED, KEPT = 32 * 2**20, 128 * 2**20


def keep_freed_memory() -> None:
    """Let this process use the memory of freed arrays again, where the C library is glibc; elsewhere do nothing.

    By default glibc gives arrays of some hundred KiB back to the kernel as soon as they are freed. Work on rows makes
    arrays of the same sizes for each block, and the kernel fills each page with zeros again: that took up to half of
    the processor time of a block in a thread of a Dask worker (docs/speed.md). Up to 128 MiB of freed memory are kept.
    """
    if sys.platform != "linux":
        return
    # Other C libraries (musl) have no such function.
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_MMAP_THRESHOLD, LARGEST_REUSED)
        mallopt(M_TRIM_THRESHOLD, KEPT)
