"""Codes as files: what `encode`, `represent` and `manifold` write alike, for clustering, search and other projects.

A folder of codes holds one float32 array [images, width] for each split (`train.npy`, `validation.npy`, `test.npy`),
`index.csv` with a row an image in their order, and `code.json`, which says what they are.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd

from autoencoders.preparation import Rows, blocks
from stages.shared import files, prepared
from stages.shared.progress import watched


def write(
    folder: Path, about: dict, inputs: Mapping[str, np.ndarray | Rows], transform: Callable[[np.ndarray], np.ndarray]
) -> None:
    """Write a folder of codes.

    Parameters
    ----------
    folder : Path
        An existing one.
    about : dict
        For `code.json`, with the `dataset`, the `shape` of a code and the `parameters` that it comes from.
    inputs : mapping of ndarray or Rows of shape (n, …)
        For each split the images, or whatever the codes are made from.
    transform : callable
        From a block of them to its codes, [n, *shape] or [n, width].
    """
    described = prepared.describe(about["dataset"])
    width = int(np.prod(about["shape"]))
    for split, values in inputs.items():
        slices = watched(blocks(len(values)), len(values), f"{about['dataset']}: {split}")
        found = (transform(values[rows]).reshape(-1, width) for rows in slices)
        files.write_array(folder / f"{split}.npy", (len(values), width), np.float32, found)
    _write_index(folder / "index.csv", about["dataset"], described["classes"])
    origin = {key: described[key] for key in ("source", "origin")}
    files.write_json(folder / "code.json", {"dtype": "float32", **about, **origin})


def _write_index(path: Path, dataset: str, classes: list[str]) -> None:
    """Write a row an image, in the order of the arrays: split, row there, number in the source, label, class."""
    columns = ["split", "row", "image", "label", "class"]
    with path.open("w", encoding="utf-8", newline="") as file:
        pd.DataFrame(columns=columns).to_csv(file, index=False)
        for split in files.SPLITS:
            labels, numbers = (prepared.rows(dataset, what, split) for what in ("labels", "numbers"))
            for rows in blocks(len(labels)):
                block = labels[rows]
                names = [classes[label] for label in block]
                values = (split, range(rows.start, rows.stop), numbers[rows], block, names)
                table = pd.DataFrame(dict(zip(columns, values, strict=True)))
                table.to_csv(file, index=False, header=False)


def describe(stage: str, name: str) -> SimpleNamespace:
    """Return what `code.json` says; its `parameters` are a namespace too."""
    found = SimpleNamespace(**files.read_json(files.outputs(stage, name, "code.json")))
    found.parameters = SimpleNamespace(**found.parameters)
    return found


def read(stage: str, name: str, *splits: str) -> np.ndarray:
    """Return the codes [n, width] of one split, memory-mapped, or of several, joined."""
    if len(splits) == 1:
        return files.read_array(files.outputs(stage, name, f"{splits[0]}.npy"))
    return np.asarray(rows(stage, name, *splits))


def rows(stage: str, name: str, *splits: str) -> Rows:
    """Return the same, read from its files where it is asked for, so that it may be larger than memory."""
    return Rows(*(files.StoredArray(files.outputs(stage, name, f"{split}.npy")) for split in splits))
