"""Read a data set's images, from wherever its `source` says, into arrays."""

import csv
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from autoencoders.core.errors import arguments_of
from autoencoders.images.forms import Form
from autoencoders.images.splits import digests
from autoencoders.sources import Stream, download, stream
from autoencoders.sources.streams import Block
from stages.shared import inventories
from stages.shared.files import data, whole, write_json, write_rows
from stages.shared.parameters import read
from stages.shared.progress import counted
from stages.shared.running import run

# Under the folder that the repository's `.gitignore` leaves out.
DEFAULT_HOME = "data/downloads"
# Parameters of a data set that its source takes; of the user's own images, all but those named last.
TAKEN = {
    "bundled_photos": {"crops", "test_share", "seed", "limit"},
    "bundled_digits": {"test_share", "seed", "limit"},
    "cifar10": {"batches", "test_share", "seed", "limit"},
    "mnist": {"test_share", "seed", "limit"},
}
NOT_TAKEN = {"source", "path", "test_share", "validation_share"}
# Those that make up the form that images are given.
FORM = {"size", "fit", "colour", "max_pixels"}


def main(dataset: str) -> None:
    """Write `data/raw/<dataset>/`: the images as they came, `images.npy`, uint8 [n, height, width, channels].

    Beside them lie `listing.csv`, a row an image (its number in the source, the split and the label that the source
    gives, the SHA-256 of its pixels, and of pictures file, width, height and mode); `skipped.csv`, what could not be
    read; `classes.json`, the class names by label; and `source.json`, what was read.

    Raises
    ------
    InputError
        If there is no such data set, or its images cannot be read; see `autoencoders.sources.stream`.
    """
    (block,) = read(f"datasets.{dataset}")
    taken = TAKEN.get(block.source, set(type(block).model_fields) - NOT_TAKEN)
    options = block.model_dump(include=taken - FORM)
    if block.own:
        options["form"] = Form(**{**block.model_dump(include=FORM), "size": block.image_size})
    home = download.data_home(DEFAULT_HOME)
    with arguments_of(f"datasets.{dataset}"), whole(data("raw", dataset)) as (folder,):
        found = stream(block.source, options, path=inventories.resolved(Path(block.path)), home=home)
        counts = _write(found, folder, dataset)
        write_json(folder / "classes.json", found.classes)
        about = {"dataset": dataset, "source": block.source, "origin": found.origin, **counts}
        write_json(folder / "source.json", {**about, "left_out": found.left_out})
    print(f"{dataset}: {counts['images']:,} images from {found.origin}")
    if counts["skipped"]:
        print(f"{dataset}: left out: {counts['skipped']:,} pictures that cannot be read, listed in skipped.csv")
    if block.source in ("cifar10", "mnist"):
        # DVC would check a URL or a file of another folder on every run.
        command = f"dvc repro --force --single-item extract@{dataset}"
        print(f"{dataset}: DVC does not notice when official files are added or replaced: run `{command}` then.")


def _write(found: Stream, folder: Path, dataset: str) -> Counter[str]:
    """Write the images, their listing and what could not be read; return the numbers of `images` and `skipped`."""
    counts: Counter[str] = Counter(images=0, skipped=0)

    def pixels() -> Iterator[np.ndarray]:
        for block in counted(found.blocks, _size, found.total, f"{dataset}: images read"):
            for skipped in block.skipped:
                skips.writerow(map(_readable, skipped))
                counts["skipped"] += 1
            if not len(block.images):
                continue
            # Of pictures the number is their row here; their file is what names them.
            numbers = range(counts["images"], counts["images"] + len(block.images))
            columns = {"image": numbers, **block.columns, "sha256": digests(block.images)}
            columns = {name: [_readable(value) for value in values] for name, values in columns.items()}
            if not counts["images"]:
                rows.writerow(columns)
            rows.writerows(zip(*columns.values(), strict=True))
            counts["images"] += len(block.images)
            yield block.images

    with (
        (folder / "listing.csv").open("w", encoding="utf-8", newline="") as listing,
        (folder / "skipped.csv").open("w", encoding="utf-8", newline="") as skipped,
    ):
        rows, skips = csv.writer(listing, lineterminator="\n"), csv.writer(skipped, lineterminator="\n")
        skips.writerow(("file", "reason"))
        write_rows(folder / "images.npy", np.uint8, pixels())
    return counts


def _readable(value: object) -> object:
    """Write carriage returns in text as `\\r`: what reads a table takes a bare one for the end of a line."""
    return value.replace("\r", "\\r") if isinstance(value, str) else value


def _size(block: Block) -> int:
    return len(block.images) + len(block.skipped)


if __name__ == "__main__":
    run(main)
