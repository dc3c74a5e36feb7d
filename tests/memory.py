"""How much memory a stage takes, and arrays that take none on disk."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from small import ROOT, write_parameters

from stages.shared.parameters import load

STATUS = Path("/proc/self/status")
PROGRAM = f"""
import runpy, sys
sys.argv = sys.argv[1:]
runpy.run_module(sys.argv[0], run_name="__main__")
print(open("{STATUS}").read())
"""


def allow(mebibytes: float) -> None:
    """Set `in_memory` in this folder's `params.yaml`."""
    values = load(Path("params.yaml"))
    write_parameters(Path(), {**values, "in_memory": mebibytes})


def peak(*command: str) -> float:
    """Run a stage in this folder, in a process of its own, and return the most that it had in memory, in MiB.

    Pages of memory-mapped files count. Skips the test where the system does not say how much it was.
    """
    if not STATUS.exists() or "VmHWM" not in STATUS.read_text():
        pytest.skip("the system does not say how much memory a process has had")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", PROGRAM, *command], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) / 1024


def zeros(file: Path | str, shape: tuple[int, ...], dtype: type) -> None:
    """Replace a `.npy` file by an array of zeros, as a sparse file."""
    with open(file, "wb") as stream:
        about = {"descr": np.lib.format.dtype_to_descr(np.dtype(dtype)), "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(stream, about)
        stream.truncate(stream.tell() + int(np.prod(shape)) * np.dtype(dtype).itemsize)
