"""Names and labels that a user's files carry, and the arguments that the sources of such files share."""

import hashlib
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from autoencoders.core.errors import ArgumentError
from autoencoders.sources.streams import SPLITS

# The names that splits go by, in any case.
SPLIT_NAMES = {
    "train": "train",
    "validation": "validation",
    "val": "validation",
    "valid": "validation",
    "dev": "validation",
    "test": "test",
}
assert set(SPLIT_NAMES.values()) == set(SPLITS)

# How programs write as text that there is no value.
MISSING = frozenset(("", "None", "nan", "NaN", "<NA>", "null", "NULL"))


def text_of(name: str) -> str:
    r"""Return a file's name as text that any file can hold as UTF-8.

    A byte that is no UTF-8 becomes `\x` and two digits; everything else, newlines too, stays.
    """
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def shown(name: object) -> str:
    r"""Return a name as part of a sentence: on one line, newlines and what cannot be printed as `\n` and the like."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in str(name))


def existing(path: Path, folder: bool, of_what: str) -> Path:
    """Return a path.

    Parameters
    ----------
    folder : bool
        Whether it is to be a folder or a file.
    of_what : str
        What it holds, for the sentence.

    Raises
    ------
    ArgumentError
        If it is not there, not what it is to be, or may not be entered.
    """
    kind = "folder" if folder else "file"
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        raise ArgumentError(f"path is '{shown(path)}', which is not there; name the {kind} {of_what}.") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ArgumentError(f"path is '{shown(path)}', which cannot be opened ({reason}); correct that.") from None
    if not (path.is_dir() if folder else path.is_file()):
        raise ArgumentError(f"path is '{shown(path)}', which is no {kind}; name the {kind} {of_what}.")
    return path


def check_choice(name: str, value: str, choices: Sequence[str]) -> None:
    """Raise an ArgumentError if the argument `name` has a value that is none of two choices."""
    if value not in choices:
        raise ArgumentError(f"{name} is '{shown(value)}'; use {' or '.join(choices)}.")


def check_limit(limit: int | None) -> None:
    """Raise an ArgumentError if there is a limit and it is below 1."""
    if limit is not None and limit < 1:
        raise ArgumentError(f"limit is {limit}; take at least one picture, or leave it out.")


def chosen(files: Sequence[str], limit: int | None, seed: int) -> list[int]:
    """Return the places of at most `limit` files, in ascending order.

    A hash of the name and the seed decides, so that a folder's classes are mixed and a file more changes little.
    """
    check_limit(limit)
    if limit is None or limit >= len(files):
        return list(range(len(files)))
    return sorted(sorted(range(len(files)), key=lambda place: _rank(files[place], seed))[:limit])


def _rank(file: str, seed: int) -> bytes:
    return hashlib.sha256(f"{seed}\n{file}".encode()).digest()


def in_order(names: Iterable[str]) -> list[str]:
    """Return different names in the order of classes: by number where all are whole numbers, else as text."""
    different = set(names)
    if all(name.isascii() and name.isdigit() for name in different):
        return sorted(different, key=lambda name: (int(name), name))
    return sorted(different)
