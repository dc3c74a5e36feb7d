"""Reading what earlier stages wrote: prepared images, and the parameters a network was trained by."""

import math
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from autoencoders.preparation import Preparation, Rows
from stages.shared import files


def describe(dataset: str) -> dict:
    """Return the data set's `classes`, `source`, `origin` and the number of images of each split."""
    return files.read_json(files.outputs("preprocess", dataset, "dataset.json"))


def read(dataset: str, what: str, *splits: str) -> np.ndarray:
    """Return `what` ("images", "labels", "one_hot" or "numbers") of one split, memory-mapped, or of several, joined."""
    if len(splits) == 1:
        return files.read_array(_path(dataset, what, *splits))
    return np.asarray(rows(dataset, what, *splits))


def rows(dataset: str, what: str, *splits: str) -> Rows:
    """Return the same, read from its files where it is asked for, so that it may be larger than memory."""
    return Rows(*(files.StoredArray(_path(dataset, what, split)) for split in splits))


def held(stored: Rows, in_memory: float) -> np.ndarray | Rows:
    """Return rows as an array if it takes at most `in_memory` MiB, the parameter; else as they are."""
    size = math.prod(stored.shape) * stored.dtype.itemsize
    return np.asarray(stored) if size <= in_memory * 2**20 else stored


def _path(dataset: str, what: str, split: str) -> Path:
    return files.outputs("preprocess", dataset, split, f"{what}.npy")


def trained(name: str) -> SimpleNamespace:
    """Return the `recipe`, the `protocol` and the block of `params.yaml` that a network was trained by.

    They lie beside its weights, so that what follows from a network depends on these alone.
    """
    return SimpleNamespace(**files.read_json(files.outputs("train", name, "parameters.json")))


def preparation(network) -> Preparation:
    """Return the form in which a network, given its block of `params.yaml`, takes its images."""
    return Preparation(network.colour, flat=network.kind in ("classifier", "dense"))


def training_splits(block, protocol: str = "held-out") -> tuple[str, ...]:
    """Return the splits that a network or another representation is fitted to, by its block of `params.yaml`.

    All but the test images; not the validation images either, where it holds them out. Where the protocol is
    "together", all images.
    """
    if protocol == "together":
        return files.SPLITS
    return ("train",) if getattr(block, "validation", False) else ("train", "validation")


def parts(block, protocol: str) -> dict[str, tuple[str, ...]]:
    """Return the splits that belong together when clusterings are fitted and scored.

    Under "training" those fitted to, and under "held_out" and "validation" those only scored; where the protocol is
    "together", there is nothing but "training", which is all images.
    """
    found = {"training": training_splits(block, protocol)}
    if protocol == "together":
        return found
    found["held_out"] = ("test",)
    return found | {"validation": ("validation",)} if "validation" not in found["training"] else found
