"""Split a data set into training, validation and test images, and one-hot encode its labels."""

import numpy as np

from autoencoders import figures
from autoencoders.deskewing import deskew
from autoencoders.errors import InputError
from autoencoders.preparation import blocks, grey, one_hot, validation_start
from stages.shared import files
from stages.shared.parameters import read
from stages.shared.progress import watched
from stages.shared.running import run

SHOWN = 12


def main(dataset: str) -> None:
    (block,) = read(f"datasets.{dataset}")
    source = files.outputs("extract", dataset)
    raw = {
        part: [files.StoredArray(source / part / f"{what}.npy") for what in ("images", "labels")]
        for part in ("train", "test")
    }
    classes = files.read_json(source / "classes.json")
    origin = files.read_json(source / "source.json")
    images, labels = raw["train"]
    if len(images) < 2:
        raise InputError(f"datasets.{dataset} has {len(images)} training images, too few to split; raise its limit.")
    start = validation_start(len(images), block.validation_share)
    splits = {"train": (*raw["train"], 0, start), "validation": (*raw["train"], start, len(images))}
    splits["test"] = (*raw["test"], 0, len(raw["test"][0]))

    form = deskew if getattr(block, "deskew", False) else np.asarray
    folders = files.outputs("preprocess", dataset), files.plots("preprocess", dataset)
    with files.whole(*folders) as (folder, plots):
        counts = {}
        for split, (images, labels, first, end) in splits.items():
            (folder / split).mkdir()
            n, labels = end - first, labels[first:end]
            np.save(folder / split / "labels.npy", labels)
            # Numbers count from 0 in the source's own training or test images, to find an image again there.
            np.save(folder / split / "numbers.npy", np.arange(first, end, dtype=np.int64))
            targets = (one_hot(labels[rows], len(classes)) for rows in blocks(n))
            files.write_array(folder / split / "one_hot.npy", (n, len(classes)), np.float32, targets)
            shape, slices = (n, *images.shape[1:]), watched(blocks(n), n, f"{dataset}: {split}")
            formed = (form(images[first + rows.start : first + rows.stop]) for rows in slices)
            files.write_array(folder / split / "images.npy", shape, images.dtype, formed)
            counts[split] = n
        described = {"dataset": dataset, "source": origin["source"], "origin": origin["origin"], "classes": classes}
        files.write_json(folder / "dataset.json", {**described, "images": counts})
        images, labels = (values[:SHOWN] for values in raw["train"])
        figures.save(_first(form(images), labels, classes, dataset), plots / "first-twelve.png")
    print(f"{dataset}: {', '.join(f'{count:,} {split}' for split, count in counts.items())} images")


def _first(images: np.ndarray, labels: np.ndarray, classes: list[str], dataset: str):
    images, names = images[:SHOWN], [classes[label] for label in labels[:SHOWN]]
    rows = {"colour": images, "grey": grey(images)} if images.shape[-1] == 3 else {"grey": grey(images)}
    return figures.image_rows(rows, names, f"The first {len(images)} training images: {dataset}")


if __name__ == "__main__":
    run(main)
