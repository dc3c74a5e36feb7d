"""What a worker of a cluster runs, sent by value: a worker without this project, or with another one, answers too."""

from collections.abc import Callable
from typing import Any

# Packages whose versions must be the caller's: those that decide on what is computed of blocks, and those that decide
# on weights and on the files of a network.
OF_BLOCKS = ("numpy", "scipy", "scikit-learn", "scikit-image", "onnxruntime", "pillow")
OF_TRAININGS = ("numpy", "tensorflow", "keras", "h5py", "onnx", "onnxruntime")


def _by_value() -> tuple[Callable, ...]:
    # Functions within a function have no name to be imported by: they are pickled with their code, and import what they
    # use themselves.

    def described(root: str) -> dict[str, str]:
        """Return what decides on results beside data: the project's modules, by SHA-256, processor and packages."""
        import hashlib
        import platform
        from importlib import metadata
        from pathlib import Path

        import numpy as np
        import scipy.linalg  # noqa: F401  (loads the OpenBLAS that SciPy has beside that of NumPy)
        from threadpoolctl import threadpool_info

        modules = hashlib.sha256()
        for package in ("autoencoders", "stages"):
            for path in sorted(Path(root, package).rglob("*.py")):
                modules.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
        found = {"root": root, "modules": modules.hexdigest()[:12], "Python": platform.python_version()}
        # Kernels that NumPy and OpenBLAS take by the processor's instructions: others add up in another order.
        kernels = np.show_config(mode="dicts")["SIMD Extensions"].get("found", [])[-1:]
        kernels += sorted({each["architecture"] for each in threadpool_info() if each["internal_api"] == "openblas"})
        found["processor"] = " ".join([platform.machine(), *kernels])
        for package in (*OF_BLOCKS, *OF_TRAININGS):
            # TensorFlow is published under two names.
            for name in (package, f"{package}-cpu"):
                try:
                    found[package] = metadata.version(name)
                    break
                except metadata.PackageNotFoundError:
                    found[package] = "missing"
        return found

    def differences(theirs: dict[str, str], project: dict[str, str]) -> dict[str, tuple[str, str]]:
        return {key: (theirs[key], ours) for key, ours in project.items() if key != "root" and theirs[key] != ours}

    def other_versions(worker: Any, project: dict[str, str]) -> dict[str, tuple[str, str]]:
        """Return in what this worker's process differs from the caller, and let it import the project's modules."""
        import importlib.util
        import sys
        from pathlib import Path

        kept = worker.__dict__.setdefault("_autoencoder", {"functions": {}})
        if "project" not in kept:
            if importlib.util.find_spec("autoencoders") is None or importlib.util.find_spec("stages") is None:
                sys.path.insert(0, project["root"])
            spec = importlib.util.find_spec("autoencoders")
            origin = spec.origin if spec else None
            # Once, before the modules are imported: those that change later on are not what this process has.
            kept["project"] = described(str(Path(origin).resolve().parents[1]) if origin else project["root"])
        return differences(kept["project"], project)

    def same(value: Any) -> Any:
        return value

    def work(payload: bytes, name: str, items: bytes, project: dict[str, str]) -> dict[str, Any]:
        """Return the results of a function for some items, and the seconds they took; or why there are none."""
        import os
        import pickle
        import sys
        import time

        from distributed import get_worker

        worker = get_worker()
        other = other_versions(worker, project)
        # Of libraries that are yet to be loaded.
        os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")
        if other:
            return {"worker": worker.address, "other": other}

        from autoencoders.core.allocation import keep_freed_memory
        from autoencoders.core.cores import hold_cores
        from autoencoders.core.engines import ThisProcess
        from autoencoders.core.errors import InputError
        from autoencoders.core.threads import hold_one_thread

        # Tasks run side by side, one a core.
        hold_cores(1)
        # For each task, since it takes 19 microseconds. Workers that a nanny starts return all freed memory by default.
        keep_freed_memory()
        kept = worker.__dict__["_autoencoder"]
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

    def ready(project: dict[str, str]) -> dict[str, Any]:
        """Return a port that is free on this machine; or in what the worker differs from the caller."""
        import socket

        from distributed import get_worker

        worker = get_worker()
        # What this process has imported, and what one imports that it starts now.
        other = other_versions(worker, project) or differences(described(project["root"]), project)
        if other:
            return {"worker": worker.address, "other": other}
        with socket.socket() as found:
            found.bind(("", 0))
            return {"port": found.getsockname()[1]}

    def watched(payload: bytes, project: dict[str, str]) -> Any:
        """Return a function's result; it is told to stop when the caller, the task or the worker itself is gone."""
        import pickle

        import distributed

        worker = distributed.get_worker()
        other_versions(worker, project)
        key = worker.get_current_task()

        def stopped() -> bool:
            # A worker that closes, as it does without a scheduler, waits for its tasks.
            if worker.status.name in ("closing", "closed", "failed"):
                return True
            task = worker.state.tasks.get(key)
            return task is None or task.state == "cancelled"

        function, arguments = pickle.loads(payload)
        return function(*arguments, stopped, distributed.print)

    return described, same, work, ready, watched


described, same, work, ready, watched = _by_value()
