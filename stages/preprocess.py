"""Split a data set into training, validation and test images, and list them all."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from autoencoders.core.errors import InputError
from autoencoders.core.rows import blocks
from autoencoders.images.deskewing import deskew
from autoencoders.images.preparation import grey, validation_start
from autoencoders.pages import figures
from stages.shared import files
from stages.shared.parameters import read
from stages.shared.progress import watched
from stages.shared.running import run

# As many images as the chapter's Exercise 20 shows.
SHOWN = 12


class _Split(NamedTuple):
    """Rows from `first` to before `end` of the raw training or test images and their labels."""

    images: files.StoredArray
    labels: files.StoredArray
    first: int
    end: int


def main(dataset: str) -> None:
    """Read `data/raw/<dataset>/`; write the images of each split, the listing of all, and a figure of the first.

    They go to `data/prepared/<dataset>/` and `plots/preprocess/<dataset>/`.

    Raises
    ------
    InputError
        If a file is missing or damaged, or there are fewer than two training images.
    """
    (block,) = read(f"datasets.{dataset}")
    source = files.data("raw", dataset)
    images, labels = _raw(source / "train")
    test_images, test_labels = _raw(source / "test")
    classes = files.read_json(source / "classes.json")
    origin = files.read_json(source / "source.json")
    if len(images) < 2:
        raise InputError(f"datasets.{dataset} has {len(images)} training images, too few to split; raise its limit.")
    start = validation_start(len(images), block.validation_share)
    splits = {
        "train": _Split(images, labels, 0, start),
        "validation": _Split(images, labels, start, len(images)),
        "test": _Split(test_images, test_labels, 0, len(test_images)),
    }

    form = deskew if getattr(block, "deskew", False) else np.asarray
    folders = files.data("prepared", dataset), files.plots("preprocess", dataset)
    with files.whole(*folders) as (folder, plots):
        counts = {}
        for split, (stored, _, first, end) in splits.items():
            (folder / split).mkdir()
            n = end - first
            shape, slices = (n, *stored.shape[1:]), watched(blocks(n), n, f"{dataset}: {split}")
            formed = (form(stored[first + rows.start : first + rows.stop]) for rows in slices)
            files.write_array(folder / split / "images.npy", shape, stored.dtype, formed)
            counts[split] = n
        _write_listing(folder / "listing.csv", splits, classes)
        described = {"dataset": dataset, "source": origin["source"], "origin": origin["origin"], "classes": classes}
        files.write_json(folder / "dataset.json", {**described, "images": counts})
        figures.save(_first(form(images[:SHOWN]), labels[:SHOWN], classes, dataset), plots / "first-twelve.png")
    print(f"{dataset}: {', '.join(f'{count:,} {split}' for split, count in counts.items())} images")


def _raw(folder: Path) -> tuple[files.StoredArray, files.StoredArray]:
    return files.StoredArray(folder / "images.npy"), files.StoredArray(folder / "labels.npy")


def _write_listing(path: Path, splits: dict[str, _Split], classes: list[str]) -> None:
    """Write a row an image, in the order of the arrays: split, row there, number in the source, label, class."""
    with path.open("w", encoding="utf-8", newline="") as file:
        pd.DataFrame(columns=["split", "row", "image", "label", "class"]).to_csv(file, index=False)
        for split, (_, labels, first, end) in splits.items():
            for rows in blocks(end - first):
                # Numbers count from 0 in the source's own training or test images, to find an image again there.
                numbers = range(first + rows.start, first + rows.stop)
                block = labels[numbers.start : numbers.stop]
                table = {"split": split, "row": range(rows.start, rows.stop), "image": numbers, "label": block}
                table["class"] = [classes[label] for label in block]
                pd.DataFrame(table).to_csv(file, index=False, header=False)


def _first(images: np.ndarray, labels: np.ndarray, classes: list[str], dataset: str) -> Figure:
    images, names = images[:SHOWN], [classes[label] for label in labels[:SHOWN]]
    rows = {"colour": images, "grey": grey(images)} if images.shape[-1] == 3 else {"grey": grey(images)}
    return figures.image_rows(rows, names, f"The first {len(images)} training images: {dataset}")


if __name__ == "__main__":
    run(main)
