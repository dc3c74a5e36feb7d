"""Picture files as blocks of images, read by several threads, or by other processes, in their order.

Files of this machine are read one by one. Those of a store come in groups, since a store answers many questions in the
time of one.
"""

import os
import stat
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import numpy as np

from autoencoders.core.cores import n_cores
from autoencoders.core.engines import Threads, in_order
from autoencoders.core.errors import ArgumentError, InputError
from autoencoders.images.forms import Form
from autoencoders.images.pictures import Picture, UnreadablePicture, read
from autoencoders.sources import remote
from autoencoders.sources.names import shown
from autoencoders.sources.streams import Block, Skipped

# A block ends at so many pictures, or with the picture that brings it to so many bytes.
BLOCK, BLOCK_BYTES = 256, 2**26

# Pillow lets the threads run beside each other. More of them than this wait for the disk and for Python.
MOST_THREADS = 16

# Pictures read ahead for each thread: of one size they are small, and of their own size perhaps not.
AHEAD_SMALL, AHEAD = 16, 2

# Pictures of a store that are read in one piece of work, by whether they are small; and their bytes, with the picture
# that brings it to so many.
GROUP_SMALL, GROUP, GROUP_BYTES = 64, 8, 2**26

UNREADABLE = ("stop", "skip")


class Files(NamedTuple):
    """Picture files to read, in their order.

    Attributes
    ----------
    root : Path or Remote
        The folder that they lie in, at any depth.
    names : list of str
        As the system or the store knows them, relative to `root`.
    columns : dict of list
        What is known of each before it is read, by the names of a block's columns; `file` is among them.
    state : dict
        Of those in a store, what its listing says of them.
    """

    root: Path | remote.Remote
    names: list[str]
    columns: dict[str, list]
    state: remote.Listed = {}


# What is known of a file without reading it: its size in bytes, and when it was changed, in nanoseconds (of a file in a
# store, its version).
State = remote.Listed


def state(root: Path, names: Iterable[str]) -> State:
    """Return the state of files by their names relative to `root`; None where there is no such file."""
    found: State = {}
    for name in names:
        try:
            status = os.stat(os.path.join(root, name))
            found[name] = (status.st_size, status.st_mtime_ns) if stat.S_ISREG(status.st_mode) else None
        except OSError:
            found[name] = None
    return found


