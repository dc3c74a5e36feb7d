import io
import os
import zipfile
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits

from autoencoders.core.errors import ArgumentError, InputError
from autoencoders.images.forms import Form
from autoencoders.images.pictures import fitted
from autoencoders.sources import arrays, stacks

GREY = Form(colour="grey")
RNG = np.random.default_rng(0)
GREYS = RNG.integers(0, 256, (7, 4, 5), dtype=np.uint8)
COLOURS = RNG.integers(0, 256, (7, 4, 5, 3), dtype=np.uint8)
DIGITS = np.arange(7) % 3


def npy(root: Path, array: np.ndarray) -> Path:
    np.save(root / "a.npy", array, allow_pickle=False)
    return root / "a.npy"


def npz(root: Path, packed: bool = False, **named) -> Path:
    (np.savez_compressed if packed else np.savez)(root / "a.npz", **named)
    return root / "a.npz"


def read(file: Path, log=lambda line: None, **options):
    """The stream, its images and columns."""
    if file.suffix == ".npy":
        options = {"labels": "none", **options}
    given = arrays.stream(file, log=log, **{"form": GREY, **options})
    blocks = list(given.blocks)
    columns = {name: sum((block.columns[name] for block in blocks), []) for name in blocks[0].columns}
    assert all(block.skipped == [] for block in blocks)
    # The numbers of the images in each array, from 0.
    sizes = Counter(columns["split"]).values()
    numbers = columns.pop("image")
    assert "limit" in options or sorted(numbers) == sorted(row for size in sizes for row in range(size))
    return given, np.concatenate([block.images for block in blocks]), columns


def sentence(file: Path, **options) -> str:
    with pytest.raises(InputError) as error:
        read(file, **options)
    assert "\n" not in str(error.value) and str(error.value).endswith(".")
    return str(error.value).replace(str(file.parent), "ROOT")


# What is read


@pytest.mark.parametrize("size", [1, 3, 256])
def test_an_npy_is_read_in_blocks(tmp_path, monkeypatch, size):
    monkeypatch.setattr(stacks, "BLOCK", size)
    given, images, columns = read(npy(tmp_path, GREYS))
    assert images.dtype == np.uint8 and np.array_equal(images, GREYS[..., np.newaxis])
    assert given.classes == [] and given.total == 7 and columns == {"split": [""] * 7}
    assert given.origin == f"the arrays of {tmp_path}/a.npy"


def test_an_npy_is_mapped_and_not_loaded(tmp_path, monkeypatch):
    asked = []
    load = np.load
    monkeypatch.setattr(np, "load", lambda file, **options: asked.append(options) or load(file, **options))
    read(npy(tmp_path, COLOURS))
    assert asked and all(options == {"mmap_mode": "r", "allow_pickle": False} for options in asked)


@pytest.mark.parametrize("array", [np.asfortranarray(GREYS), GREYS[..., np.newaxis]])
def test_other_orders_and_axes_give_the_same(tmp_path, array):
    assert np.array_equal(read(npy(tmp_path, array))[1], GREYS[..., np.newaxis])


def test_the_colour_decides_the_channels(tmp_path):
    assert np.array_equal(read(npy(tmp_path, COLOURS), form=Form())[1], COLOURS)
    means = np.round(COLOURS.mean(axis=-1, keepdims=True))
    assert np.array_equal(read(npy(tmp_path, COLOURS))[1], means)
    assert np.array_equal(read(npy(tmp_path, GREYS), form=Form())[1], np.repeat(GREYS[..., np.newaxis], 3, axis=-1))
    clear = np.concatenate([COLOURS, np.zeros((7, 4, 5, 1), np.uint8)], axis=-1)
    assert (read(npy(tmp_path, clear), form=Form())[1] == 255).all()
    clear[..., 3] = 255
    assert np.array_equal(read(npy(tmp_path, clear), form=Form())[1], COLOURS)


