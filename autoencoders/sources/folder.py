"""A folder of pictures, at any depth; the folders in it may name classes and splits."""

import os
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from autoencoders.core.errors import ArgumentError, InputError
from autoencoders.images.forms import DEFAULT, Form
from autoencoders.sources import reading
from autoencoders.sources.names import SPLIT_NAMES, check_choice, chosen, existing, in_order, shown, text_of
from autoencoders.sources.remote import Inventory, Remote
from autoencoders.sources.streams import Stream

LABELS = ("folders", "none")
SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm")

# Beside all names that begin with a dot, what systems leave behind in folders; in lower case.
SYSTEM = {
    "thumbs.db",
    "ehthumbs.db",
    "desktop.ini",
    "__macosx",
    "@eadir",
    "$recycle.bin",
    "system volume information",
    "lost+found",
}

# What is passed by, as `Stream.left_out` names it.
HIDDEN = "hidden or system files"
OUTSIDE = "links that lead out of the folder"
NOWHERE = "links that lead nowhere"
LINKED = "links to folders within the folder"
SPECIAL = "neither files nor folders"
OTHER = "files of other kinds"


def stream(
    path: Path | Inventory,
    *,
    form: Form = DEFAULT,
    labels: str = "folders",
    splits: bool = True,
    unreadable: str = "stop",
    limit: int | None = None,
    seed: int = 0,
    threads: int | None = None,
    log: Callable[[str], None] = print,
) -> Stream:
    """Return the pictures of a folder, in the order of their names.

    A picture is a file with one of SUFFIXES, in any case. Hidden and system files and folders (each counted as one,
    whatever is in it), links that lead out of the folder, links to folders and files of other kinds are left out and
    counted. Where folders at the top are called `train`, `validation` (`val`, `valid`, `dev`) or `test`, in any case,
    all pictures must lie in such folders, which are their splits.

    Parameters
    ----------
    path : Path or Inventory
        The folder, or what lies in one of a store.
    form : Form
        The form that the pictures are given.
    labels : {"folders", "none"}
        Whether the name of a picture's first folder, below that of its split, is its class.
    splits : bool
        Whether folders at the top may name splits.
    unreadable : {"stop", "skip"}
        Whether a file that cannot be read is an error, or is listed under `skipped`.
    limit : int, optional
        At most this many pictures. A hash of name and seed decides which; classes and order stay.
    seed : int
    threads : int, optional
        That read; by default as many as this process has cores. The images are the same for any number.
    log : callable
        Called with a line of text that says what was left out.

    Raises
    ------
    InputError
        If the folder is not there, may not be read or holds no picture, pictures lie beside the folders of classes or
        splits, or there is one class alone. While blocks are taken: see `reading.blocks`; if the folder changed, too.
    """
    check_choice("labels", labels, LABELS)
    check_choice("unreadable", unreadable, reading.UNREADABLE)
    form.checked()
    root: Path | Remote
    if isinstance(path, Inventory):
        root, scanned = path.root, lambda: _chosen(path.again())
        found, left_out = _chosen(path)
    else:
        root = existing(Path(path), True, "of the pictures")
        scanned = partial(_scanned, root)
        found, left_out = scanned()
    if left_out:
        reasons = ", ".join(f"{what}: {count}" for what, count in sorted(left_out.items()))
        log(f"{shown(root)}: {left_out.total()} left out ({reasons})")
    if not found:
        raise ArgumentError(
            f"path is '{shown(root)}', which holds no picture ({' '.join(SUFFIXES)}); name a folder that does."
        )
    names = sorted(found, key=text_of)
    named = _splits(root, names) if splits else [""] * len(names)
    columns: dict[str, list] = {"split": named}
    classes: list[str] = []
    if labels == "folders":
        labelled = [_class(root, name, split) for name, split in zip(names, named, strict=True)]
        classes = in_order(labelled)
        if len(classes) == 1:
            raise ArgumentError(
                f"labels is 'folders', but all pictures of '{shown(root)}' lie in one, '{shown(classes[0])}'; set "
                "labels to none."
            )
        rows = {name: row for row, name in enumerate(classes)}
        columns["label"] = [rows[name] for name in labelled]
    columns["file"] = [text_of(name) for name in names]
    taken = chosen(columns["file"], limit, seed)
    columns = {name: [values[place] for place in taken] for name, values in columns.items()}
    files = reading.Files(root, [names[place] for place in taken], columns, found)

    def unchanged() -> None:
        reading.check_unchanged(root, found, scanned()[0])

    blocks = reading.blocks(files, form, unreadable, threads, unchanged)
    return Stream(classes, f"the pictures of the folder {shown(root)}", len(taken), blocks, dict(left_out))


