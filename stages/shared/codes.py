"""Codes as files: what `encode`, `represent` and `embed` write alike, for clustering, search and other projects.

`data/codes/<name>/` holds one float32 array [images, width] for each split (`train.npy`, `validation.npy`, `test.npy`)
and `code.json`, which says what they are. Their rows are the images of the data set in the order of its listing,
`data/prepared/<dataset>/listing.csv`.
"""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from autoencoders.core.rows import Rows
from stages.shared import files, prepared
from stages.shared.filling import fill
from stages.shared.progress import watched


def write(
    folder: Path, about: dict, inputs: Mapping[str, np.ndarray | Rows], transform: Callable[[np.ndarray], np.ndarray]
) -> None:
    """Write a folder of codes; those of `Rows` block by block, each by who computes it (`stages.shared.filling.fill`).

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
        path, shape = folder / f"{split}.npy", (len(values), width)
        if isinstance(values, np.ndarray):
            files.write_array(path, shape, np.float32, [transform(values).reshape(shape)])
        else:
            coded = partial(_coded, transform, values, width)
            fill(path, shape, np.float32, coded, watched, f"{about['dataset']}: {split}")
    origin = {key: described[key] for key in ("source", "origin")}
    files.write_json(folder / "code.json", {"dtype": "float32", **about, **origin})


def _coded(transform: Callable[[np.ndarray], np.ndarray], inputs: Rows, width: int, rows: slice) -> np.ndarray:
    return transform(inputs[rows]).reshape(-1, width)


def describe(name: str) -> SimpleNamespace:
    """Return what `code.json` says of the code of this name; its `parameters` are a namespace too."""
    about = SimpleNamespace(**files.read_json(files.data("codes", name, "code.json")))
    about.parameters = SimpleNamespace(**about.parameters)
    return about


def read(name: str, *splits: str) -> np.ndarray:
    """Return codes, float32 [n, width]: memory-mapped those of one split, joined those of several."""
    if len(splits) == 1:
        return files.read_array(_path(name, *splits))
    return np.asarray(rows(name, *splits))


def rows(name: str, *splits: str) -> Rows:
    """Return the codes of the splits as rows that are read from their files on access and may exceed memory."""
    return Rows(*(files.StoredArray(_path(name, split)) for split in splits))


def _path(name: str, split: str) -> Path:
    return files.data("codes", name, f"{split}.npy")
