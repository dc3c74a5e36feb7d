import gzip
import os
from pathlib import Path

import numpy as np
import pytest

from autoencoders.core.errors import ArgumentError, InputError
from autoencoders.images.forms import Form
from autoencoders.sources import idx, stacks

RNG = np.random.default_rng(0)
TRAIN, TEST = (RNG.integers(0, 256, (n, 4, 5), dtype=np.uint8) for n in (6, 3))
# Labels of EMNIST's letters begin at 1.
LETTERS = {"train": np.array([1, 26, 3, 1, 26, 3], np.uint8), "test": np.array([3, 1, 26], np.uint8)}
GREY = Form(colour="grey")


def content(values: np.ndarray) -> bytes:
    sizes = b"".join(size.to_bytes(4, "big") for size in values.shape)
    return bytes([0, 0, 8, values.ndim]) + sizes + values.tobytes()


def write(root: Path, name: str, values: np.ndarray) -> None:
    (root / name).write_bytes(gzip.compress(content(values)) if name.endswith(".gz") else content(values))


@pytest.fixture
def fashion(tmp_path) -> Path:
    """Small files of Fashion-MNIST's form."""
    write(tmp_path, "train-images-idx3-ubyte.gz", TRAIN)
    write(tmp_path, "train-labels-idx1-ubyte.gz", np.arange(6, dtype=np.uint8))
    write(tmp_path, "t10k-images-idx3-ubyte.gz", TEST)
    write(tmp_path, "t10k-labels-idx1-ubyte.gz", np.array([9, 0, 5], np.uint8))
    return tmp_path


@pytest.fixture
def letters(tmp_path) -> Path:
    """Small files of EMNIST-letters' form."""
    for split, images in (("train", TRAIN), ("test", TEST)):
        write(tmp_path, f"emnist-letters-{split}-images-idx3-ubyte", images.transpose(0, 2, 1))
        write(tmp_path, f"emnist-letters-{split}-labels-idx1-ubyte", LETTERS[split])
    lines = [f"{number} {64 + number} {96 + number}" for number in range(1, 27)]
    (tmp_path / "emnist-letters-mapping.txt").write_text("\n".join(lines) + "\n")
    return tmp_path


def read(root: Path, log=lambda line: None, **options):
    """The stream, its images and columns."""
    given = idx.stream(root, log=log, **{"form": GREY, **options})
    blocks = list(given.blocks)
    columns = {name: sum((block.columns[name] for block in blocks), []) for name in blocks[0].columns}
    assert columns.pop("image")[0] == 0
    return given, np.concatenate([block.images for block in blocks]), columns


def sentence(root: Path, **options) -> str:
    with pytest.raises(InputError) as error:
        read(root, **options)
    assert "\n" not in str(error.value) and str(error.value).endswith(".")
    return str(error.value).replace(str(root), "ROOT")


# What is read


@pytest.mark.parametrize("size", [1, 4, 256])
def test_files_of_fashion_mnists_form(fashion, monkeypatch, size):
    monkeypatch.setattr(stacks, "BLOCK", size)
    given, images, columns = read(fashion)
    assert given.classes == ["0", "1", "2", "3", "4", "5", "9"] and given.total == 9
    assert given.origin == f"the IDX files of the folder {fashion}"
    assert images.dtype == np.uint8 and np.array_equal(images[..., 0], np.concatenate([TRAIN, TEST]))
    assert columns == {"split": ["train"] * 6 + ["test"] * 3, "label": [0, 1, 2, 3, 4, 5, 6, 0, 5]}


def test_files_of_emnist_letters_form_are_turned_back_and_named(letters):
    given, images, columns = read(letters, transposed=True)
    assert given.classes == ["Aa", "Cc", "Zz"]
    assert images.shape == (9, 4, 5, 1) and np.array_equal(images[..., 0], np.concatenate([TRAIN, TEST]))
    assert columns["label"] == [0, 2, 1, 0, 2, 1, 1, 0, 2]


