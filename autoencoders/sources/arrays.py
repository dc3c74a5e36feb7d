"""Images as NumPy stores arrays: .npy, which is mapped into memory, or .npz, which is read onwards. No pickles."""

import errno
import math
import os
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import IO

import numpy as np

from autoencoders.core.errors import ArgumentError, InputError
from autoencoders.images.forms import DEFAULT, Form
from autoencoders.sources import idx_files, reading, stacks
from autoencoders.sources import labels as labelling
from autoencoders.sources.names import SPLIT_NAMES, check_choice, existing, shown
from autoencoders.sources.streams import Block, Stream
from autoencoders.sources.values import check_range, converter

LABELS = ("stored", "none")

# No label has more bytes: an array of longer ones could take more memory than there is.
LONGEST_LABEL = 4096

# What a damaged file lets NumPy and zipfile raise.
DAMAGED = (
    ValueError,
    EOFError,
    KeyError,
    TypeError,
    SyntaxError,
    OverflowError,
    RuntimeError,
    NotImplementedError,
    struct.error,
    tokenize.TokenError,
    zipfile.BadZipFile,
    zlib.error,
)


def stream(
    path: Path,
    *,
    form: Form = DEFAULT,
    labels: str = "stored",
    range: tuple[float, float] | None = None,
    limit: int | None = None,
    seed: int = 0,
    log: Callable[[str], None] = print,
) -> Stream:
    """Return the images of a file of arrays, in their order.

    A .npy holds the images. A .npz holds them as `images`, with `labels` and `classes` if there are any, or as Keras
    names arrays: `x_train`, `y_train`, `x_test`, `y_test` (or `x_val`, …), whose names give the splits. Images are
    [N, height, width] or [N, height, width, channels] with 1, 3 or 4 channels, the fourth of which is opacity.

    Values of uint8 stay; of uint16 they are divided by 257 and rounded; bool becomes 0 and 255. Floats need a range,
    and where one is given, other numbers are taken by it, too.

    Parameters
    ----------
    path : Path
    form : Form
        The form that the images are given.
    labels : {"stored", "none"}
        Whether the file holds labels: names, whole numbers, or rows in `classes`.
    range : (low, high), optional
        The values that become 0 and 255.
    limit : int, optional
        At most this many images, drawn by `seed`; their order stays.
    seed : int
    log : callable
        Called with a line of text for what the file holds and nothing reads.

    Raises
    ------
    InputError
        If the file is not there, is damaged, holds pickles, or has arrays of another form; if there is one class
        alone. While blocks are taken: if a value is no number or lies outside of `range`; or if the file changed.
    """
    check_choice("labels", labels, LABELS)
    form.checked()
    check_range(range)
    file = existing(Path(path), False, "of the arrays")
    before = reading.state(file.parent, [file.name])
    with _sound(file):
        if zipfile.is_zipfile(file):
            parts, classes = _npz(file, form, labels == "stored", range, log)
        else:
            if labels == "stored":
                raise ArgumentError(f"labels is 'stored', but {shown(path)} holds images alone; set labels to none.")
            parts, classes = [_npy(file, form, range)], []
    images = stacks.blocks(parts, form, limit, seed)

    def blocks() -> Iterator[Block]:
        with _sound(file):
            yield from images
        reading.check_unchanged(file.parent, before, reading.state(file.parent, [file.name]))

    return Stream(classes, f"the arrays of {shown(path)}", stacks.count(parts, limit), blocks())


@contextmanager
def _sound(file: Path) -> Iterator[None]:
    try:
        yield
    except InputError:
        raise
    except OSError as error:
        # A wrong place of an array in the file is an invalid argument to the system.
        reason = "it is damaged or cut off" if error.errno in (None, errno.EINVAL) else error.strerror
        raise InputError(f"{shown(file)} cannot be read ({reason}); correct that, or replace it.") from None
    except DAMAGED:
        raise InputError(f"{shown(file)} is damaged or cut off; replace it.") from None


def _npy(file: Path, form: Form, range: tuple[float, float] | None) -> stacks.Part:
    with file.open("rb") as content:
        if content.read(6) != b"\x93NUMPY":
            raise InputError(f"{shown(file)} is no .npy or .npz file, or is damaged; replace it.")
        content.seek(0)
        shape, dtype, _ = _header(content, file.name)
    shape = stacks.checked(file.name, shape, form)
    to_bytes = converter(file.name, dtype, range)
    rows = stacks.Mapped(file)
    # What the header claims is compared with the file here, and not once blocks are taken.
    rows.read(0, 1)
    return stacks.Part(file.name, "", shape, lambda: nullcontext(rows), to_bytes, None)


