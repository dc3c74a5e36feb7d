import csv
import os
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from autoencoders.core.errors import ArgumentError, InputError
from autoencoders.images.forms import Form
from autoencoders.sources import reading, table

NAMES = ["b.png", "a b.png", "deep/é.png", 'it\'s "c".png']


@pytest.fixture
def root(tmp_path) -> Path:
    for value, name in enumerate(NAMES):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.new("L", (2, 2), value).save(tmp_path / name)
    return tmp_path


def write(root: Path, *rows: list, encoding: str = "utf-8") -> None:
    with (root / "table.csv").open("w", newline="", encoding=encoding) as file:
        csv.writer(file).writerows(rows)


def read(root: Path, name: str = "table.csv", **options):
    """The stream, its images, columns and skipped files."""
    given = table.stream(root, name, log=lambda line: None, **{"form": Form(colour="grey"), **options})
    blocks = list(given.blocks)
    columns = {name: sum((block.columns[name] for block in blocks), []) for name in blocks[0].columns}
    images = np.concatenate([block.images for block in blocks])
    return given, images, columns, sum((block.skipped for block in blocks), [])


def sentence(root: Path, *rows: list, **options) -> str:
    write(root, *rows)
    with pytest.raises(InputError) as error:
        read(root, **options)
    assert "\n" not in str(error.value) and str(error.value).endswith(".")
    return str(error.value).replace(str(root), "ROOT")


# What is read


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_pictures_come_in_the_order_of_the_rows_with_labels_splits_and_other_columns(root, encoding):
    write(
        root,
        ["file_name", "label", "split", "size of, it", "width"],
        ["b.png", "3", "Train", "x", "17"],
        ["a b.png", "10", "dev", "", "18"],
        ["./deep/../deep/é.png", "3", "", "two\nlines", "19"],
        [NAMES[3], "2", "TEST", '"', ""],
        encoding=encoding,
    )
    given, images, columns, skipped = read(root)
    assert given.classes == ["2", "3", "10"] and given.total == 4 and skipped == []
    assert given.origin == f"the pictures that the table {root}/table.csv names"
    assert images[:, 0, 0, 0].tolist() == [0, 1, 2, 3]
    assert columns == {
        "split": ["train", "validation", "", "test"],
        "label": [1, 2, 1, 0],
        "file": NAMES,
        "size of, it": ["x", "", "two\nlines", '"'],
        "table_width": ["17", "18", "19", ""],
        "width": [2] * 4,
        "height": [2] * 4,
        "mode": ["L"] * 4,
    }


def test_without_labels_the_column_label_is_carried_along(root):
    write(root, ["", "file_name", "label"], ["0", "b.png", "x"])
    given, _, columns, _ = read(root, labels="none")
    assert given.classes == [] and columns["table_label"] == ["x"] and columns["column_1"] == ["0"]
    assert columns["split"] == [""] and "label" not in columns


def test_a_columns_new_name_is_not_anothers(root):
    write(root, ["file_name", "mode", "table_mode"], ["b.png", "x", "y"])
    _, _, columns, _ = read(root, labels="none")
    assert columns["table_mode"] == ["y"] and columns["table_table_mode"] == ["x"] and columns["mode"] == ["L"]


def test_a_limit_takes_some_rows_in_their_order(root):
    write(root, ["file_name", "n"], *([name, str(row)] for row, name in enumerate(NAMES)))
    given, images, columns, _ = read(root, labels="none", limit=2)
    assert given.total == 2 and columns["n"] == sorted(columns["n"]) == [str(v) for v in images[:, 0, 0, 0]]


def test_parquet_gives_what_csv_gives(root):
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    values = {"file_name": NAMES[:3], "label": [3, 10, 3], "other": [None, 1.5, 2.0], "image": [b"a", None, b"b"]}
    parquet.write_table(pyarrow.table(values), root / "t.parquet")
    given, images, columns, _ = read(root, "t.parquet")
    assert given.classes == ["3", "10"] and images[:, 0, 0, 0].tolist() == [0, 1, 2]
    assert columns["label"] == [0, 1, 0] and columns["other"] == ["", "1.5", "2.0"] and "image" not in columns


def test_parquet_without_pyarrow_says_how_to_get_it(root, monkeypatch):
    (root / "t.parquet").write_bytes(b"PAR1")
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(InputError, match="which the package pyarrow reads: run `pip install pyarrow`, or save the"):
        read(root, "t.parquet")


def test_a_damaged_parquet_file_says_so(root):
    pytest.importorskip("pyarrow")
    (root / "t.parquet").write_bytes(b"PAR1")
    with pytest.raises(InputError, match=r"t.parquet is no Parquet file, or is damaged \(.*\); replace it.$"):
        read(root, "t.parquet")


# What is wrong


def test_a_folder_or_table_that_is_not_there(root, tmp_path):
    with pytest.raises(ArgumentError, match="^path is '.*absent', which is not there; name the folder of the pictures"):
        read(tmp_path / "absent")
    with pytest.raises(ArgumentError, match="^table is 'table.csv', which is no file in '.*'; name the table's file.$"):
        read(root)


