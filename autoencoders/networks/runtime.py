"""Keras on TensorFlow, made deterministic; every other module takes `keras` and `tf` from here."""

import os
from contextlib import suppress

from autoencoders.core.imports import without

# TensorFlow says on standard error how it was built, unless it is told to report errors alone.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ["KERAS_BACKEND"] = "tensorflow"
# By itself TensorFlow takes oneDNN's operations on processors with AVX-512 VNNI and its own on others, and writes a
# line about it on standard error that the level above does not hide. Its own on all of them differ less.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")

THREADS = 2

# Keras imports these if they are there, for wrappers and galleries that nothing here uses. Without them the import took
# 5.5 CPU seconds instead of 7.8 (mean of two, on a 2-core AMD EPYC), in each process that trains a network.
with without("matplotlib", "matplotlib.pyplot", "sklearn"):
    import keras
    import tensorflow as tf

__all__ = ["THREADS", "deterministic", "keras", "tf"]

# Threads among which TensorFlow divides one operation are part of its result: each thread sums its own share. Their
# number is set here and not by `deterministic`: a network that is built before it is an operation too, after which the
# number cannot change, and the number of cores would be part of every result of the process.
with suppress(RuntimeError):
    tf.config.threading.set_intra_op_parallelism_threads(THREADS)


def deterministic(seed: int) -> None:
    """Seed Python, NumPy and TensorFlow, and make TensorFlow's operations deterministic.

    Then the same program on the same processor gives the same bytes, on any number of cores.

    Parameters
    ----------
    seed : int
        In [0, 2**32).
    """
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()