def _splits(root: Path | Remote, names: list[str]) -> list[str]:
    tops = [name.split("/", 1)[0].casefold() if "/" in name else "" for name in names]
    splits = [SPLIT_NAMES.get(top, "") for top in tops]
    if any(splits) and not all(splits):
        outside = names[splits.index("")]
        folder = next(name.split("/", 1)[0] for name, split in zip(names, splits, strict=True) if split)
        raise InputError(
            f"{shown(root)} has the folder '{shown(folder)}', which names a split, and pictures outside of such "
            f"folders ({shown(outside)}); move these, or rename the folder."
        )
    return splits


def _class(root: Path | Remote, name: str, split: str) -> str:
    folders = name.split("/")[1 if split else 0 : -1]
    if not folders:
        raise InputError(
            f"{shown(root / name)} lies in no folder that could name its class; move it into one, or set labels to "
            "none."
        )
    return text_of(folders[0])


def _chosen(inventory: Inventory) -> tuple[reading.State, Counter[str]]:
    """Return the state of all pictures in a folder of a store, and how many files are left out, by reason."""
    found: reading.State = {}
    left_out: Counter[str] = Counter()
    hidden = set()
    for name, state in inventory.files.items():
        parts = name.split("/")
        if depth := next((place for place, part in enumerate(parts, 1) if _is_hidden(part)), 0):
            hidden.add("/".join(parts[:depth]))
        elif "" in parts:
            # Keys of a store need not be names of files.
            left_out[SPECIAL] += 1
        elif _is_picture(name):
            found[name] = state
        else:
            left_out[OTHER] += 1
    # None where there is none: a Counter would keep the zero.
    return found, left_out + Counter({HIDDEN: len(hidden)})


def _scanned(root: Path) -> tuple[reading.State, Counter[str]]:
    """Return the state of all pictures, and how many files are left out, by reason."""
    found: reading.State = {}
    left_out: Counter[str] = Counter()
    top = os.path.realpath(root)
    pending = [""]
    while pending:
        folder = pending.pop()
        for entry in _entries(root, folder):
            name = f"{folder}/{entry.name}" if folder else entry.name
            if reason := _reason_to_leave(entry, top):
                left_out[reason] += 1
            elif entry.is_dir():
                pending.append(name)
            else:
                found |= reading.state(root, [name])
    return found, left_out


def _entries(root: Path, folder: str) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(os.path.join(root, folder)) as entries:
            yield from entries
    except FileNotFoundError:
        raise InputError(
            f"{shown(root)} changed while it was read ({shown(folder or root)} is gone); run it again when nothing "
            "writes there."
        ) from None
    except OSError as error:
        raise InputError(
            f"{shown(root / folder)} cannot be read ({error.strerror}); correct that, or move it elsewhere."
        ) from None


def _reason_to_leave(entry: os.DirEntry[str], top: str) -> str | None:
    if _is_hidden(entry.name):
        return HIDDEN
    if entry.is_symlink():
        target = os.path.realpath(entry.path)
        if not os.path.exists(target):
            return NOWHERE
        if os.path.commonpath([top, target]) != top:
            return OUTSIDE
        if entry.is_dir():
            return LINKED
    elif entry.is_dir():
        return None
    if not entry.is_file():
        return SPECIAL
    return None if _is_picture(entry.name) else OTHER


def _is_hidden(name: str) -> bool:
    return name.startswith(".") or name.casefold() in SYSTEM


def _is_picture(name: str) -> bool:
    return os.path.splitext(name)[1].lower() in SUFFIXES
