"""The listing of a data set's images in the working directory, and where the images of the tests are from."""

import pandas as pd


def listed(dataset: str, *splits: str) -> pd.DataFrame:
    """Return the rows of `listing.csv` of these splits, in their order; without splits, of all images."""
    table = pd.read_csv(f"data/prepared/{dataset}/listing.csv", dtype={"class": str})
    chosen = [table[table["split"] == split] for split in splits or table["split"].unique()]
    return pd.concat(chosen, ignore_index=True)


def relist(dataset: str, **counts: int) -> None:
    """Write a listing of so many images of each split in `counts`, all of the first class; others stay as they are."""
    table = listed(dataset)
    parts = []
    for split in table["split"].unique():
        part = table[table["split"] == split]
        if split in counts:
            rows = range(counts[split])
            first = table.loc[table["label"] == 0, "class"].iloc[0]
            part = pd.DataFrame({"split": split, "row": rows, "image": rows, "label": 0, "class": first, "sha256": ""})
        parts.append(part)
    pd.concat(parts).to_csv(f"data/prepared/{dataset}/listing.csv", index=False)


def source_of(block: dict) -> str:
    """Return the source of the images that a network or another representation of the tests is made from."""
    return f"bundled_{block['dataset']}"
