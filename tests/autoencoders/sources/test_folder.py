import os
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from autoencoders.core.errors import ArgumentError, InputError
from autoencoders.images.forms import Form
from autoencoders.sources import folder, reading

GREY = Form(colour="grey")


def picture(path: Path, value: int = 0, size: tuple[int, int] = (2, 2)) -> Path:
    """Write a grey picture of one value; its file's suffix says its form."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", size, value).save(path)
    return path


def said(root: Path, **options):
    """The stream, its blocks joined (images, columns, skipped), and what it said."""
    lines: list[str] = []
    stream = folder.stream(root, log=lines.append, **{"form": GREY, **options})
    blocks = list(stream.blocks)
    columns = {name: sum((block.columns[name] for block in blocks), []) for name in blocks[0].columns}
    return (
        stream,
        np.concatenate([block.images for block in blocks]),
        columns,
        sum((block.skipped for block in blocks), []),
        lines,
    )


@pytest.fixture
def animals(tmp_path) -> Path:
    for value, name in enumerate(["cat/b.PNG", "cat/a.bmp", "dog/deep/er/c.tif", "dog/d.GIF", "emu/e.ppm"]):
        picture(tmp_path / name, 10 * value)
    return tmp_path


# What is read


def test_pictures_at_any_depth_come_in_the_order_of_their_names(animals):
    stream, images, columns, skipped, lines = said(animals)
    assert stream.classes == ["cat", "dog", "emu"] and stream.total == 5
    assert stream.origin == f"the pictures of the folder {animals}"
    assert columns["file"] == ["cat/a.bmp", "cat/b.PNG", "dog/d.GIF", "dog/deep/er/c.tif", "emu/e.ppm"]
    assert columns["label"] == [0, 0, 1, 1, 2]
    assert columns["split"] == [""] * 5
    assert columns["width"] == columns["height"] == [2] * 5 and columns["mode"][0] == "L"
    assert images.shape == (5, 2, 2, 1) and images.dtype == np.uint8
    assert images[:, 0, 0, 0].tolist() == [10, 0, 30, 20, 40]
    assert skipped == [] and lines == [] and stream.left_out == {}


@pytest.mark.parametrize("suffix", folder.SUFFIXES)
def test_each_form_of_picture_is_found_in_any_case(tmp_path, suffix):
    picture(tmp_path / f"a{suffix}", 7)
    os.rename(tmp_path / f"a{suffix}", tmp_path / f"a{suffix.upper()}")
    stream, images, columns, *_ = said(tmp_path, labels="none")
    assert stream.classes == [] and "label" not in columns
    assert columns["file"] == [f"a{suffix.upper()}"] and images.tolist() == [[[[7]] * 2] * 2]


def test_folders_at_the_top_name_splits(tmp_path):
    names = ["Train/cat/a.png", "Train/dog/b.png", "val/cat/c.png", "DEV/dog/d.png", "valid/cat/e.png"]
    for name in [*names, "validation/cat/f.png", "test/dog/g.png"]:
        picture(tmp_path / name)
    stream, _, columns, *_ = said(tmp_path)
    assert stream.classes == ["cat", "dog"]
    found = dict(zip(columns["file"], zip(columns["split"], columns["label"], strict=True), strict=True))
    assert found == {
        "Train/cat/a.png": ("train", 0),
        "Train/dog/b.png": ("train", 1),
        "val/cat/c.png": ("validation", 0),
        "DEV/dog/d.png": ("validation", 1),
        "valid/cat/e.png": ("validation", 0),
        "validation/cat/f.png": ("validation", 0),
        "test/dog/g.png": ("test", 1),
    }


def test_classes_that_are_numbers_are_in_their_order(tmp_path):
    for name in ("10", "9", "2"):
        picture(tmp_path / name / "a.png")
    assert said(tmp_path)[0].classes == ["2", "9", "10"]


@pytest.mark.parametrize("name", ["a b", "crème brûlée", 'it\'s "quoted"', "two\nlines", "comma, tab\t", "数字"])
def test_names_survive_as_they_are(tmp_path, name):
    picture(tmp_path / name / f"{name}.png", 9)
    picture(tmp_path / "other" / "a.png")
    stream, _, columns, *_ = said(tmp_path)
    assert f"{name}/{name}.png" in columns["file"] and name in stream.classes


@pytest.mark.skipif(sys.platform != "linux", reason="other systems allow no such names")
def test_a_name_that_is_no_utf_8_becomes_text(tmp_path):
    picture(tmp_path / "a.png", 9)
    os.rename(os.fsencode(tmp_path / "a.png"), os.fsencode(tmp_path) + b"/a\xff.png")
    _, images, columns, *_ = said(tmp_path, labels="none")
    assert columns["file"] == ["a\\xff.png"] and images[0, 0, 0, 0] == 9
    columns["file"][0].encode()


def test_hidden_files_links_and_others_are_left_out_and_counted(animals, tmp_path_factory):
    outside = tmp_path_factory.mktemp("outside")
    picture(outside / "secret.png")
    for name in (".DS_Store", "Thumbs.db", "cat/._a.png", "cat/desktop.ini", "notes.txt", "README"):
        (animals / name).write_bytes(b"")
    for name in ("__MACOSX/cat/a.png", ".git/a.png"):
        picture(animals / name)
    os.symlink(outside / "secret.png", animals / "cat" / "secret.png")
    os.symlink(outside, animals / "outside")
    os.symlink(animals / "absent.png", animals / "cat" / "absent.png")
    os.symlink(animals, animals / "dog" / "again")
    os.symlink(animals / "cat" / "a.bmp", animals / "dog" / "link.bmp")
    os.mkfifo(animals / "cat" / "pipe.png")
    stream, _, columns, _, lines = said(animals)
    assert stream.left_out == {
        "hidden or system files": 6,
        "links that lead out of the folder": 2,
        "links that lead nowhere": 1,
        "links to folders within the folder": 1,
        "neither files nor folders": 1,
        "files of other kinds": 2,
    }
    assert len(columns["file"]) == 6 and "dog/link.bmp" in columns["file"]
    assert lines == [
        f"{animals}: 13 left out (files of other kinds: 2, hidden or system files: 6, links that lead nowhere: 1, "
        "links that lead out of the folder: 2, links to folders within the folder: 1, neither files nor folders: 1)"
    ]


def test_a_limit_takes_some_of_each_class_and_keeps_classes_and_order(tmp_path):
    for number in range(60):
        picture(tmp_path / "abc"[number // 20] / f"{number:02}.png", number)
    stream, images, columns, *_ = said(tmp_path, limit=15, seed=3)
    assert stream.total == len(images) == 15 and stream.classes == ["a", "b", "c"]
    assert columns["file"] == sorted(columns["file"]) and set(columns["label"]) == {0, 1, 2}
    assert said(tmp_path, limit=15, seed=3)[2] == columns
    assert said(tmp_path, limit=15, seed=4)[2] != columns
    # One file more takes at most one place.
    picture(tmp_path / "a" / "new.png")
    assert len(set(said(tmp_path, limit=15, seed=3)[2]["file"]) & set(columns["file"])) >= 14
    assert len(said(tmp_path, limit=1000)[1]) == 61


def test_one_picture_and_equal_pictures_are_read(tmp_path):
    picture(tmp_path / "a.png", 5)
    assert said(tmp_path, labels="none")[1].tolist() == [[[[5]] * 2] * 2]
    picture(tmp_path / "b.png", 5)
    assert said(tmp_path, labels="none")[1].tolist() == [[[[5]] * 2] * 2] * 2


# Reading in blocks


def test_any_number_of_threads_and_any_blocks_give_the_same_bytes(tmp_path, monkeypatch):
    ships = Path(find_spec("skimage").origin).parent / "data"
    with Image.open(ships / "chelsea.png") as cat:
        for number in range(30):
            cat.crop((number, number, number + 200, number + 150)).save(tmp_path / f"{number:02}.jpg", quality=85)
    (tmp_path / "07b.jpg").write_bytes(b"nothing")
    wanted = {"form": Form((32, 32)), "labels": "none", "unreadable": "skip"}
    expected = said(tmp_path, threads=1, **wanted)
    for threads, size in ((1, 1), (2, 7), (5, 256), (None, 30)):
        monkeypatch.setattr(reading, "BLOCK", size)
        found = said(tmp_path, threads=threads, **wanted)
        assert found[1].tobytes() == expected[1].tobytes() and found[2:4] == expected[2:4]
    assert found[3] == [("07b.jpg", "is no JPEG, PNG, BMP, GIF, WebP, TIFF or PPM, or its beginning is damaged")]


def test_blocks_are_full_but_for_the_last_and_end_early_where_pictures_are_large(animals, monkeypatch):
    def lengths() -> list[int]:
        return [len(block.images) for block in folder.stream(animals, form=GREY).blocks]

    assert lengths() == [5]
    monkeypatch.setattr(reading, "BLOCK", 2)
    assert lengths() == [2, 2, 1]
    monkeypatch.setattr(reading, "BLOCK_BYTES", 4)
    assert lengths() == [1] * 5


def test_files_that_cannot_be_read_at_the_end_come_in_a_block_without_images(animals, monkeypatch):
    (animals / "emu" / "z.png").write_bytes(b"")
    monkeypatch.setattr(reading, "BLOCK", 5)
    last = list(folder.stream(animals, form=GREY, unreadable="skip").blocks)[-1]
    assert last.images.shape == (0, 2, 2, 1) and last.skipped == [("emu/z.png", "is empty")]
    assert all(values == [] for values in last.columns.values())


def test_whoever_takes_no_more_blocks_leaves_no_threads(animals, monkeypatch):
    import threading

    monkeypatch.setattr(reading, "BLOCK", 1)
    before = threading.active_count()
    blocks = folder.stream(animals, form=GREY, threads=3).blocks
    next(blocks)
    blocks.close()
    assert threading.active_count() == before


def test_pictures_keep_their_own_size_where_all_have_one(animals):
    assert said(animals, form=Form())[1].shape == (5, 2, 2, 3)
    assert said(animals, form=Form((4, 6)))[1].shape == (5, 4, 6, 3)


# What is wrong


def test_a_file_that_cannot_be_read_stops_with_its_name(animals):
    (animals / "cat" / "broken\n.png").write_bytes(b"\x89PNG")
    with pytest.raises(InputError) as error:
        said(animals)
    assert str(error.value) == (
        f"{animals}/cat/broken\\n.png is no JPEG, PNG, BMP, GIF, WebP, TIFF or PPM, or its beginning is damaged; "
        "remove or replace it, or set unreadable to skip."
    )


def test_a_folder_in_which_nothing_can_be_read_says_so(tmp_path):
    (tmp_path / "a.png").write_bytes(b"")
    with pytest.raises(InputError, match=r"^No picture of .* can be read \(a.png is empty\); name other files.$"):
        said(tmp_path, labels="none", unreadable="skip")


def test_sizes_that_differ_where_none_is_named(animals):
    picture(animals / "dog" / "a.png", size=(5, 3))
    with pytest.raises(ArgumentError) as error:
        said(animals)
    assert str(error.value) == (
        "size is not given, and the pictures differ: cat/a.bmp has 2x2 and dog/a.png 5x3; give a size, [height, width]."
    )


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        ([], "path is '{}', which holds no picture (.jpg .jpeg "),
        (["notes.txt"], "path is '{}', which holds no picture (.jpg .jpeg "),
        (["cat/a.png"], "labels is 'folders', but all pictures of '{}' lie in one, 'cat'; set labels to none."),
        (["cat/a.png", "b.png"], "{}/b.png lies in no folder that could name its class; move it into one, or set"),
        (["train/a.png"], "{}/train/a.png lies in no folder that could name its class; move it into one, or set"),
        (["train/x/a.png", "y/b.png"], "{} has the folder 'train', which names a split, and pictures outside of such"),
    ],
)
def test_a_folder_that_gives_no_classes_says_so(tmp_path, names, sentence):
    for name in names:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    with pytest.raises(InputError) as error:
        said(tmp_path)
    assert str(error.value).startswith(sentence.format(tmp_path)) and "\n" not in str(error.value)


def test_a_path_that_is_no_folder_says_so(tmp_path):
    with pytest.raises(ArgumentError, match="^path is '.*absent', which is not there; name the folder of the pictures"):
        said(tmp_path / "absent")
    with pytest.raises(ArgumentError, match="^path is '.*a.png', which is no folder; name the folder of the pictures"):
        said(picture(tmp_path / "a.png"))
    with pytest.raises(ArgumentError, match="^path is '.*', which is not there"):
        said(tmp_path / "a.png" / "b")


def test_a_folder_that_may_not_be_entered_says_so(animals, monkeypatch):
    entered = os.scandir

    def scandir(path):
        if str(path).endswith("dog"):
            raise PermissionError(13, "Permission denied")
        return entered(path)

    monkeypatch.setattr(os, "scandir", scandir)
    with pytest.raises(InputError, match=r"dog cannot be read \(Permission denied\); correct that, or move it"):
        said(animals)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"labels": "names"}, "labels is 'names'; use folders or none."),
        ({"unreadable": "ignore"}, "unreadable is 'ignore'; use stop or skip."),
        ({"limit": 0}, "limit is 0; take at least one picture, or leave it out."),
        ({"form": Form(fit="squeeze")}, "fit is 'squeeze'; use crop, pad or stretch."),
    ],
)
def test_an_argument_that_is_wrong_is_named(animals, options, sentence):
    with pytest.raises(ArgumentError) as error:
        said(animals, **options)
    assert str(error.value) == sentence


def _add(root):
    picture(root / "cat" / "new.png")


def _remove(root):
    (root / "cat" / "a.bmp").unlink()


def _change(root):
    picture(root / "cat" / "a.bmp", size=(3, 3))


@pytest.mark.parametrize(
    ("change", "how"),
    [(_add, "cat/new.png is new"), (_remove, "cat/a.bmp is gone"), (_change, "cat/a.bmp has changed")],
)
def test_a_folder_that_changes_while_it_is_read_says_so(animals, monkeypatch, change, how):
    monkeypatch.setattr(reading, "BLOCK", 1)
    blocks = folder.stream(animals, form=GREY, threads=1).blocks
    next(blocks)
    change(animals)
    with pytest.raises(InputError) as error:
        list(blocks)
    assert str(error.value) == f"{animals} changed while it was read ({how}); run it again when nothing writes there."
