"""A server in a thread of the tests, which they ask over HTTP as anyone does."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import uvicorn

from applied.encoder import Encoder
from applied.serve import Limits, _listening
from applied.serve.app import create


@contextmanager
def served(encoder: Encoder, limits: Limits | None = None, **more) -> Iterator[httpx.Client]:
    """Serve a network and return a client of the server."""
    listening = _listening("127.0.0.1", 0)
    config = uvicorn.Config(create(encoder, limits, **more), http="h11", ws="none", log_level="warning")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive(), "the server ended before it began"
        time.sleep(0.01)
    address = f"http://127.0.0.1:{listening.getsockname()[1]}"
    # Proxies that the environment names have no part in this.
    with httpx.Client(base_url=address, timeout=60, trust_env=False, verify=False) as client:
        yield client
    server.should_exit = True
    thread.join()
    listening.close()
