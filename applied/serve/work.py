"""The threads in which pictures are decoded and networks run."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from applied.serve.bodies import Refused
from applied.serve.limits import Limits

T = TypeVar("T")


class Work:
    """A number of threads. Who finds none free waits for at most `limits.seconds`."""

    def __init__(self, limits: Limits):
        self._limits = limits
        self._free = asyncio.Semaphore(limits.threads)
        self._pool = ThreadPoolExecutor(limits.threads, "work")

    async def __call__(self, do: Callable[[], T]) -> T:
        """Return what a function returns.

        Raises
        ------
        Refused
            503 if no thread becomes free in time.
        """
        try:
            async with asyncio.timeout(self._limits.seconds):
                await self._free.acquire()
        except TimeoutError:
            raise Refused(503, f"No thread was free for {self._limits.seconds} seconds; try again later.") from None
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, do)
        finally:
            self._free.release()

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)
