"""Codes that are searched, with what is known of their images."""

import csv
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from applied.approximate import Approximate
from applied.export import MANIFEST, Export
from applied.inputs import Inputs
from autoencoders.core.errors import InputError
from autoencoders.sources.names import shown

if TYPE_CHECKING:
    from applied.encoder import Encoder


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
    approximate : Approximate or None
        What an export holds to search its codes approximately; of other codes what `with_approximate` adds.
    """

    codes: np.ndarray
    listing: dict[str, list[str]]
    thumbnails: np.ndarray | None = None
    approximate: Approximate | None = None

    @classmethod
    def of_export(cls, export: Export) -> "Index":
        """Return the training images of an export."""
        codes = export.array("index.npy", mapped=True)
        thumbnails = export.array("thumbnails.npy", mapped=True)
        listing = _listing(export.folder / "index.csv", len(codes))
        return cls(codes, listing, thumbnails, Approximate.of_export(export, codes))

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

    @classmethod
    def of_path(cls, path: str | Path, encoder: "Encoder", inputs: "Inputs | None" = None) -> "Index":
        """Return what a path names, for an encoder: an export of the same network, codes, or images to be encoded.

        Parameters
        ----------
        path : path
            A folder with a manifest; a .npy of codes; else what `applied.inputs.Inputs` takes.
        encoder : Encoder
        inputs : Inputs, optional
            The images of the path, where they are to be read in another way than by default.

        Raises
        ------
        InputError
            If there is nothing of that, or it is of another network.
        """
        place = Path(path)
        if (place / MANIFEST).is_file():
            return cls._of_other_export(place, encoder)
        if place.suffix.lower() == ".npy" and _is_codes(place):
            return cls.of_file(place)
        codes, files, numbers = [np.empty((0, encoder.width), np.float32)], list[str](), list[str]()
        for batch in inputs if inputs is not None else Inputs([path], encoder.manifest["images"]):
            codes.append(encoder.encode(batch.images, prepared=True))
            files += batch.files
            numbers += batch.numbers
        return cls(np.concatenate(codes), {"file": files, "image": numbers})

    @classmethod
    def _of_other_export(cls, folder: Path, encoder: "Encoder") -> "Index":
        other = Export.read(folder)
        own, their = (export["files"].get("encoder.onnx") for export in (encoder.manifest, other.manifest))
        if own != their:
            raise InputError(
                f"{shown(folder)} is an export of another network, whose codes mean something else; name pictures, "
                "or codes of this network."
            )
        if "index.npy" not in other.manifest["files"]:
            raise InputError(f"{shown(folder)} has no index of training images; name another index.")
        return cls.of_export(other)

    def with_approximate(self) -> "Index":
        """Return the index with what searches it approximately, which its first such search builds."""
        if self.approximate is not None:
            return self
        return Index(self.codes, self.listing, self.thumbnails, Approximate.built(self.codes))

    def __len__(self) -> int:
        return len(self.codes)


def _is_codes(file: Path) -> bool:
    """Return whether a .npy holds rows of numbers; what is no array at all is left to whoever reads it."""
    try:
        return np.load(file, mmap_mode="r", allow_pickle=False).ndim == 2
    except (OSError, ValueError, EOFError, AttributeError):
        return False


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
