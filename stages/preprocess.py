"""Split a data set into training, validation and test images, and list them all."""

from collections.abc import Callable
from functools import partial

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from autoencoders.core.errors import InputError
from autoencoders.images.deskewing import deskew
from autoencoders.images.preparation import grey, validation_start
from autoencoders.images.splits import Splits, by_pixels
from autoencoders.pages import figures
from stages.shared import files
from stages.shared.filling import fill
from stages.shared.parameters import read
from stages.shared.progress import watched
from stages.shared.running import run

# As many images as the chapter's Exercise 20 shows.
SHOWN = 12
# Columns of the listing, as far as there are any, before those that a source has beside them.
COLUMNS = ("split", "row", "image", "label", "class", "file", "sha256", "width", "height", "mode")


def main(dataset: str) -> None:
    """Read `data/raw/<dataset>/`; write the images of each split, the listing of all, and a figure of the first.

    They go to `data/prepared/<dataset>/` and `plots/preprocess/<dataset>/`. Images that equal others are listed in
    `equal.csv` there.

    Raises
    ------
    InputError
        If a file is missing or damaged, all images are equal, or a split would be empty.
    """
    (block,) = read(f"datasets.{dataset}")
    source = files.data("raw", dataset)
    images = files.StoredArray(source / "images.npy")
    listing = files.read_table(source / "listing.csv", dtype=str, na_filter=False)
    classes = files.read_json(source / "classes.json")
    origin = files.read_json(source / "source.json")
    given = listing["split"].to_numpy()
    if listing["sha256"].nunique() == 1:
        which = (
            f"all {len(listing)} images of datasets.{dataset} are equal" if len(listing) > 1 else "there is one image"
        )
        raise InputError(f"{which}, from which nothing can be learnt; give datasets.{dataset} others.")
    if block.own:
        splits = by_pixels(given, listing["sha256"], block.test_share, block.validation_share, block.seed)
        _check(dataset, splits)
    else:
        splits = Splits(
            _last_for_validation(dataset, given, block.validation_share), listing["sha256"].duplicated(False)
        )
    if "label" in listing:
        listing["class"] = [classes[int(label)] for label in listing["label"]]

    form = deskew if getattr(block, "deskew", False) else np.asarray
    folders = files.data("prepared", dataset), files.plots("preprocess", dataset)
    with files.whole(*folders) as (folder, plots):
        counts, parts = {}, []
        for split in files.SPLITS:
            rows = np.flatnonzero(splits.names == split)
            (folder / split).mkdir()
            n = len(rows)
            # A file, of which whoever forms a block reads what it needs.
            chosen = folder / f"{files.PARTIAL}rows.npy"
            np.save(chosen, rows)
            formed, shape = partial(_formed, form, images, files.StoredArray(chosen)), (n, *images.shape[1:])
            fill(folder / split / "images.npy", shape, images.dtype, formed, watched, f"{dataset}: {split}")
            chosen.unlink()
            parts.append(listing.iloc[rows].assign(split=split, row=np.arange(n)))
            counts[split] = n
        table = pd.concat(parts)
        table = table[[*(name for name in COLUMNS if name in table), *table.columns.difference(COLUMNS, sort=False)]]
        table.to_csv(folder / "listing.csv", index=False)
        equal = _equal(listing.assign(split=splits.names), splits.equal)
        equal.to_csv(folder / "equal.csv", index=False)
        about = {"dataset": dataset, "source": origin["source"], "origin": origin["origin"], "classes": classes}
        about |= {"images": counts, "equal": len(equal), "unreadable": origin["skipped"]}
        files.write_json(folder / "dataset.json", about)
        first = parts[0].iloc[:SHOWN]
        shown = form(_taken(images, first.index.to_numpy()))
        figures.save(_first(shown, first.get("class"), dataset), plots / "first-twelve.png")
    print(f"{dataset}: {', '.join(f'{count:,} {split}' for split, count in counts.items())} images")
    if len(equal):
        left_out = int((splits.names == "").sum())
        print(f"{dataset}: {len(equal):,} images equal others, of which {left_out:,} are left out: see equal.csv")


def _last_for_validation(dataset: str, given: np.ndarray, share: float) -> np.ndarray:
    """Return the splits as the source gives them, but the last of the training images as validation images."""
    training = np.flatnonzero(given == "train")
    if len(training) < 2:
        raise InputError(f"datasets.{dataset} has {len(training)} training images, too few to split; raise its limit.")
    names = given.astype("<U10")
    names[training[validation_start(len(training), share) :]] = "validation"
    return names


def _check(dataset: str, splits: Splits) -> None:
    for split in files.SPLITS:
        if split not in splits.names:
            shares = "test_share and validation_share" if split == "train" else f"{split}_share"
            raise InputError(
                f"datasets.{dataset} has {len(splits.names)} images, of which none is a {split} image; "
                f"add images, or change its {shares} or seed."
            )


def _formed(
    form: Callable[[np.ndarray], np.ndarray], images: files.StoredArray, chosen: files.StoredArray, rows: slice
) -> np.ndarray:
    return form(_taken(images, chosen[rows]))


def _taken(images: files.StoredArray, rows: np.ndarray) -> np.ndarray:
    """Return some rows, which ascend: those that follow one another at once."""
    if len(rows) and rows[-1] - rows[0] == len(rows) - 1:
        return images[int(rows[0]) : int(rows[-1]) + 1]
    return images[rows]


def _equal(listing: pd.DataFrame, which: np.ndarray) -> pd.DataFrame:
    """Return a row for each image of which there are equals, these one below another; "" is the split of one left out.

    `image` is its number in the source.
    """
    columns = [column for column in ("sha256", "split", "image", "file", "label") if column in listing]
    return listing.loc[which, columns].sort_values("sha256", kind="stable")


def _first(images: np.ndarray, names: pd.Series | None, dataset: str) -> Figure:
    rows = {"colour": images, "grey": grey(images)} if images.shape[-1] == 3 else {"grey": grey(images)}
    captions = list(names) if names is not None else ()
    return figures.image_rows(rows, captions, f"The first {len(images)} training images: {dataset}")


if __name__ == "__main__":
    run(main)
