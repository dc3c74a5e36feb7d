"""Training and validation images, and nothing else, for trials that must not see test images."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from benchmarks import workspace
from benchmarks.measuring import Options

SPLITS = ("train", "validation")


class Images(NamedTuple):
    """Images, uint8 [n, height, width, channels], and labels, int64 [n], of two splits; and the number of classes."""

    train: np.ndarray
    train_labels: np.ndarray
    validation: np.ndarray
    validation_labels: np.ndarray
    n_classes: int

    def first(self, n: int) -> "Images":
        """Return the first `n` training images, and all validation images."""
        return self._replace(train=self.train[:n], train_labels=self.train_labels[:n])


@contextmanager
def without_test_images(options: Options, log: Callable[[str], None]) -> Iterator[tuple[Path, dict, dict]]:
    """Yield what `workspace.prepared` does, once test images and their labels are gone from the folder."""
    with workspace.prepared(options, log) as (folder, values, data):
        shutil.rmtree(folder / "data/raw")
        for dataset in values["datasets"]:
            made = folder / "data/prepared" / dataset
            shutil.rmtree(made / "test")
            listing = pd.read_csv(made / "listing.csv", keep_default_na=False)
            listing[listing["split"].isin(SPLITS)].to_csv(made / "listing.csv", index=False)
        yield (
            folder,
            values,
            {name: {key: n for key, n in each.items() if key != "test"} for name, each in data.items()},
        )


def read(folder: Path, dataset: str) -> Images:
    """Read the training and validation images of a data set from a folder in which `preprocess` ran."""
    made = folder / "data/prepared" / dataset
    listing = pd.read_csv(made / "listing.csv", keep_default_na=False)
    found = []
    for split in SPLITS:
        found += [np.load(made / split / "images.npy"), listing["label"][listing["split"] == split].to_numpy(np.int64)]
    return Images(*found, n_classes=int(max(found[1].max(), found[3].max())) + 1)