@pytest.mark.parametrize("fit", ["crop", "pad", "stretch"])
def test_images_come_to_a_size_as_pictures_do(tmp_path, fit):
    form = Form((3, 6), fit)
    assert np.array_equal(read(npy(tmp_path, COLOURS), form=form)[1], [fitted(image, form) for image in COLOURS])


@pytest.mark.parametrize("order", ["<", ">"])
def test_sixteen_bits_are_scaled_and_rounded(tmp_path, order):
    values = np.array([0, 128, 129, 257, 32767, 32768, 65535], np.uint16).reshape(7, 1, 1).astype(f"{order}u2")
    assert read(npy(tmp_path, values))[1].ravel().tolist() == [0, 0, 1, 1, 127, 128, 255]


def test_truth_is_white(tmp_path):
    assert read(npy(tmp_path, GREYS > 99))[1].ravel().tolist() == ((GREYS > 99) * 255).ravel().tolist()


@pytest.mark.parametrize("dtype", ["<f4", ">f8", "f2"])
def test_floats_are_taken_by_their_range(tmp_path, dtype):
    values = np.array([-1, -0.5, 0, 1], dtype).reshape(4, 1, 1)
    assert read(npy(tmp_path, values), range=(-1, 1))[1].ravel().tolist() == [0, 64, 128, 255]
    assert np.array_equal(read(npy(tmp_path, GREYS / np.float32(255)), range=(0, 1))[1], GREYS[..., np.newaxis])


def test_a_range_may_be_given_for_whole_numbers_too(tmp_path):
    twelve_bits = np.array([0, 2048, 4095], np.uint16).reshape(3, 1, 1)
    assert read(npy(tmp_path, twelve_bits), range=(0, 4095))[1].ravel().tolist() == [0, 128, 255]
    assert read(npy(tmp_path, twelve_bits.astype(np.int64)), range=(0, 4095))[1].ravel().tolist() == [0, 128, 255]


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("size", [2, 256])
def test_an_npz_is_read_with_labels_and_classes(tmp_path, monkeypatch, packed, size):
    monkeypatch.setattr(stacks, "BLOCK", size)
    lines = []
    file = npz(tmp_path, packed, images=COLOURS, labels=DIGITS, classes=np.array(["a", "b", "c", "d"]), other=DIGITS)
    given, images, columns = read(file, lines.append, form=Form())
    assert given.classes == ["a", "b", "c", "d"] and given.total == 7
    assert np.array_equal(images, COLOURS) and columns == {"split": [""] * 7, "label": DIGITS.tolist()}
    assert lines == [f"{file}: nothing reads the arrays other"]


@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        (DIGITS * 5, ["0", "5", "10"]),
        ((DIGITS - 1).astype(np.int8)[:, np.newaxis], ["-1", "0", "1"]),
        (np.array(["a", "é", "ü"])[DIGITS], ["a", "é", "ü"]),
        (np.array([b"9", b"10", b"11"])[DIGITS], ["9", "10", "11"]),
    ],
)
def test_classes_are_the_different_labels_in_their_order(tmp_path, labels, classes):
    given, _, columns = read(npz(tmp_path, images=GREYS, labels=labels))
    assert given.classes == classes and columns["label"] == DIGITS.tolist()


def test_labels_may_be_names_of_classes(tmp_path):
    file = npz(tmp_path, images=GREYS, labels=np.array(["a", "b", "c"])[DIGITS], classes=np.array(["c", "b", "a"]))
    given, _, columns = read(file)
    assert given.classes == ["c", "b", "a"] and columns["label"] == (2 - DIGITS).tolist()


def test_kerass_arrays_have_splits(tmp_path):
    file = npz(
        tmp_path, x_test=GREYS[5:], y_test=DIGITS[5:], x_train=GREYS[:4], y_train=DIGITS[:4], x_val=GREYS[4:5],
        y_val=DIGITS[4:5],
    )  # fmt: skip
    given, images, columns = read(file)
    assert np.array_equal(images[..., 0], GREYS) and columns["label"] == DIGITS.tolist()
    assert columns["split"] == ["train"] * 4 + ["validation"] + ["test"] * 2 and given.total == 7
    assert read(file, labels="none")[2] == {"split": columns["split"]}