def _header(content: IO[bytes], name: str) -> tuple[tuple[int, ...], np.dtype, bool]:
    """Return shape and dtype of an array whose bytes are next, and whether its first axis varies fastest."""
    version = np.lib.format.read_magic(content)
    read = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}.get(version)
    if read is None:
        raise InputError(f"{shown(name)} holds no plain numbers or text; save it as an array of numbers.")
    shape, fortran, dtype = read(content)
    if dtype.hasobject:
        raise InputError(
            f"{shown(name)} holds Python objects, which are not unpickled; save it as an array of numbers or text."
        )
    return shape, dtype, fortran and len(shape) > 1


def _npz(
    file: Path, form: Form, labelled: bool, range: tuple[float, float] | None, log: Callable[[str], None]
) -> tuple[list[stacks.Part], list[str]]:
    with zipfile.ZipFile(file) as archive:
        names = [name.removesuffix(".npy") for name in archive.namelist()]
        images = _images(file, names)
        used = {*images, *(_labels_of(name) for name in images), "classes"} if labelled else set(images)
        if unused := [name for name in names if name not in used]:
            log(f"{shown(file)}: nothing reads the arrays {', '.join(map(shown, unused))}")
        classes: list[str] = []
        labels: list[list[int]] | list[None] = [None] * len(images)
        parts = []
        for name, split in images.items():
            with _member(archive, name) as (content, shape, dtype):
                stacks.checked(name, shape, form)
                to_bytes = converter(name, dtype, range)
            parts.append(stacks.Part(name, split, shape, _opener(file, name), to_bytes, None))
        if labelled:
            stored = [_labels(file, archive, part, names) for part in parts]
            given = _whole(archive, "classes", None) if "classes" in names else None
            classes, labels = labelling.of_arrays(shown(file), stored, given)
    return [part._replace(labels=rows) for part, rows in zip(parts, labels, strict=True)], classes


def _images(file: Path, names: list[str]) -> dict[str, str]:
    """Return the splits of the arrays of images, by their names."""
    if "images" in names:
        return {"images": ""}
    found = [(name, SPLIT_NAMES[name[2:]]) for name in names if name[:2] == "x_" and name[2:] in SPLIT_NAMES]
    if not found:
        listed = ", ".join(map(shown, names)) or "nothing"
        raise InputError(f"{shown(file)} holds {listed}; name the images `images`, or `x_train` and `x_test`.")
    order = list(SPLIT_NAMES)
    return dict(sorted(found, key=lambda pair: order.index(pair[0][2:])))


def _labels_of(name: str) -> str:
    return "labels" if name == "images" else f"y{name[1:]}"


def _labels(file: Path, archive: zipfile.ZipFile, part: stacks.Part, names: list[str]) -> np.ndarray:
    name = _labels_of(part.name)
    if name not in names:
        raise ArgumentError(
            f"labels is 'stored', but {shown(file)} has no array {name} for {part.name}; set labels to none."
        )
    return _whole(archive, name, part.shape[0])


@contextmanager
def _member(archive: zipfile.ZipFile, name: str) -> Iterator[tuple[IO[bytes], tuple[int, ...], np.dtype]]:
    """Open an array at its first value, which gives its bytes, shape and dtype."""
    info = archive.getinfo(f"{name}.npy" if f"{name}.npy" in archive.namelist() else name)
    with archive.open(info) as content:
        shape, dtype, fortran = _header(content, name)
        if fortran:
            raise InputError(
                f"The array {shown(name)} is stored with its first axis varying fastest; save it after "
                "numpy.ascontiguousarray."
            )
        if content.tell() + math.prod(shape) * dtype.itemsize != info.file_size:
            raise EOFError
        # Both sizes may be claims; that of the archive is none.
        most = os.stat(str(archive.filename)).st_size * idx_files.MOST_PACKED
        if info.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) and info.file_size > most:
            raise EOFError
        yield content, shape, dtype


def _whole(archive: zipfile.ZipFile, name: str, n: int | None) -> np.ndarray:
    """Return a small array, [n] or [n, 1], as [n]."""
    with _member(archive, name) as (content, shape, dtype):
        axes = shape[:1] if len(shape) == 2 and shape[1] == 1 else shape
        if len(axes) != 1 or (n is not None and axes[0] != n):
            wanted = f"one label for each of {n} images" if n is not None else "names"
            raise InputError(f"The array {shown(name)} has the axes {list(shape)}; give it {wanted}.")
        if dtype.itemsize > LONGEST_LABEL:
            raise InputError(f"The array {shown(name)} has values of {dtype.itemsize} bytes; give it shorter ones.")
        return np.frombuffer(b"".join(stacks.pieces(content, axes[0] * dtype.itemsize)), dtype)


def _opener(file: Path, name: str) -> Callable:
    @contextmanager
    def opened() -> Iterator[stacks.Sequential]:
        with zipfile.ZipFile(file) as archive, _member(archive, name) as (content, shape, dtype):
            yield stacks.Sequential(content, dtype, shape[1:])

    return opened
