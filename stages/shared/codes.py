"""Codes as files: what `encode`, `represent` and `manifold` write alike, for clustering, search and other projects.

A folder of codes holds one float32 array [images, width] for each split (`train.npy`, `validation.npy`, `test.npy`),
`index.csv` with a row an image in their order, and `code.json`, which says what they are.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd

from autoencoders.preparation import blocks
from stages.shared import files, prepared


def write(
    folder: Path, about: dict, inputs: Mapping[str, np.ndarray], transform: Callable[[np.ndarray], np.ndarray]
) -> None:
    """Write a folder of codes.

    Parameters
    ----------
    folder : Path
        An existing one.
    about : dict
        For `code.json`, with the `dataset`, the `shape` of a code and the `parameters` that it comes from.
    inputs : mapping of ndarray of shape (n, …)
        For each split the images, or whatever the codes are made from.
    transform : callable
        From a block of them to its codes, [n, *shape] or [n, width].
    """
    described = prepared.describe(about["dataset"])
    width = int(np.prod(about["shape"]))
    for split, values in inputs.items():
        shape = (len(values), width)
        codes = np.lib.format.open_memmap(folder / f"{split}.npy", mode="w+", dtype=np.float32, shape=shape)
        for rows in blocks(len(values)):
            codes[rows] = transform(values[rows]).reshape(-1, width)
        codes.flush()
    _index(about["dataset"], described["classes"]).to_csv(folder / "index.csv", index=False)
    origin = {key: described[key] for key in ("source", "origin")}
    files.write_json(folder / "code.json", {"dtype": "float32", **about, **origin})


def _index(dataset: str, classes: list[str]) -> pd.DataFrame:
    """Return a row an image, in the order of the arrays: split, row there, number in the source, label, class."""
    tables = []
    for split in files.SPLITS:
        labels = prepared.read(dataset, "labels", split)
        columns = {"split": split, "row": range(len(labels)), "image": prepared.read(dataset, "numbers", split)}
        tables.append(pd.DataFrame({**columns, "label": labels, "class": [classes[label] for label in labels]}))
    return pd.concat(tables)


def describe(stage: str, name: str) -> SimpleNamespace:
    """Return what `code.json` says; its `parameters` are a namespace too."""
    found = SimpleNamespace(**files.read_json(files.outputs(stage, name, "code.json")))
    found.parameters = SimpleNamespace(**found.parameters)
    return found


def read(stage: str, name: str, *splits: str) -> np.ndarray:
    """Return the codes [n, width] of one split, memory-mapped, or of several, joined."""
    arrays = [files.read_array(files.outputs(stage, name, f"{split}.npy")) for split in splits]
    return arrays[0] if len(arrays) == 1 else np.concatenate(arrays)