def check_unchanged(root: Path | remote.Remote, before: State, after: State) -> None:
    """Raise an InputError if files came, went or changed between two states."""
    if before == after:
        return
    name = min(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
    raise _changed(root, name, "is new" if not before.get(name) else "has changed" if after.get(name) else "is gone")


def _changed(root: Path | remote.Remote, name: str, how: str) -> InputError:
    return InputError(
        f"{shown(root)} changed while it was read ({shown(name)} {how}); run it again when nothing writes there."
    )


def blocks(
    files: Files, form: Form, unreadable: str, threads: int | None, unchanged: Callable[[], None]
) -> Iterator[Block]:
    """Yield pictures in blocks, in their order, the same for any number of threads.

    Parameters
    ----------
    files : Files
    form : Form
        Where it names no size, all pictures must have one.
    unreadable : {"stop", "skip"}
        Whether a file that cannot be read is an error, or is listed under `skipped`.
    threads : int, optional
        By default as many as this process has cores, up to MOST_THREADS.
    unchanged : callable
        Called after the last file was read. Raises if the files are no longer those that were listed.

    Raises
    ------
    InputError
        If a file cannot be read, or none can; if sizes differ where none is named; or if files changed.
    """
    collected = _Collected(files)
    first: tuple[str, tuple[int, ...]] | None = None
    for row, picture in enumerate(_pictures(files, form, threads or min(n_cores(), MOST_THREADS))):
        file = files.columns["file"][row]
        if isinstance(picture, UnreadablePicture):
            if unreadable == "stop":
                raise InputError(
                    f"{shown(files.root / files.names[row])} {picture}; remove or replace it, or set unreadable to "
                    "skip."
                )
            collected.skipped.append(Skipped(file, str(picture)))
            continue
        first = first or (file, picture.pixels.shape)
        if picture.pixels.shape != first[1]:
            raise ArgumentError(
                f"size is not given, and the pictures differ: {shown(first[0])} has {_pixels(first[1])} and "
                f"{shown(file)} {_pixels(picture.pixels.shape)}; give a size, [height, width]."
            )
        if collected.add(row, picture):
            yield collected.block(first[1])
            collected = _Collected(files)
    unchanged()
    if first is None:
        reason = f"{shown(collected.skipped[0].file)} {collected.skipped[0].reason}"
        raise InputError(f"No picture of {shown(files.root)} can be read ({reason}); name other files.")
    if collected.pictures or collected.skipped:
        yield collected.block(first[1])


def _pixels(shape: tuple[int, ...]) -> str:
    return f"{shape[1]}x{shape[0]}"


class _Collected:
    """The pictures of the block to come."""

    def __init__(self, files: Files):
        self.files = files
        self.rows: list[int] = []
        self.pictures: list[Picture] = []
        self.skipped: list[Skipped] = []
        self.size = 0

    def add(self, row: int, picture: Picture) -> bool:
        """Take a picture; return whether the block is full."""
        self.rows.append(row)
        self.pictures.append(picture)
        self.size += picture.pixels.nbytes
        return len(self.rows) == BLOCK or self.size >= BLOCK_BYTES

    def block(self, shape: tuple[int, ...]) -> Block:
        images = np.empty((len(self.pictures), *shape), np.uint8)
        for place, picture in enumerate(self.pictures):
            images[place] = picture.pixels
        columns = {name: [values[row] for row in self.rows] for name, values in self.files.columns.items()}
        for name in ("width", "height", "mode"):
            columns[name] = [getattr(picture, name) for picture in self.pictures]
        return Block(images, columns, self.skipped)


def _pictures(files: Files, form: Form, threads: int) -> Iterator[Picture | UnreadablePicture]:
    if isinstance(files.root, remote.Remote):
        # Two groups for each thread: one is unpacked while the other one comes.
        function, engine = partial(_attempt_group, files.root, form), Threads(threads, 2 * threads)
        yield from chain.from_iterable(in_order(function, _groups(files, GROUP_SMALL if form.size else GROUP), engine))
        return
    ahead = threads * (AHEAD_SMALL if form.size else AHEAD)
    root = files.root
    # Absolute, for whoever reads them.
    yield from in_order(
        partial(_attempt, form), ((root / name).absolute() for name in files.names), Threads(threads, ahead)
    )


def _attempt(form: Form, source: Path | bytes) -> Picture | UnreadablePicture:
    try:
        return read(source, form)
    except UnreadablePicture as error:
        return error


def _groups(files: Files, most: int) -> Iterator[list[tuple[str, int | None]]]:
    """Yield names and sizes of files, some at once."""
    group: list[tuple[str, int | None]] = []
    n_bytes = 0
    for name in files.names:
        size = (files.state.get(name) or (None, 0))[0]
        group.append((name, size))
        n_bytes += size or 0
        if len(group) == most or n_bytes >= GROUP_BYTES:
            yield group
            group, n_bytes = [], 0
    if group:
        yield group


def _attempt_group(
    root: remote.Remote, form: Form, group: list[tuple[str, int | None]]
) -> list[Picture | UnreadablePicture]:
    fetched = remote.contents(root, [name for name, size in group if (size or 0) <= remote.MOST_BYTES])
    pictures: list[Picture | UnreadablePicture] = []
    for name, size in group:
        if (size or 0) > remote.MOST_BYTES:
            pictures.append(UnreadablePicture(f"has {size} bytes, more than are fetched ({remote.MOST_BYTES})"))
        elif (content := next(fetched)) is None:
            pictures.append(UnreadablePicture("is not there"))
        elif size is not None and len(content) != size:
            raise _changed(root, name, "has changed")
        else:
            pictures.append(_attempt(form, content))
    return pictures