@pytest.mark.parametrize("packed", [True, False, None])
def test_a_limit_takes_rows_by_the_seed_in_their_order(tmp_path, monkeypatch, packed):
    monkeypatch.setattr(stacks, "BLOCK", 10)
    images = np.arange(200, dtype=np.uint8).reshape(200, 1, 1)
    file = npy(tmp_path, images) if packed is None else npz(tmp_path, packed, x_train=images[:90], x_test=images[90:])
    given, first, columns = read(file, labels="none", limit=30, seed=1)
    taken = first.ravel().tolist()
    assert given.total == len(taken) == 30 and taken == sorted(set(taken))
    if packed is not None:
        assert columns["split"] == ["train" if value < 90 else "test" for value in taken]
    assert read(file, labels="none", limit=30, seed=1)[1].ravel().tolist() == taken
    assert read(file, labels="none", limit=30, seed=2)[1].ravel().tolist() != taken
    assert len(read(file, labels="none", limit=999)[1]) == 200


def test_real_digits_come_as_they_are(tmp_path):
    digits = load_digits()
    given, images, columns = read(npz(tmp_path, True, images=digits.images, labels=digits.target), range=(0, 16))
    assert given.classes == list("0123456789") and columns["label"] == digits.target.tolist()
    assert np.abs(images[..., 0] / 255 * 16 - digits.images).max() <= 16 / 255 / 2 + 1e-9


# What is wrong


def test_a_value_that_is_no_number_or_out_of_range_is_named(tmp_path):
    values = GREYS / 255
    values[5, 1, 2] = np.nan
    assert sentence(npy(tmp_path, values), range=(0, 1)) == ("Image 5 of a.npy holds NaN; correct it, or change range.")
    values[3] = 1.5
    assert sentence(npz(tmp_path, images=values), range=(0, 1), labels="none") == (
        "Image 3 of images holds 1.5, outside of range [0, 1]; correct it, or change range."
    )
    assert "holds inf, outside of range" in sentence(npy(tmp_path, np.full((2, 2, 2), np.inf)), range=(0, 1))


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (np.zeros((2, 2)), "a.npy has the axes [2, 2]; give it [N, height, width] or [N, height, width, channels]"),
        (np.zeros((1, 2, 2, 2, 3), np.uint8), "a.npy has the axes [1, 2, 2, 2, 3]; give it [N, height, width] or"),
        (np.zeros((2, 3, 8, 8), np.uint8), "a.npy has the axes [2, 3, 8, 8]; give it [N, height, width] or"),
        (np.zeros((2, 2, 2, 2), np.uint8), "a.npy has the axes [2, 2, 2, 2]; give it [N, height, width] or"),
        (np.zeros((0, 2, 2), np.uint8), "a.npy has the axes [0, 2, 2], and so no images; replace it."),
        (np.zeros((2, 0, 2), np.uint8), "a.npy has the axes [2, 0, 2], and so no images; replace it."),
        (GREYS / 255, "range is not given, and a.npy has values of float64; give the values that become 0 and 255"),
        (GREYS.astype(int), "range is not given, and a.npy has values of int64; give the values that become 0 and"),
        (GREYS * 1j, "a.npy has values of complex128; save it as numbers: uint8, uint16 or floats."),
        (GREYS.astype(str), "a.npy has values of <U3; save it as numbers: uint8, uint16 or floats."),
    ],
)
def test_an_array_of_another_form_says_so(tmp_path, array, expected):
    assert sentence(npy(tmp_path, array)).startswith(expected)


def test_an_image_of_more_pixels_than_max_pixels_is_refused(tmp_path):
    assert sentence(npy(tmp_path, GREYS), form=Form(max_pixels=19)) == (
        "a.npy has images of 5x4 pixels, more than max_pixels allows (19); raise max_pixels."
    )


