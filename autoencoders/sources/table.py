"""Pictures that a table names, with their classes and splits: CSV, or Parquet."""

import csv
import io
import os
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import IO, Any, NoReturn

from autoencoders.core.errors import ArgumentError, InputError
from autoencoders.images.forms import DEFAULT, Form
from autoencoders.sources import reading, remote
from autoencoders.sources.names import MISSING, SPLIT_NAMES, check_choice, chosen, existing, in_order, shown, text_of
from autoencoders.sources.remote import Inventory, Remote
from autoencoders.sources.streams import Stream

LABELS = ("column", "none")

# Columns that the listing of a data set has itself; a table's column of that name is carried along as `table_…`.
LISTED = frozenset(("split", "row", "image", "label", "class", "file", "sha256", "width", "height", "mode", "cluster"))

# What a column of a Parquet file may hold that is no single value.
NESTED = (bytes, bytearray, dict, list, tuple)

# The values of all rows by the names of the columns; "" where there is none.
Columns = dict[str, list[str]]


def stream(
    path: Path | Inventory,
    table: str,
    *,
    form: Form = DEFAULT,
    labels: str = "column",
    unreadable: str = "stop",
    limit: int | None = None,
    seed: int = 0,
    threads: int | None = None,
    log: Callable[[str], None] = print,
) -> Stream:
    """Return the pictures that a table names, in the order of its rows.

    Its column `file_name` names each picture, relative to `path`; `label` names its class, and numbers are taken as
    text; `split` says `train`, `validation` (`val`, `valid`, `dev`), `test`, in any case, or nothing. The other columns
    are carried along as text, under their names, or as `table_<name>` where the listing of a data set has such a
    column itself.

    Parameters
    ----------
    path : Path or Inventory
        The folder that the pictures lie in, or what lies in one of a store.
    table : str
        The file's name in it, CSV in UTF-8 with commas and a line of names, or Parquet (`.parquet`).
    labels : {"column", "none"}
        Whether the column `label` names the classes.
    unreadable : {"stop", "skip"}
        Whether a file that is missing or cannot be read is an error, or is listed under `skipped`.
    log : callable
        Called with a line of text for each column that cannot be carried along.
    form, limit, seed, threads
        See `autoencoders.sources.folder.stream`.

    Raises
    ------
    InputError
        If folder or table is not there or damaged; if a column or value is missing or wrong, a file is named twice,
        lies outside the folder, or (with "stop") is missing; or if there is one class alone. While blocks are taken:
        see `reading.blocks`; if the table or a picture changed, too.
    """
    check_choice("labels", labels, LABELS)
    check_choice("unreadable", unreadable, reading.UNREADABLE)
    form.checked()
    root: Path | Remote
    if isinstance(path, Inventory):
        root, state, state_now = path.root, path.state, lambda names: path.again().state(names)
    else:
        root = existing(Path(path), True, "of the pictures")
        state = state_now = partial(reading.state, root)
    file = root / table
    before = state([table])
    if before[table] is None:
        raise ArgumentError(f"table is '{shown(table)}', which is no file in '{shown(root)}'; name the table's file.")
    rows = _parquet(file, log) if os.path.splitext(table)[1].lower() == ".parquet" else _csv(file)
    if "file_name" not in rows:
        raise InputError(
            f"{shown(file)} has no column file_name, but {_listed(rows)}; give it one, with commas between columns."
        )
    if not rows["file_name"]:
        raise InputError(f"{shown(file)} names no picture; give it a row for each.")
    names = _names(file, root, rows.pop("file_name"))
    columns: dict[str, list] = {"split": _splits(file, rows.pop("split", None), len(names))}
    classes: list[str] = []
    if labels == "column":
        if "label" not in rows:
            raise ArgumentError(
                f"labels is 'column', but {shown(file)} has no column label; give it one, or set labels to none."
            )
        classes, columns["label"] = _labels(file, rows.pop("label"))
    columns["file"] = [text_of(name) for name in names]
    for name, values in rows.items():
        columns[_carried(name, columns.keys() | rows.keys())] = values
    before |= state(names)
    if unreadable == "stop":
        _check_there(file, [row for row, name in enumerate(names) if before[name] is None], names)
    taken = chosen(columns["file"], limit, seed)
    columns = {name: [values[place] for place in taken] for name, values in columns.items()}
    files = reading.Files(root, [names[place] for place in taken], columns, before)

    def unchanged() -> None:
        reading.check_unchanged(root, before, state_now(before))

    blocks = reading.blocks(files, form, unreadable, threads, unchanged)
    return Stream(classes, f"the pictures that the table {shown(file)} names", len(taken), blocks)


def _opened(file: Path | Remote) -> IO[bytes]:
    return io.BytesIO(remote.content(file)) if isinstance(file, Remote) else file.open("rb")


