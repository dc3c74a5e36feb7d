"""Tables, arrays and pictures that are written whole or not at all."""

import csv
import os
import shutil
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np
from PIL import Image

from autoencoders.core.errors import InputError
from autoencoders.sources.names import shown

# How the name begins of what is not yet whole.
PARTIAL = ".partial-"
# The table that lies in each folder of pictures that is written here, and by which such a folder is known.
LISTING, LISTED = "listing.csv", ["picture", "file", "image"]
# Bytes of a file's name, with a number and the ending beside it, that any system takes.
LONGEST = 180
# Pictures side by side on a sheet; pixels between them; pixels of a whole sheet.
COLUMNS, GAP, MOST_PIXELS = 10, 2, 2**26


def check_target(target: Path, overwrite: bool, folder: bool = False) -> None:
    """Raise an InputError if nothing can be written to a path, or something is there that must stay."""
    if not target.parent.is_dir():
        raise InputError(f"{shown(target)} cannot be written: there is no folder {shown(target.parent)}; make it.")
    if not os.access(target.parent, os.W_OK):
        raise InputError(f"{shown(target)} cannot be written: {shown(target.parent)} may not be written to.")
    if not os.path.lexists(target):
        return
    if folder:
        if not target.is_dir():
            raise InputError(f"{shown(target)} is no folder; name another one with --out.")
        if not any(target.iterdir()):
            return
        if not overwrite:
            raise InputError(f"{shown(target)} exists; name another folder, or replace it with --overwrite.")
        if foreign := _foreign(target):
            raise InputError(f"{shown(target)} holds other files ({shown(foreign)}); name another folder with --out.")
        return
    if not target.is_file():
        raise InputError(f"{shown(target)} is no file that can be replaced; name another one with --out.")
    if not overwrite:
        raise InputError(f"{shown(target)} exists; name another file, or replace it with --overwrite.")


@contextmanager
def whole(*targets: Path) -> Iterator[tuple[Path, ...]]:
    """Yield a stand-in path for each target, to be made a file or a folder; rename them if the block ends well.

    After an exception targets are as they were, and no stand-in is left. An OSError becomes an InputError.
    """
    stand_ins = tuple(target.with_name(f"{PARTIAL}{os.getpid()}-{target.name}") for target in targets)
    try:
        yield stand_ins
        for stand_in, target in zip(stand_ins, targets, strict=True):
            if stand_in.is_dir() and target.is_dir():
                shutil.rmtree(target)
            stand_in.replace(target)
    except BrokenPipeError:
        raise
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise InputError(f"{shown(targets[0])} cannot be written ({reason}); correct that.") from None
    finally:
        for stand_in in stand_ins:
            _remove(stand_in)


def write_table(file: Path | None, columns: Sequence[str], rows: Iterable[Sequence[Any]], overwrite: bool) -> None:
    """Write rows as CSV, or as Parquet where the file ends in .parquet; to standard output where there is no file.

    Parameters
    ----------
    file : Path, optional
    columns : sequence of str
    rows : iterable of sequences
        Of text and numbers. Floats are written so that reading them gives the same bits.
    overwrite : bool
    """
    if file is None:
        _write_csv(sys.stdout, columns, rows)
        sys.stdout.flush()
        return
    check_target(file, overwrite)
    if file.suffix.lower() == ".parquet":
        _write_parquet(file, columns, rows)
        return
    with whole(file) as (stand_in,), stand_in.open("w", encoding="utf-8", newline="") as lines:
        _write_csv(lines, columns, rows)


def write_codes(file: Path, width: int, parts: Iterable[tuple[np.ndarray, list[list[Any]]]], overwrite: bool) -> None:
    """Write codes as .npy, and beside it a .csv that lists their images.

    Parameters
    ----------
    file : Path
        Ends in .npy.
    width : int
    parts : iterable of (ndarray of shape (n, width), float32, and list of n rows)
        Rows are file and image.
    overwrite : bool
    """
    listing = file.with_suffix(".csv")
    for target in (file, listing):
        check_target(target, overwrite)
    with whole(file, listing) as (codes, lines_of):
        n = 0
        with codes.open("wb") as array, lines_of.open("w", encoding="utf-8", newline="") as lines:
            writer = csv.writer(lines, lineterminator="\n")
            writer.writerow(["file", "image"])
            # NumPy pads a header so that one for more rows has the same length.
            _header(array, 0, width)
            for found, rows in parts:
                array.write(np.ascontiguousarray(found, "<f4").data)
                writer.writerows(rows)
                n += len(rows)
            array.seek(0)
            _header(array, n, width)


