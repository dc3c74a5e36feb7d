"""A data set as `preprocess` leaves it where the source gives images alone: without labels, and of its own shape."""

import json
from pathlib import Path

import numpy as np
import pandas as pd

COUNTS = {"train": 40, "validation": 10, "test": 20}
# Names that a listing must not take for missing values, a figure for a formula, or a page for an element.
ODD = ("NA", "a $x$ and $y^$.png", "<b>bold</b>.png", f"{'a/' * 40}long.png")


def write_prepared(dataset: str, shape: tuple[int, int, int] = (24, 40, 3), counts: dict[str, int] = COUNTS) -> None:
    """Write `data/prepared/<dataset>`: smooth images, uint8 [n, *shape], of a few kinds."""
    folder, random = Path("data/prepared", dataset), np.random.default_rng(0)
    tables = []
    height, width, channels = shape
    y, x = np.linspace(0, 1, height)[:, None, None], np.linspace(0, 1, width)[None, :, None]
    for split, n in counts.items():
        slopes, noise = random.integers(-1, 2, (n, 2, channels)), random.normal(0, 0.05, (n, *shape))
        images = 0.5 + 0.4 * (slopes[:, :1, None] * (y - 0.5) + slopes[:, 1:, None] * (x - 0.5)) + noise
        (folder / split).mkdir(parents=True)
        np.save(folder / split / "images.npy", np.rint(255 * images.clip(0, 1)).astype(np.uint8))
        names = [*ODD, *(f"{split}-{number}.png" for number in range(n))][:n]
        table = {"split": split, "row": range(n), "image": range(n), "file": names, "sha256": "0" * 64}
        tables.append(pd.DataFrame({**table, "width": width, "height": height, "mode": "RGB"}))
    pd.concat(tables).to_csv(folder / "listing.csv", index=False)
    described = {"dataset": dataset, "source": "images", "origin": "a folder of images", "classes": []}
    described |= {"equal": 0, "unreadable": 0}
    (folder / "dataset.json").write_text(json.dumps({**described, "images": counts}), encoding="utf-8")
