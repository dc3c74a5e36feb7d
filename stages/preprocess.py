"""Split a data set into training, validation and test images, and one-hot encode its labels."""

import numpy as np

from autoencoders import figures
from autoencoders.deskewing import deskew
from autoencoders.errors import InputError
from autoencoders.preparation import grey, one_hot, validation_start
from stages.shared import files
from stages.shared.parameters import read
from stages.shared.running import run

SHOWN = 12


def main(dataset: str) -> None:
    (block,) = read(f"datasets.{dataset}")
    source = files.outputs("extract", dataset)
    raw = {
        part: [files.read_array(source / part / f"{what}.npy") for what in ("images", "labels")]
        for part in ("train", "test")
    }
    classes = files.read_json(source / "classes.json")
    origin = files.read_json(source / "source.json")
    images, labels = raw["train"]
    if len(images) < 2:
        raise InputError(f"datasets.{dataset} has {len(images)} training images, too few to split; raise its limit.")
    start = validation_start(len(images), block.validation_share)
    splits = {"train": (*raw["train"], slice(0, start)), "validation": (*raw["train"], slice(start, None))}
    splits["test"] = (*raw["test"], slice(0, None))

    form = deskew if getattr(block, "deskew", False) else np.asarray
    targets = files.outputs("preprocess", dataset), files.plots("preprocess", dataset)
    with files.whole(*targets) as (folder, plots):
        counts = {}
        for split, (images, labels, rows) in splits.items():
            (folder / split).mkdir()
            np.save(folder / split / "images.npy", form(images[rows]))
            np.save(folder / split / "labels.npy", labels[rows])
            np.save(folder / split / "one_hot.npy", one_hot(labels[rows], len(classes)))
            # Numbers count from 0 in the source's own training or test images, to find an image again there.
            np.save(folder / split / "numbers.npy", np.arange(len(labels), dtype=np.int64)[rows])
            counts[split] = len(labels[rows])
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
