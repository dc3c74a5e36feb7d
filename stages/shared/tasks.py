"""What a worker of a cluster runs, sent by value: a worker without this project, or with another one, answers too."""

from collections.abc import Callable
from typing import Any


def _by_value() -> tuple[Callable, Callable, Callable]:
    # Functions within a function have no name to be imported by: they are pickled with their code, and import what they
    # use themselves.

    def described(root: str) -> dict[str, str]:
        """Return what decides on results beside data: the project's modules, by SHA-256, and versions of packages."""
        import hashlib
        import platform
        from importlib import metadata
        from pathlib import Path

        modules = hashlib.sha256()
        for package in ("autoencoders", "stages"):
            for path in sorted(Path(root, package).rglob("*.py")):
                modules.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
        found = {"root": root, "modules": modules.hexdigest()[:12], "Python": platform.python_version()}
        for package in ("numpy", "scipy", "scikit-learn", "scikit-image", "onnxruntime", "pillow"):
            try:
                found[package] = metadata.version(package)
            except metadata.PackageNotFoundError:
                found[package] = "missing"
        return found

    def same(value: Any) -> Any:
        return value

    def work(payload: bytes, name: str, items: bytes, project: dict[str, str]) -> dict[str, Any]:
        """Return the results of a function for some items, and the seconds they took; or why there are none."""
        import importlib.util
        import os
        import pickle
        import sys
        import time
        from pathlib import Path

        from distributed import get_worker

        worker = get_worker()
        kept = worker.__dict__.setdefault("_autoencoder", {"functions": {}})
        if "project" not in kept:
            if importlib.util.find_spec("autoencoders") is None or importlib.util.find_spec("stages") is None:
                sys.path.insert(0, project["root"])
            spec = importlib.util.find_spec("autoencoders")
            origin = spec.origin if spec else None
            # Once, before the modules are imported: those that change later on are not what this process has.
            kept["project"] = described(str(Path(origin).resolve().parents[1]) if origin else project["root"])
            # Of libraries that are yet to be loaded.
            os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")
        theirs = kept["project"]
        other = {key: (theirs[key], ours) for key, ours in project.items() if key != "root" and theirs[key] != ours}
        if other:
            return {"worker": worker.address, "other": other}

        from autoencoders.core.cores import hold_cores
        from autoencoders.core.engines import ThisProcess
        from autoencoders.core.errors import InputError
        from autoencoders.core.threads import hold_one_thread

        # Tasks run side by side, one a core.
        hold_cores(1)
        try:
            function = kept["functions"].get(name)
            if function is None:
                while len(kept["functions"]) > 3:
                    kept["functions"].pop(next(iter(kept["functions"])), None)
                function = kept["functions"][name] = pickle.loads(payload)
            given = pickle.loads(items)
            if kept.get("held") != len(sys.modules):
                # For good: a thread of this worker that let go would let go for the others too.
                hold_one_thread()
                kept["held"] = len(sys.modules)
            start = time.perf_counter()
            results = list(ThisProcess().results(function, given))
            return {"worker": worker.address, "seconds": time.perf_counter() - start, "results": results}
        except InputError:
            raise
        except (OSError, MemoryError) as error:
            return {"worker": worker.address, "failed": str(error) or type(error).__name__}

    return described, same, work


described, same, work = _by_value()
