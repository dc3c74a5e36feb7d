"""Fixtures that several test modules share: official files where there are any, and mirrors on this machine."""

import os
import socket
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import memory
import numpy as np
import pytest

OFFICIAL = (
    "cifar-10-batches-py/data_batch_1",
    "cifar-10-batches-py/test_batch",
    "cifar-10-batches-py/batches.meta",
    "mnist/train-images-idx3-ubyte.gz",
    "mnist/t10k-labels-idx1-ubyte.gz",
    "mnist.pkl",
)


# Marks that a test gets by the fixtures it asks for.
MARKS = {"data_home": "official", "cold_run": "graph"}
# Modules whose tests share what takes long to make. One worker of pytest-xdist runs all of a group and makes it once;
# the others meanwhile run everything else. By path, since pytest-xdist 3.8 does not see its own marks on pytest 9.2.
TOGETHER = {
    "tests/pipeline/test_runs.py": "graph",
    "tests/pipeline/test_own_images.py": "graph",
    "tests/stages/shared/test_trainers.py": "dask",
    "tests/stages/shared/test_workers.py": "dask",
    "tests/stages/test_on_workers.py": "dask",
    "tests/stages/test_train_on_a_cluster.py": "dask",
    "tests/stages/test_unlabelled.py": "unlabelled",
    "tests/autoencoders/test_contracts.py": "contracts",
    "tests/autoencoders/training/test_several.py": "several",
    "tests/autoencoders/pages/test_map_browser.py": "map",
    "tests/autoencoders/pages/test_report_browser.py": "report",
    "tests/applied/serve/test_page.py": "page",
}
DESELECTED = pytest.StashKey[int]()


def pytest_collection_modifyitems(items):
    """Mark what takes long or needs something that a machine may lack, so that `make quick` can leave it out."""
    for item in items:
        for fixture, mark in MARKS.items():
            if fixture in item.fixturenames:
                item.add_marker(mark)
        if getattr(item.module, "peak", None) is memory.peak and "peak" in item.function.__code__.co_names:
            item.add_marker("memory")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    from xdist.scheduler import LoadScopeScheduling

    class Together(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return TOGETHER.get(nodeid.partition("::")[0], nodeid)

    return Together(config, log) if config.getoption("dist") == "loadgroup" else None


def pytest_deselected(items):
    # A worker of pytest-xdist says nothing of what it leaves out; see `pytest_testnodedown`.
    config = items[0].config
    config.stash[DESELECTED] = config.stash.get(DESELECTED, 0) + len(items)


def pytest_sessionfinish(session):
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["deselected"] = session.config.stash.get(DESELECTED, 0)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node):
    # Every worker collects all tests.
    node.config.stash[DESELECTED] = getattr(node, "workeroutput", {}).get("deselected", 0)


def pytest_terminal_summary(terminalreporter, config):
    if config.pluginmanager.hasplugin("dsession") and (count := config.stash.get(DESELECTED, 0)):
        terminalreporter.write_line(f"{count} deselected: not of the marks asked for (-m {config.option.markexpr!r})")


@pytest.fixture
def data_home() -> Path:
    """The folder of the official files; skips the test where they are not at hand."""
    variable = os.environ.get("AUTOENCODER_DATA_HOME")
    if not variable:
        pytest.skip("AUTOENCODER_DATA_HOME names no folder of official files")
    home = Path(variable).expanduser()
    if absent := [name for name in OFFICIAL if not (home / name).is_file()]:
        pytest.skip(f"AUTOENCODER_DATA_HOME has no {absent[0]}")
    return home


class _QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture
def serve(monkeypatch):
    """A function that serves a folder over HTTP until the test ends, and returns its address, ending in a slash."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    servers = []

    def start(folder: Path, handler: type = _QuietHandler) -> str:
        server = ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=str(folder)))
        # The default of half a second is how long each shutdown may take.
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        servers.append((server, thread))
        return f"http://127.0.0.1:{server.server_port}/"

    yield start
    for server, thread in servers:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def closed(monkeypatch) -> str:
    """An address on this machine at which nothing answers."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    return f"http://127.0.0.1:{port}/"


@pytest.fixture
def no_network(monkeypatch):
    """Fail the test at any attempt to connect."""

    def refuse(*_):
        pytest.fail("tried to reach the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.fixture
def python2_batch():
    """A function that pickles uint8 rows and labels as Python 2 and its NumPy did for CIFAR-10."""

    def dump(data: np.ndarray, labels: list[int]) -> bytes:
        rows, columns = (size.to_bytes(4, "little") for size in data.shape)
        return b"".join(
            [
                b"\x80\x02}(U\x04data",
                b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R",
                b"(K\x01J" + rows + b"J" + columns + b"\x86",
                b"cnumpy\ndtype\nU\x02u1K\x00K\x01\x87R(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb",
                b"\x89T" + data.nbytes.to_bytes(4, "little") + data.tobytes() + b"tb",
                b"U\x06labels](" + b"".join(b"K" + bytes([label]) for label in labels) + b"eu.",
            ]
        )

    return dump