def test_all_26_letters_are_26_classes(letters):
    write(letters, "emnist-letters-train-images-idx3-ubyte", np.zeros((26, 2, 2), np.uint8))
    write(letters, "emnist-letters-train-labels-idx1-ubyte", np.arange(1, 27, dtype=np.uint8))
    given, _, columns = read(letters, form=Form((2, 2)))
    assert len(given.classes) == 26 and columns["label"][:26] == list(range(26))


@pytest.mark.parametrize("name", ["{}-images-idx3-ubyte", "{}-images.idx3-ubyte", "x-{}-images-idx3-ubyte.gz"])
def test_one_split_is_enough_under_any_spelling(tmp_path, name):
    for word, split in (("train", "train"), ("val", "validation"), ("t10k", "test"), ("test", "test")):
        folder = tmp_path / word
        folder.mkdir()
        write(folder, name.format(word), TRAIN)
        given, images, columns = read(folder, labels="none")
        assert given.classes == [] and columns == {"split": [split] * 6} and len(images) == 6
        write(folder, name.format(word).replace("images", "labels").replace("idx3", "idx1"), LETTERS["train"])
        assert read(folder)[0].classes == ["1", "3", "26"]


def test_a_packed_file_that_was_unpacked_and_kept_its_name_is_read(fashion):
    (fashion / "train-images-idx3-ubyte.gz").write_bytes(content(TRAIN))
    assert np.array_equal(read(fashion)[1][:6, ..., 0], TRAIN)


def test_images_come_to_a_size_and_a_colour(letters):
    assert read(letters, form=Form((8, 6)))[1].shape == (9, 8, 6, 3)


def test_a_limit_takes_images_of_both_splits_in_their_order(fashion):
    given, images, columns = read(fashion, limit=6, seed=1)
    assert given.total == len(images) == 6 and columns["split"] == sorted(columns["split"], reverse=True)
    whole = np.concatenate([TRAIN, TEST])
    rows = [int(np.flatnonzero((whole == image[..., 0]).all(axis=(1, 2)))[0]) for image in images]
    assert rows == sorted(set(rows)) and {row < 6 for row in rows} == {True, False}


def test_several_mappings_name_no_class(letters):
    (letters / "other-mapping.txt").write_text("1 50\n")
    lines = []
    assert read(letters, lines.append)[0].classes == ["1", "3", "26"]
    assert lines == [f"{letters}: emnist-letters-mapping.txt, other-mapping.txt all name classes; numbers do instead"]


# What is wrong


def test_a_folder_without_such_files_says_so(tmp_path):
    assert sentence(tmp_path) == (
        "path is 'ROOT', which holds no images in IDX files (such as train-images-idx3-ubyte.gz); name a folder that "
        "does."
    )
    with pytest.raises(ArgumentError, match="^path is '.*absent', which is not there; name the folder of the IDX"):
        read(tmp_path / "absent")


def test_several_sets_in_a_folder_are_not_chosen_from(letters):
    write(letters, "emnist-digits-train-images-idx3-ubyte", TRAIN)
    assert sentence(letters) == (
        "ROOT holds several sets of train images (emnist-digits-train-images-idx3-ubyte, "
        "emnist-letters-train-images-idx3-ubyte); put one into a folder of its own."
    )
    (letters / "emnist-letters-train-images-idx3-ubyte").unlink()
    assert sentence(letters).startswith("ROOT holds files of several sets (emnist-digits-train-images-idx3-ubyte, emn")


def test_labels_that_are_not_there_or_do_not_fit(letters):
    file = "emnist-letters-test-labels-idx1-ubyte"
    write(letters, file, np.arange(4, dtype=np.uint8))
    assert sentence(letters) == f"ROOT/{file} holds 4 labels for 3 images; replace it."
    write(letters, file, np.arange(2, dtype=np.uint8))
    assert sentence(letters) == f"ROOT/{file} holds 2 labels for 3 images; replace it."
    write(letters, file, TEST)
    assert sentence(letters) == f"ROOT/{file} is not an IDX file of bytes with 1 axes; replace it."
    (letters / file).unlink()
    assert sentence(letters) == f"ROOT/{file} is not there; put it there, packed or not, or set labels to none."