HEAD = ["file_name", "label"]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([], "ROOT/table.csv has no column file_name, but no columns at all; give it one, with commas"),
        ([["file;label"]], "ROOT/table.csv has no column file_name, but file;label; give it one, with commas"),
        ([["file_name"]], "ROOT/table.csv names no picture; give it a row for each."),
        ([["file_name", "a", "a"]], "ROOT/table.csv has the column a twice; rename one."),
        ([["file_name"], ["b.png"]], "labels is 'column', but ROOT/table.csv has no column label; give it one, or"),
        ([HEAD, ["b.png"]], "ROOT/table.csv has 1 values in row 1, but 2 columns; correct it."),
        ([HEAD, ["b.png", "x"], ["a b.png", ""]], "ROOT/table.csv, row 2, has the label ''; name a class, or set"),
        ([HEAD, ["b.png", "None"]], "ROOT/table.csv, row 1, has the label 'None'; name a class, or set labels to"),
        ([HEAD, ["b.png", "x"], ["a b.png", "x"]], "labels is 'column', but ROOT/table.csv has one label alone, 'x';"),
        ([HEAD, ["", "x"]], "ROOT/table.csv, row 1, has the file_name ''; name a picture, or remove the row."),
        ([HEAD, ["../x.png", "x"]], "ROOT/table.csv, row 1, names '../x.png', which lies outside the table's folder;"),
        (
            [HEAD, ["/etc/x.png", "x"]],
            "ROOT/table.csv, row 1, names '/etc/x.png', which lies outside the table's folder;",
        ),
        ([HEAD, ["b.png", "x"], ["./b.png", "y"]], "ROOT/table.csv, row 2, names './b.png', as row 1 does; remove"),
        (
            [[*HEAD, "split"], ["b.png", "x", "eval"]],
            "ROOT/table.csv, row 1, has the split 'eval'; use train, validation, test or nothing.",
        ),
        (
            [HEAD, ["b.png", "x"], ["no\n.png", "y"], ["none.png", "y"]],
            "ROOT/table.csv names 2 files that are not there, first 'no\\n.png' in row 2; correct the table, or set",
        ),
        (
            [HEAD, ["b.png", "x"], ["absent.png", "y"]],
            "ROOT/table.csv names a file that is not there, 'absent.png' in row 2; correct the table, or set",
        ),
    ],
)
def test_a_table_that_is_wrong_says_where(root, rows, expected):
    assert sentence(root, *rows).startswith(expected)


def test_a_link_that_leads_out_of_the_folder_is_refused(root, tmp_path_factory):
    outside = tmp_path_factory.mktemp("outside") / "x.png"
    Image.new("L", (2, 2)).save(outside)
    os.symlink(outside, root / "link.png")
    assert "row 1, names 'link.png', which lies outside the table's folder; move it" in sentence(
        root, HEAD, ["link.png", "x"]
    )


def test_a_missing_file_is_skipped_where_that_is_asked_for(root):
    os.mkfifo(root / "pipe.png")
    write(root, HEAD, ["b.png", "x"], ["absent.png", "y"], ["deep", "y"], ["pipe.png", "y"])
    _, images, columns, skipped = read(root, unreadable="skip")
    assert len(images) == 1 and columns["file"] == ["b.png"]
    assert skipped == [("absent.png", "is not there"), ("deep", "is no file"), ("pipe.png", "is no file")]


def test_what_is_no_csv_says_so(root):
    for content, expected in (
        (b"file_name\n\xff\xfe\n", "table.csv is no text in UTF-8; save it as CSV in UTF-8, or as Parquet."),
        (b'file_name\n"b.png"c\n', "table.csv is no CSV .* in line 2.; correct that."),
        (b'file_name\n"b.png\n', "table.csv is no CSV .unexpected end of data in line 2.; correct that."),
    ):
        (root / "table.csv").write_bytes(content)
        with pytest.raises(InputError, match=expected):
            read(root)


def test_a_table_or_picture_that_changes_while_it_is_read_says_so(root, monkeypatch):
    monkeypatch.setattr(reading, "BLOCK", 1)
    write(root, ["file_name"], ["b.png"], ["a b.png"])
    for changed in ("table.csv", "b.png"):
        blocks = table.stream(root, "table.csv", labels="none", threads=1).blocks
        next(blocks)
        with (root / changed).open("ab") as file:
            file.write(b"\n")
        with pytest.raises(InputError, match=f"changed while it was read .{changed} has changed.; run it again"):
            list(blocks)


@pytest.mark.parametrize(("name", "value"), [("labels", "folders"), ("unreadable", "ignore")])
def test_an_argument_that_is_wrong_is_named(root, name, value):
    write(root, HEAD, ["b.png", "x"])
    with pytest.raises(ArgumentError, match=f"^{name} is '{value}'; use "):
        read(root, **{name: value})
