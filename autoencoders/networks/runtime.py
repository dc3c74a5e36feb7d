"""Keras on TensorFlow, made deterministic; every other module takes `keras` and `tf` from here."""

import os
from contextlib import suppress

from autoencoders.core.imports import without

# TensorFlow says on standard error how it was built, unless it is told to report errors alone.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ["KERAS_BACKEND"] = "tensorflow"

THREADS = 2

# Keras imports these if they are there, for wrappers and galleries that nothing here uses. Without them the import took
# 5.5 CPU seconds instead of 7.8 (mean of two, on a 2-core AMD EPYC), in each process that trains a network.
with without("matplotlib", "matplotlib.pyplot", "sklearn"):
    import keras
    import tensorflow as tf

__all__ = ["THREADS", "deterministic", "keras", "tf"]

# Here and not only by `deterministic`: a network that is built before, or by whoever imports this, is an operation too,
# after which the number of cores would be part of every result of the process.
with suppress(RuntimeError):
    tf.config.threading.set_intra_op_parallelism_threads(THREADS)


def deterministic(seed: int, threads: int = THREADS) -> None:
    """Seed Python, NumPy and TensorFlow, and make TensorFlow's operations deterministic.

    Then the same program on the same processor gives the same bytes, on any number of cores.

    Parameters
    ----------
    seed : int
        In [0, 2**32).
    threads : int
        Threads among which TensorFlow divides one operation. They are part of the result: each thread sums its own
        share. After TensorFlow's first operation the number cannot change, and this argument has no effect.
    """
    with suppress(RuntimeError):
        tf.config.threading.set_intra_op_parallelism_threads(threads)
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()
