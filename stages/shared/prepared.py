"""Reading what earlier stages wrote: prepared images, and the parameters a network was trained by."""

import math
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import numpy as np

from autoencoders.core.rows import Rows
from autoencoders.images.preparation import Preparation
from stages.shared import files

if TYPE_CHECKING:
    import pandas as pd

# Types of the listing's columns; others are text. Categories hold each split's and class's name once, whatever the
# number of images.
LISTING = {"split": "category", "row": np.int64, "image": np.int64, "label": np.int64, "class": "category"}
# Those of them that name an image for a reader, as far as a listing has them.
NAMING = ("split", "row", "image", "file", "label")


def describe(dataset: str) -> dict:
    """Return the data set's `classes` (empty without labels), `source`, `origin` and the `images` of each split."""
    return files.read_json(files.data("prepared", dataset, "dataset.json"))


def images(dataset: str, *splits: str) -> np.ndarray:
    """Return images, uint8 [n, height, width, channels]: memory-mapped those of one split, joined those of several."""
    if len(splits) == 1:
        return files.read_array(_path(dataset, *splits))
    return np.asarray(image_rows(dataset, *splits))


def image_rows(dataset: str, *splits: str) -> Rows:
    """Return the images of the splits as rows that are read from their files on access and may exceed memory."""
    return Rows(*(files.StoredArray(_path(dataset, split)) for split in splits))


def listing(dataset: str, *splits: str, columns: Sequence[str] | None = None) -> "pd.DataFrame":
    """Return the listing of the images of the splits, in the order of their arrays; without splits, of all images.

    Parameters
    ----------
    dataset, *splits : str
    columns : sequence of str, optional
        Only these of the columns, as far as the listing has them.

    Returns
    -------
    DataFrame
        `split`; `row`, the image's row in the array of its split; `image`, its number in the source; with labels,
        `label`, int64 from 0, and `class`, the label's name; and what else the listing says, as text (see
        `data/README.md`).
    """
    import pandas as pd

    path = files.data("prepared", dataset, "listing.csv")
    there = files.read_table(path, nrows=0).columns
    wanted = [column for column in there if columns is None or column in (*columns, "split")]
    types = {column: LISTING.get(column, str) for column in wanted}
    table = files.read_table(path, dtype=types, usecols=wanted, na_filter=False)
    chosen = [table[table["split"] == split] for split in splits or files.SPLITS]
    return pd.concat(chosen, ignore_index=True)


def naming(dataset: str, *splits: str) -> "pd.DataFrame":
    """Return of the listing the columns that name an image: `NAMING`, as far as there are any; see `listing`."""
    return listing(dataset, *splits, columns=NAMING)


def labels(dataset: str, *splits: str) -> np.ndarray | None:
    """Return the labels of the images of the splits, int64 [n]; None where the data set has none."""
    table = listing(dataset, *splits, columns=("label",))
    return table["label"].to_numpy() if "label" in table else None


def numbers(dataset: str, *splits: str) -> np.ndarray:
    """Return the numbers in the source of the images of the splits, int64 [n]."""
    return listing(dataset, *splits, columns=("image",))["image"].to_numpy()


def held(stored: Rows, in_memory: float) -> np.ndarray | Rows:
    """Return rows as an array if it takes at most `in_memory` MiB, the parameter; else as they are."""
    size = math.prod(stored.shape) * stored.dtype.itemsize
    return np.asarray(stored) if size <= in_memory * 2**20 else stored


def _path(dataset: str, split: str) -> Path:
    return files.data("prepared", dataset, split, "images.npy")


def trained(name: str) -> SimpleNamespace:
    """Return the `recipe`, the `protocol` and the block of `params.yaml` that a network was trained by.

    They lie beside its weights, so that what follows from a network depends on these alone.
    """
    return SimpleNamespace(**files.read_json(files.models(name, "parameters.json")))


def preparation(network) -> Preparation:
    """Return the form in which a network, given its block of `params.yaml`, takes its images."""
    return Preparation(network.colour, flat=network.kind in ("classifier", "dense"))


def image_preparation(network) -> Preparation:
    """Return the same form, but images that keep height, width and channels, for figures and scores."""
    return preparation(network)._replace(flat=False)


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
