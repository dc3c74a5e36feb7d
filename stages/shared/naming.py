"""What a figure calls an image: by its class, its file, and its number in the source."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

# Characters of the name of a class or a file beside an image in a figure.
MOST = 24


def captions(table: "pd.DataFrame", classes: Sequence[str]) -> list[tuple[str, str]]:
    """Return for each image of a listing its class or, where it has none, its file; and its number in words.

    No two images of one split have the same number, so that no two captions are the same; files may be, shortened.

    Parameters
    ----------
    table : DataFrame
        With `image`, and `label` or `file` as far as there are any; see `stages.shared.prepared.naming`.
    classes : sequence of str
        The names of the labels.
    """
    if "label" in table:
        names = [name if len(name) <= MOST else f"{name[: MOST - 1]}…" for name in classes]
        first = [names[label] for label in table["label"]]
    elif "file" in table:
        first = [shortened(file) for file in table["file"]]
    else:
        first = [""] * len(table)
    return [(of, f"image {number}") for of, number in zip(first, table["image"], strict=True)]


def lines(captions: Sequence[tuple[str, str]]) -> list[str]:
    """Return captions of two lines, or of one where only the number is known."""
    return ["\n".join(filter(None, parts)) for parts in captions]


def shortened(name: str, most: int = MOST) -> str:
    """Return a file's name of at most `most` characters: of a longer one the end, which tells files apart."""
    return name if len(name) <= most else "…" + name[1 - most :]