class Pictures:
    """A folder of PNG files that are added one by one, or a sheet of them.

    Parameters
    ----------
    target : Path
        A folder to be made; a file that ends in .png, for one sheet.
    """

    def __init__(self, target: Path):
        self.sheet = target.suffix.lower() == ".png"
        self._target, self._images = target, list[np.ndarray]()
        self._taken, self._rows = set[str](), list[list[str]]()

    def write(self, images: Iterable[tuple[np.ndarray, str, str]]) -> int:
        """Write images, uint8 [height, width, channels], each with the file and number it is from; return how many."""
        with whole(self._target) as (stand_in,):
            if not self.sheet:
                stand_in.mkdir()
            n = 0
            for image, file, number in images:
                n += 1
                if self.sheet:
                    self._add(image)
                else:
                    name = self._name(file, number)
                    _picture(image).save(stand_in / name, format="PNG")
                    self._rows.append([name, file, number])
            if self.sheet:
                _picture(_sheet(self._images)).save(stand_in, format="PNG")
            else:
                with (stand_in / LISTING).open("w", encoding="utf-8", newline="") as lines:
                    _write_csv(lines, LISTED, self._rows)
        return n

    def _add(self, image: np.ndarray) -> None:
        self._images.append(image)
        if image.shape[0] * image.shape[1] * len(self._images) > MOST_PIXELS:
            raise InputError(
                f"{shown(self._target)} would have more than {MOST_PIXELS:,} pixels; name a folder with --out, for a "
                "file each."
            )

    def _name(self, file: str, number: str) -> str:
        stem = Path(file).stem if file != "-" else "picture"
        # By bytes, and so perhaps in the middle of a letter.
        stem = stem.encode()[:LONGEST].decode(errors="ignore") + (f"-{int(number):06}" if number else "")
        name, count = stem, 1
        # Some systems take letters of either case for the same.
        while name.casefold() in self._taken:
            count += 1
            name = f"{stem}-{count}"
        self._taken.add(name.casefold())
        return f"{name}.png"


def as_bytes(images: np.ndarray) -> np.ndarray:
    """Return images in 0 to 1 as uint8 of the same shape."""
    return np.round(np.clip(images, 0, 1) * 255).astype(np.uint8)


def _picture(image: np.ndarray) -> Image.Image:
    return Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image)


def _sheet(images: list[np.ndarray]) -> np.ndarray:
    height, width, channels = images[0].shape
    columns = min(COLUMNS, len(images))
    rows = -(-len(images) // columns)
    shape = (rows * (height + GAP) - GAP, columns * (width + GAP) - GAP, channels)
    sheet = np.full(shape, 255, np.uint8)
    for place, image in enumerate(images):
        top, left = place // columns * (height + GAP), place % columns * (width + GAP)
        sheet[top : top + height, left : left + width] = image
    return sheet


def _write_csv(lines: IO[str], columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    writer, remaining = csv.writer(lines, lineterminator="\n"), iter(rows)
    # Before a first row there is nothing to print, if it cannot be made.
    first = next(remaining, None)
    writer.writerow(columns)
    if first is not None:
        writer.writerow(first)
        writer.writerows(remaining)


def _write_parquet(file: Path, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    pyarrow, parquet = parquet_modules(file)
    values = list(zip(*rows, strict=True)) or [()] * len(columns)
    with whole(file) as (stand_in,):
        parquet.write_table(pyarrow.table(dict(zip(columns, map(list, values), strict=True))), stand_in)


def parquet_modules(file: Path) -> tuple[Any, Any]:
    """Return the modules that write Parquet.

    Raises
    ------
    InputError
        If they are not installed.
    """
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise InputError(
            f"{shown(file)} would be a Parquet file, which the package pyarrow writes: run "
            "`pip install 'autoencoder-pipeline[parquet]'`, or write .csv."
        ) from None
    return pyarrow, pyarrow.parquet


def _header(file: IO[bytes], n: int, width: int) -> None:
    header = {"descr": "<f4", "fortran_order": False, "shape": (n, width)}
    np.lib.format.write_array_header_1_0(file, header)


def _foreign(folder: Path) -> str | None:
    """Return the name of something in a folder that was not written here."""
    try:
        with (folder / LISTING).open(encoding="utf-8", newline="") as lines:
            rows = list(csv.reader(lines))
    except (OSError, UnicodeDecodeError, csv.Error):
        rows = []
    known = {LISTING, *(row[0] for row in rows[1:] if row)} if rows[:1] == [LISTED] else set()
    return next((path.name for path in sorted(folder.iterdir()) if path.name not in known or path.is_dir()), None)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
