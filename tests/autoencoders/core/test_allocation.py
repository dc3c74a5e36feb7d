import os
import platform
import subprocess
import sys

import pytest

# Arrays of a block of rows, in a thread as those of a Dask worker: page faults of 200 blocks.
FAULTS = """
import resource, threading
import numpy as np
from autoencoders.core.allocation import keep_freed_memory

def blocks():
    for _ in range(200):
        kept = [np.ones(250_000) for _ in range(3)]

{call}
thread = threading.Thread(target=blocks)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
thread.start()
thread.join()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(call: str) -> int:
    # What Dask sets for the workers that a nanny starts.
    environment = {**os.environ, "MALLOC_TRIM_THRESHOLD_": "65536"}
    command = [sys.executable, "-c", FAULTS.format(call=call)]
    return int(subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the C library is not glibc")
def test_memory_of_freed_arrays_is_used_again():
    assert faults("") > 20_000
    assert faults("keep_freed_memory()") < 5_000


@pytest.mark.parametrize("machine", ["another system", "another C library"])
def test_elsewhere_nothing_is_done(monkeypatch, machine):
    from autoencoders.core import allocation

    monkeypatch.setattr(allocation.ctypes, "CDLL", lambda name: object())
    if machine == "another system":
        monkeypatch.setattr(allocation.sys, "platform", "win32")
    allocation.keep_freed_memory()
