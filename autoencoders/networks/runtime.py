"""Keras on TensorFlow, quiet and deterministic; every other module takes `keras` and `tf` from here."""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ["KERAS_BACKEND"] = "tensorflow"
# For `fusing`, and without effect elsewhere; read once, before the first operation. The user's own come after, and win.
FUSING = "--tf_xla_cpu_global_jit --tf_xla_ops_to_cluster=FUSIBLE"
os.environ["TF_XLA_FLAGS"] = f"{FUSING} {os.environ.get('TF_XLA_FLAGS', '')}".strip()

PROCESSOR = Path("/proc/cpuinfo")
# Parts of a batch: each is traced and optimised of its own, and below some images a part has little to do.
MOST_PARTS, SMALLEST_PART = 4, 8


@contextmanager
def _quiet() -> Iterator[None]:
    """Hold back what C++ code writes to standard error, unless the block fails.

    TensorFlow 2.21 greets with advice on its build that its own log level does not silence.
    """
    sys.stderr.flush()
    original = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        except BaseException:
            held.seek(0)
            os.write(original, held.read())
            raise
        finally:
            os.dup2(original, 2)
            os.close(original)


@contextmanager
def _without(*modules: str) -> Iterator[None]:
    """Let imports of `modules` fail within the block, unless they are imported already."""
    hidden = [module for module in modules if module not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))
    try:
        yield
    finally:
        for module in hidden:
            del sys.modules[module]


# Keras takes these, if they are there, for wrappers and galleries that nothing here uses: a quarter of its import.
with _quiet(), _without("matplotlib", "matplotlib.pyplot", "sklearn"):
    import keras
    import tensorflow as tf

    # Part of the greeting comes only when the devices are first looked for.
    tf.config.list_physical_devices()

__all__ = ["available_precision", "compiles_whole", "deterministic", "fusing", "keras", "parts", "tf"]


def deterministic(seed: int) -> None:
    """Seed Python, NumPy and TensorFlow and make TensorFlow's operations deterministic.

    With both, the same program on the same machine gives the same bytes.
    """
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()


def parts(batch_size: int) -> int:
    """Return in how many parts a batch should go through a convolutional network on this machine's cores.

    Each operation gets the threads that this leaves to it. A convolution of small images is so short that most of it is
    waking threads and waiting for the last of them; whole parts of a batch, each on a core, wait once a step. Threads
    can be set before TensorFlow computes anything, and stay as they are afterwards.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    n = min(MOST_PARTS, cores, batch_size // SMALLEST_PART)
    if n < 2 or tf.config.list_physical_devices("GPU"):
        return 1
    with suppress(RuntimeError):
        tf.config.threading.set_intra_op_parallelism_threads(cores // n)
    return n


def available_precision(asked: str) -> str:
    """Return "bfloat16" if that is asked for and the machine multiplies it by instructions of its own, else "float32".

    Without them TensorFlow converts to float32 and back, which is slower than float32 alone. Where the system does not
    tell (it is not Linux), there are none.
    """
    if asked == "float32" or tf.config.list_physical_devices("GPU"):
        return asked
    lines = PROCESSOR.read_text(encoding="utf-8").splitlines() if PROCESSOR.is_file() else []
    flags = {flag for line in lines if line.startswith("flags") for flag in line.split()}
    return asked if flags & {"avx512_bf16", "amx_bf16"} else "float32"


def compiles_whole(precision: str) -> bool:
    """Return whether XLA should compile whole steps in this precision, and not what `fusing` leaves to it alone.

    On a processor XLA multiplies bfloat16 without the instructions for it, several times as slowly as TensorFlow does.
    """
    return precision == "float32" or bool(tf.config.list_physical_devices("GPU"))


@contextmanager
def fusing() -> Iterator[None]:
    """Let XLA compile runs of operations that it can fuse, such as activations and updates, but no products.

    That is so for what is traced within the block, on a processor.
    """
    tf.config.optimizer.set_jit("autoclustering")
    try:
        yield
    finally:
        tf.config.optimizer.set_jit(False)