def test_nothing_is_unpickled(tmp_path):
    objects = np.empty(2, object)
    objects[:] = Trap(), Trap()
    np.save(tmp_path / "a.npy", objects, allow_pickle=True)
    expected = "holds Python objects, which are not unpickled; save it as an array of numbers or text."
    assert sentence(tmp_path / "a.npy") == f"a.npy {expected}"
    np.savez(tmp_path / "a.npz", images=objects)
    assert sentence(tmp_path / "a.npz") == f"images {expected}"
    np.savez(tmp_path / "a.npz", images=GREYS, labels=objects)
    assert sentence(tmp_path / "a.npz") == f"labels {expected}"
    (tmp_path / "a.npy").write_bytes(b"\x80\x04cposix\nsystem\n")
    assert sentence(tmp_path / "a.npy") == "ROOT/a.npy is no .npy or .npz file, or is damaged; replace it."


class Trap:
    def __reduce__(self):
        return pytest.fail, ("unpickled",)


@pytest.mark.parametrize(
    ("named", "expected"),
    [
        ({"a": GREYS, "b\n": GREYS}, "ROOT/a.npz holds a, b\\n; name the images `images`, or `x_train` and `x_test`."),
        ({"images": GREYS}, "labels is 'stored', but ROOT/a.npz has no array labels for images; set labels to none."),
        (
            {"x_train": GREYS, "y_train": DIGITS, "x_test": GREYS},
            "labels is 'stored', but ROOT/a.npz has no array y_test for x_test; set labels to none.",
        ),
        ({"images": GREYS, "labels": DIGITS[1:]}, "The array labels has the axes [6]; give it one label for each of 7"),
        ({"images": GREYS, "labels": np.eye(7)}, "The array labels has the axes [7, 7]; give it one label for each of"),
        ({"images": GREYS, "labels": DIGITS / 2}, "ROOT/a.npz has labels of float64; save them as whole numbers or as"),
        (
            {"images": GREYS, "labels": DIGITS * 0},
            "labels is 'stored', but all images of ROOT/a.npz have one, '0'; set",
        ),
        (
            {"images": GREYS, "labels": np.array(["a", "", "b"])[DIGITS]},
            "ROOT/a.npz has an image with the label ''; name a class, or set labels to none.",
        ),
        (
            {"images": GREYS, "labels": DIGITS, "classes": np.array(["a", "b"])},
            "ROOT/a.npz has the label 2, which its 2 classes do not name.",
        ),
        (
            {"images": GREYS, "labels": DIGITS, "classes": np.array(["a", "b", "a"])},
            "ROOT/a.npz has classes of the same name; rename one.",
        ),
        ({"images": GREYS, "labels": DIGITS, "classes": DIGITS}, "ROOT/a.npz has classes of int64; save them as text."),
        (
            {"images": np.asfortranarray(GREYS), "labels": DIGITS},
            "The array images is stored with its first axis varying fastest; save it after numpy.ascontiguousarray.",
        ),
        (
            {"images": GREYS, "labels": np.full(7, "a" * 2000)},
            "The array labels has values of 8000 bytes; give it shorter ones.",
        ),
    ],
)
def test_an_npz_of_another_form_says_so(tmp_path, named, expected):
    assert sentence(npz(tmp_path, **named)).startswith(expected)


def test_images_that_differ_in_size_need_one(tmp_path):
    file = npz(tmp_path, x_train=GREYS, x_test=GREYS[:, :2])
    assert sentence(file, labels="none") == (
        "size is not given, and the images differ: x_train has 5x4 and x_test 5x2; give a size, [height, width]."
    )
    assert read(file, labels="none", form=Form((3, 3)))[1].shape == (14, 3, 3, 3)


