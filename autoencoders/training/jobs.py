"""A training as it is sent to a worker, and what comes back; without TensorFlow."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from autoencoders.core.errors import InputError
from autoencoders.core.rows import Rows
from autoencoders.images.preparation import Preparation


class WorkerLost(InputError):
    """A training on several workers has lost one, which may be another than the one that says so."""


class NotBegun(WorkerLost):
    """A worker has not come to a training in time, or is not reached by another one."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """One training, as it is sent to each worker.

    Parameters
    ----------
    kind, name : str
    settings : mapping
        Those of the architecture and of the training, the seed among them, by the names that
        `autoencoders.networks.architectures.build` and `autoencoders.training.fit.Training.of` give them.
    images : Rows of shape (n, height, width, channels), uint8
        Every worker reads them itself, so that the files behind them must be there under the same paths.
    targets : ndarray of shape (n, n_classes), float32, or None
        For a classifier.
    preparation : Preparation
    validation : tuple of (images, targets), optional
    memory : int, optional
        Bytes: images that take more are read from their files in each epoch.
    folder : str
        Where a worker's process starts: the paths of the images may be relative to it.
    root : str
        Where Python finds this library.
    """

    kind: str
    name: str
    settings: Mapping[str, Any]
    images: Rows
    targets: np.ndarray | None
    preparation: Preparation
    validation: tuple[Rows, np.ndarray | None] | None = None
    memory: int | None = None
    folder: str = "."
    root: str = ""


@dataclass(frozen=True)
class Outcome:
    """How a worker's training ended.

    Attributes
    ----------
    history : dict of lists
    weights : list of ndarray
        Empty but for the first worker.
    digest : str
        SHA-256 of all weights.
    diverged : bool
        Whether the loss or the weights are no longer finite.
    """

    history: dict[str, list[float]]
    weights: list[np.ndarray]
    digest: str
    diverged: bool = False
