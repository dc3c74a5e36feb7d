"""Dask schedulers and workers on this machine, in processes of their own."""

import time

from tools.clusters import LocalCluster as LocalCluster
from tools.clusters import cluster as cluster
from tools.clusters import free_port as free_port


def until(holds, seconds: float = 180) -> None:
    """Wait until something holds."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)