def test_an_npy_has_no_labels(tmp_path):
    assert sentence(npy(tmp_path, GREYS), labels="stored") == (
        "labels is 'stored', but ROOT/a.npy holds images alone; set labels to none."
    )


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"labels": "folders"}, "labels is 'folders'; use stored or none."),
        ({"range": (1, 0)}, r"range is \[1, 0\], but is to be \[low, high\]"),
        ({"range": (0, np.nan)}, r"range is \[0, nan\], but is to be"),
        ({"range": (0,)}, r"range is \[0\], but is to be"),
        ({"limit": 0}, "limit is 0;"),
        ({"form": Form((0, 1))}, r"size is \[0, 1\]"),
    ],
)
def test_an_argument_that_is_wrong_is_named(tmp_path, options, expected):
    with pytest.raises(ArgumentError, match=f"^{expected}"):
        read(npy(tmp_path, GREYS), **options)


def test_a_path_that_is_no_file_says_so(tmp_path):
    assert sentence(tmp_path / "no.npy") == "path is 'ROOT/no.npy', which is not there; name the file of the arrays."
    (tmp_path / "d.npy").mkdir()
    assert sentence(tmp_path / "d.npy") == "path is 'ROOT/d.npy', which is no file; name the file of the arrays."


def test_damaged_files_say_so(tmp_path):
    content = npy(tmp_path, COLOURS).read_bytes()
    for damaged in (b"", content[:40], content[:-1], content.replace(b"'shape'", b"'shapf'")):
        (tmp_path / "b.npy").write_bytes(damaged)
        assert sentence(tmp_path / "b.npy").startswith("ROOT/b.npy is ")


def test_damaged_archives_say_so(tmp_path):
    large = np.tile(COLOURS, (50, 1, 1, 1))
    content = npz(tmp_path, True, images=large).read_bytes()
    (tmp_path / "b.npz").write_bytes(content[: len(content) // 2])
    assert sentence(tmp_path / "b.npz", labels="none").startswith("ROOT/b.npz is no .npy or .npz file, or is damaged")
    for place in (len(content) // 3, len(content) // 2):
        damaged = bytearray(content)
        damaged[place] ^= 0xFF
        (tmp_path / "b.npz").write_bytes(damaged)
        assert sentence(tmp_path / "b.npz", labels="none") == "ROOT/b.npz is damaged or cut off; replace it."


def test_damage_anywhere_gives_arrays_or_a_sentence(tmp_path):
    npy_content = npy(tmp_path, GREYS).read_bytes()
    npz_content = npz(tmp_path, True, images=GREYS, labels=DIGITS).read_bytes()
    rng = np.random.default_rng(0)
    for content, labels in ((npy_content, "none"), (npz_content, "stored")) * 100:
        damaged = bytearray(content)
        for place in rng.integers(0, min(len(damaged), 400), rng.integers(1, 5)):
            damaged[place] = rng.integers(0, 256)
        (tmp_path / "b").write_bytes(damaged)
        try:
            list(arrays.stream(tmp_path / "b", form=GREY, labels=labels, log=lambda line: None).blocks)
        except InputError as error:
            assert "\n" not in str(error) and str(error).endswith(".")


def test_a_header_that_claims_more_than_there_is_takes_no_memory(tmp_path):
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "|u1", "fortran_order": False, "shape": (2**40, 1000, 1000)})
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("images.npy", header.getvalue())
    assert sentence(tmp_path / "a.npz", labels="none") == "ROOT/a.npz is damaged or cut off; replace it."
    (tmp_path / "a.npy").write_bytes(header.getvalue())
    assert sentence(tmp_path / "a.npy") == "ROOT/a.npy is damaged or cut off; replace it."


def test_a_file_that_changes_while_it_is_read_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(stacks, "BLOCK", 2)
    file = npz(tmp_path, images=GREYS)
    blocks = arrays.stream(file, form=GREY, labels="none").blocks
    next(blocks)
    os.utime(file, (1, 1))
    with pytest.raises(InputError, match="changed while it was read .a.npz has changed.; run it again"):
        list(blocks)
