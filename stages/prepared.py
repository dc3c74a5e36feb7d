"""Reading what the stage `preprocess` wrote."""

import numpy as np

from autoencoders.preparation import Preparation
from stages import files


def describe(dataset: str) -> dict:
    """Return the data set's `classes`, `source`, `origin` and the number of images of each split."""
    return files.read_json(files.outputs("preprocess", dataset, "dataset.json"))


def read(dataset: str, what: str, *splits: str) -> np.ndarray:
    """Return `what` ("images", "labels", "one_hot" or "numbers") of one split, memory-mapped, or of several, joined."""
    arrays = [files.read_array(files.outputs("preprocess", dataset, split, f"{what}.npy")) for split in splits]
    return arrays[0] if len(arrays) == 1 else np.concatenate(arrays)


def preparation(network) -> Preparation:
    """Return the form in which the network of a block of `params.yaml` takes its images."""
    return Preparation(network.colour, flat=network.kind != "convolutional")


def training_splits(network) -> tuple[str, ...]:
    """Return the splits a network is trained on: all but the test images, or not the validation images either."""
    return ("train",) if network.validation else ("train", "validation")
