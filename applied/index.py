"""Codes that are searched, with what is known of their images."""

import csv
from pathlib import Path
from typing import NamedTuple

import numpy as np

from applied.export import Export
from autoencoders.core.errors import InputError
from autoencoders.sources.names import shown


class Index(NamedTuple):
    """Codes and their listing.

    Attributes
    ----------
    codes : ndarray of shape (n, width), float32
        Perhaps memory-mapped.
    listing : dict of list of str
        What is known of each code's image, by the names of the columns: of an export split, row, image, perhaps file,
        label and class, and cluster; of `autoencoder encode` file and image. Empty where nothing is known.
    thumbnails : ndarray of shape (n, height, width, channels), uint8, or None
    """

    codes: np.ndarray
    listing: dict[str, list[str]]
    thumbnails: np.ndarray | None = None

    @classmethod
    def of_export(cls, export: Export) -> "Index":
        """Return the training images of an export."""
        codes = export.array("index.npy", mapped=True)
        thumbnails = export.array("thumbnails.npy", mapped=True)
        return cls(codes, _listing(export.folder / "index.csv", len(codes)), thumbnails)

    @classmethod
    def of_file(cls, file: Path) -> "Index":
        """Return the codes that `autoencoder encode --out codes.npy` wrote, and their listing, if it lies beside them.

        Raises
        ------
        InputError
            If the file holds no codes, or its listing is of others.
        """
        try:
            codes = np.load(file, mmap_mode="r", allow_pickle=False)
        except FileNotFoundError:
            raise InputError(f"{shown(file)} is not there; name a folder of pictures or a .npy of codes.") from None
        except (OSError, ValueError, EOFError):
            raise InputError(f"{shown(file)} holds no array of codes, or is damaged; replace it.") from None
        if not isinstance(codes, np.ndarray) or codes.ndim != 2 or codes.dtype != np.float32:
            raise InputError(f"{shown(file)} holds no codes, which are float32 [n, width]; name another file.")
        listing = file.with_suffix(".csv")
        return cls(codes, _listing(listing, len(codes)) if listing.is_file() else {})

    def __len__(self) -> int:
        return len(self.codes)


def _listing(file: Path, n: int) -> dict[str, list[str]]:
    try:
        with file.open(encoding="utf-8", newline="") as lines:
            rows = list(csv.reader(lines))
    except (OSError, UnicodeDecodeError, csv.Error):
        raise InputError(f"{shown(file)} cannot be read as CSV; replace it.") from None
    names, values = (rows[0], rows[1:]) if rows else ([], [])
    if len(values) != n or any(len(row) != len(names) for row in values):
        raise InputError(f"{shown(file)} lists {len(values)} images, but there are {n} codes; replace it.")
    return {name: [row[place] for row in values] for place, name in enumerate(names)}