def _csv(file: Path | Remote) -> Columns:
    try:
        # Spreadsheets begin a file of UTF-8 with a mark of it.
        with io.TextIOWrapper(_opened(file), encoding="utf-8-sig", newline="") as lines:
            rows = csv.reader(lines, strict=True)
            names = next(rows, [])
            columns: Columns = _named(file, names)
            number = 0
            for row in rows:
                if not row:
                    continue
                number += 1
                if len(row) != len(names):
                    raise InputError(
                        f"{shown(file)} has {len(row)} values in row {number}, but {len(names)} columns; correct it."
                    )
                for values, value in zip(columns.values(), row, strict=True):
                    values.append(value)
    except UnicodeDecodeError:
        raise InputError(f"{shown(file)} is no text in UTF-8; save it as CSV in UTF-8, or as Parquet.") from None
    except csv.Error as error:
        raise InputError(f"{shown(file)} is no CSV ({error} in line {rows.line_num}); correct that.") from None
    except OSError as error:
        raise InputError(f"{shown(file)} cannot be read ({error.strerror}); correct that.") from None
    return columns


def _parquet(file: Path | Remote, log: Callable[[str], None]) -> Columns:
    try:
        import pyarrow.parquet as parquet
    except ImportError:
        raise InputError(
            f"{shown(file)} is a Parquet file, which the package pyarrow reads: run `pip install pyarrow`, or save the "
            "table as CSV."
        ) from None
    try:
        table = parquet.read_table(_opened(file) if isinstance(file, Remote) else os.fspath(file))
    except InputError:
        raise
    except Exception as error:
        # pyarrow has a dozen kinds of errors for damaged files.
        raise InputError(
            f"{shown(file)} is no Parquet file, or is damaged ({_first_line(error)}); replace it."
        ) from None
    columns = _named(file, table.column_names)
    for name in list(columns):
        values = table.column(name).to_pylist()
        if any(isinstance(value, NESTED) for value in values):
            log(f"{shown(file)}: the column {shown(name)} is left out; its values are no single ones")
            del columns[name]
        else:
            columns[name] = ["" if value is None else str(value) for value in values]
    return columns


def _named(file: Path | Remote, names: list[str]) -> Columns:
    # Tables that pandas writes have a first column without a name.
    named = [name or f"column_{number}" for number, name in enumerate(names, 1)]
    if twice := [name for name, count in Counter(named).items() if count > 1]:
        raise InputError(f"{shown(file)} has the column {shown(twice[0])} twice; rename one.")
    return {name: [] for name in named}


def _names(file: Path | Remote, root: Path | Remote, given: list[str]) -> list[str]:
    """Return the names of the pictures relative to `root`, in one spelling."""
    names: list[str] = []
    rows: dict[str, int] = {}
    for row, name in enumerate(given, 1):
        if name in MISSING:
            _wrong(file, row, f"has the file_name '{shown(name)}'", "name a picture, or remove the row")
        if "\0" in name:
            _wrong(file, row, f"has the file_name '{shown(name)}', which no file can have", "correct it")
        spelt = os.path.normpath(name)
        if os.path.isabs(name) or _is_outside(root, spelt):
            _wrong(
                file,
                row,
                f"names '{shown(name)}', which lies outside the table's folder",
                "move it there, and name it relative to the folder",
            )
        spelt = Path(spelt).as_posix()
        if first := rows.get(spelt):
            _wrong(file, row, f"names '{shown(name)}', as row {first} does", "remove one of them")
        rows[spelt] = row
        names.append(spelt)
    return names


def _is_outside(root: Path | Remote, spelt: str) -> bool:
    if isinstance(root, Remote):
        return spelt.split(os.sep)[0] == os.pardir
    top = os.path.realpath(root)
    return os.path.commonpath([top, os.path.realpath(os.path.join(top, spelt))]) != top


def _splits(file: Path | Remote, given: list[str] | None, count: int) -> list[str]:
    splits = []
    for row, name in enumerate(given or [""] * count, 1):
        split = "" if name in MISSING else SPLIT_NAMES.get(name.strip().casefold())
        if split is None:
            _wrong(file, row, f"has the split '{shown(name)}'", "use train, validation, test or nothing")
        splits.append(split)
    return splits


def _labels(file: Path | Remote, names: list[str]) -> tuple[list[str], list[int]]:
    for row, name in enumerate(names, 1):
        if name.strip() in MISSING:
            _wrong(file, row, f"has the label '{shown(name)}'", "name a class, or set labels to none")
    classes = in_order(names)
    if len(classes) == 1:
        raise ArgumentError(
            f"labels is 'column', but {shown(file)} has one label alone, '{shown(classes[0])}'; set labels to none."
        )
    rows = {name: row for row, name in enumerate(classes)}
    return classes, [rows[name] for name in names]


def _check_there(file: Path | Remote, missing: list[int], names: list[str]) -> None:
    if missing:
        count = f"{len(missing)} files that are not there, first" if len(missing) > 1 else "a file that is not there,"
        raise InputError(
            f"{shown(file)} names {count} '{shown(names[missing[0]])}' in row {missing[0] + 1}; correct the table, or "
            "set unreadable to skip."
        )


def _wrong(file: Path | Remote, row: int, what: str, remedy: str) -> NoReturn:
    raise InputError(f"{shown(file)}, row {row}, {what}; {remedy}.")


def _carried(name: str, taken: Any) -> str:
    if name not in LISTED:
        return name
    carried = f"table_{name}"
    while carried in taken:
        carried = f"table_{carried}"
    return carried


def _listed(rows: Columns) -> str:
    return ", ".join(shown(name) for name in rows) or "no columns at all"


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