def test_one_class_alone_says_so(letters):
    for split, n in (("train", 6), ("test", 3)):
        write(letters, f"emnist-letters-{split}-labels-idx1-ubyte", np.full(n, 7, np.uint8))
    assert sentence(letters) == "labels is 'stored', but all images of 'ROOT' have one, 7; set labels to none."


@pytest.mark.parametrize("name", ["train-images-idx3-ubyte", "train-images-idx3-ubyte.gz"])
def test_damaged_images_say_so(fashion, name):
    (fashion / "train-images-idx3-ubyte.gz").unlink()
    whole = content(TRAIN)
    pack = gzip.compress if name.endswith(".gz") else bytes
    for damaged, expected in (
        (b"", "is not an IDX file of bytes with 3 axes; replace it."),
        (b"\0\0\x0d\3" + whole[4:], "is not an IDX file of bytes with 3 axes; replace it."),
        (whole[:9], "is not an IDX file of bytes with 3 axes; replace it."),
        (whole[:-1], "cannot be read (it is damaged or cut off); replace it."),
        (whole + b"\0", "does not have the length that its header gives; replace it."),
    ):
        (fashion / name).write_bytes(pack(damaged))
        assert sentence(fashion, labels="none") == f"ROOT/{name} {expected}"


def test_a_damaged_packing_says_so(fashion):
    file = fashion / "train-images-idx3-ubyte.gz"
    packed = file.read_bytes()
    for damaged in (packed[:-12], packed[:90] + bytes([packed[90] ^ 255]) + packed[91:]):
        file.write_bytes(damaged)
        assert (
            sentence(fashion, labels="none")
            == f"ROOT/{file.name} cannot be read (it is damaged or cut off); replace it."
        )


def test_a_header_that_claims_more_than_there_is_takes_no_memory(fashion):
    name = "train-images-idx3-ubyte.gz"
    for sizes, packed in (((2**31, 28, 28), True), ((2**31, 28, 28), False), ((1, 2**31, 2**31), True)):
        head = bytes([0, 0, 8, 3]) + b"".join(size.to_bytes(4, "big") for size in sizes)
        (fashion / name).write_bytes(gzip.compress(head) if packed else head)
        expected = f"ROOT/{name} does not have the length that its header gives; replace it."
        assert sentence(fashion, labels="none", limit=5) == expected


def test_a_mapping_that_is_none_says_so(letters):
    for text in ("1 a\n", "1 99999999999\n", "é"):
        (letters / "emnist-letters-mapping.txt").write_text(text)
        assert sentence(letters).startswith("ROOT/emnist-letters-mapping.txt is no mapping (on each line a label and")
    (letters / "emnist-letters-mapping.txt").write_text("1 65\n3 65\n")
    assert sentence(letters) == "ROOT holds a mapping that gives two labels one name; correct or remove it."


def test_files_that_change_while_they_are_read_say_so(fashion, monkeypatch):
    monkeypatch.setattr(stacks, "BLOCK", 2)
    blocks = idx.stream(fashion, form=GREY).blocks
    next(blocks)
    os.utime(fashion / "t10k-labels-idx1-ubyte.gz", (1, 1))
    with pytest.raises(InputError, match="changed while it was read .t10k-labels-idx1-ubyte.gz has changed.; run it"):
        list(blocks)


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="the system does not list open files")
def test_whoever_takes_no_more_blocks_closes_the_files(fashion, monkeypatch):
    monkeypatch.setattr(stacks, "BLOCK", 2)
    blocks = idx.stream(fashion, form=GREY).blocks
    next(blocks)
    opened = os.listdir("/proc/self/fd")
    blocks.close()
    assert len(os.listdir("/proc/self/fd")) < len(opened)
