"""Where a stage's seconds go; Python imports this by itself where its folder is on PYTHONPATH.

Each second of the main thread belongs to one category, the innermost that is being timed. Nothing of the project is
changed on disk: functions are wrapped as their modules are imported.
"""

import atexit
import builtins
import functools
import importlib
import json
import os
import sys
import threading
import time

RECORD = "BENCHMARK_RECORD"
STARTED = "BENCHMARK_STARTED"
TARGETS = {
    ("stages.shared.running", "run"): "other computing",
    ("autoencoders.training.fit", "fit"): "training",
    ("autoencoders.clustering.models", "fit"): "fitting",
    ("autoencoders.clustering.out_of_core", "lloyd"): "fitting",
    ("autoencoders.clustering.out_of_core", "mini_batches"): "fitting",
    ("autoencoders.uses.samples", "fit"): "fitting",
    ("autoencoders.embeddings.spectral", "Spectral.fit"): "fitting",
    ("autoencoders.embeddings.umap", "UMAP.fit"): "fitting",
    ("autoencoders.representations.patches", "Patches.fit"): "fitting",
    ("autoencoders.representations.pixels", "PrincipalComponents.fit"): "fitting",
    ("autoencoders.scaling.scaler", "Scaler.fit"): "fitting",
    ("autoencoders.pages.map.page", "positions"): "fitting",
    ("autoencoders.pages.figures", "save"): "drawing",
    ("autoencoders.networks.storage", "save"): "reading and writing",
    ("autoencoders.networks.storage", "save_graphs"): "reading and writing",
    ("autoencoders.networks.storage", "load"): "reading and writing",
    ("autoencoders.sources", "load"): "reading and writing",
    ("numpy", "load"): "reading and writing",
    ("numpy", "save"): "reading and writing",
    ("pandas", "read_csv"): "reading and writing",
    ("pandas", "DataFrame.to_csv"): "reading and writing",
    ("stages.shared.files", "read_array"): "reading and writing",
    ("stages.shared.files", "read_json"): "reading and writing",
    ("stages.shared.files", "read_table"): "reading and writing",
    ("stages.shared.files", "write_json"): "reading and writing",
}
STARTING = "start-up and imports"


class Clock:
    """Adds up the seconds of categories that lie in one another."""

    def __init__(self, already: float):
        self.seconds = {STARTING: already}
        self.open = [STARTING]
        self.since = time.perf_counter()

    def _turn(self) -> None:
        now = time.perf_counter()
        self.seconds[self.open[-1]] = self.seconds.get(self.open[-1], 0.0) + now - self.since
        self.since = now

    def enter(self, category: str) -> None:
        self._turn()
        self.open.append(category)

    def leave(self) -> None:
        self._turn()
        self.open.pop()


def timed(function, category, clock):
    """Return `function`, its seconds on the main thread counted under `category`."""

    @functools.wraps(function)
    def wrapper(*arguments, **options):
        if clock.open[-1] == category or threading.current_thread() is not threading.main_thread():
            return function(*arguments, **options)
        clock.enter(category)
        try:
            return function(*arguments, **options)
        finally:
            clock.leave()

    return wrapper


def install() -> None:
    clock = Clock(time.time() - float(os.environ[STARTED]))
    pending = dict(TARGETS)

    def wrap_what_is_there() -> None:
        for (module, path), category in list(pending.items()):
            owner = sys.modules.get(module)
            *outer, name = path.split(".")
            for part in outer:
                owner = getattr(owner, part, None)
            if hasattr(owner, name):
                del pending[module, path]
                setattr(owner, name, timed(getattr(owner, name), category, clock))

    def importing(original):
        counted = timed(original, STARTING, clock)

        @functools.wraps(original)
        def wrapper(*arguments, **options):
            found = counted(*arguments, **options)
            if pending:
                wrap_what_is_there()
            return found

        return wrapper

    builtins.__import__ = importing(builtins.__import__)
    importlib.import_module = importing(importlib.import_module)

    def write() -> None:
        clock.enter(STARTING)
        line = json.dumps({"stage": sys.orig_argv[2:], "seconds": clock.seconds})
        with open(os.environ[RECORD], "a", encoding="utf-8") as file:
            file.write(line + "\n")

    # Registered before anything else, and so called after everything else.
    atexit.register(write)


if RECORD in os.environ and STARTED in os.environ and sys.orig_argv[2:3] and sys.orig_argv[2].startswith("stages."):
    install()
