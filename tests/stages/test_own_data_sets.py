"""`extract` and `preprocess` on the user's own images: listing, splits, equal pictures, and what is refused."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from small import ROOT, write_parameters

from autoencoders.core.errors import InputError
from stages import extract, preprocess
from stages.shared import prepared
from stages.shared.parameters import load

RANDOM = np.random.default_rng(0)


def picture(path: str, size: tuple[int, int] = (40, 30), value: int | None = None) -> None:
    """Write a picture of (width, height) pixels: noise, or one value."""
    file = Path("pictures", path)
    file.parent.mkdir(parents=True, exist_ok=True)
    shape = (size[1], size[0], 3)
    pixels = RANDOM.integers(0, 256, shape) if value is None else np.full(shape, value)
    Image.fromarray(pixels.astype(np.uint8)).save(file)


@pytest.fixture
def run(tmp_path, monkeypatch) -> Callable[..., pd.DataFrame]:
    """A function that runs both stages on `pictures`, with changes of the example's data set; returns the listing."""
    monkeypatch.chdir(tmp_path)
    Path("pictures").mkdir()

    def both(**changes: object) -> pd.DataFrame:
        values = load(ROOT / "examples/own-images/params.yaml")
        values["datasets"]["mine"] |= {"unreadable": "stop", **changes}
        write_parameters(Path(), values)
        extract.main("mine")
        preprocess.main("mine")
        return prepared.listing("mine")

    return both


def described() -> dict:
    return prepared.describe("mine")


def test_the_listing_names_files_hashes_and_what_the_pictures_were(run):
    for number in range(40):
        picture(f"{'ab'[number % 2]}/{number}.png")
    table = run(labels="folders")
    columns = ["split", "row", "image", "label", "class", "file", "sha256", "width", "height", "mode"]
    assert list(table) == columns and len(table) == 40 and table["file"].is_unique
    assert set(table["split"]) == {"train", "validation", "test"}
    assert (table["class"] == table["file"].str[0]).all() and described()["classes"] == ["a", "b"]
    assert set(zip(table["width"], table["height"], table["mode"], strict=True)) == {("40", "30", "RGB")}
    images = np.concatenate([prepared.images("mine", split) for split in ("train", "validation", "test")])
    assert images.shape == (40, 32, 32, 3) and len(np.unique(images.reshape(40, -1), axis=0)) == 40


def test_more_pictures_and_other_names_move_none_to_another_split(run):
    for number in range(60):
        picture(f"{number}.png")
    before = run().set_index("sha256")["split"]
    for number in range(60):
        picture(f"more/{number}.png")
    Path("pictures/7.png").rename("pictures/seven.png")
    after = run().set_index("sha256")["split"]
    assert len(after) == 120 and (after[before.index] == before).all()


def test_equal_pictures_are_named_and_never_stand_in_two_splits(run):
    for split in ("train", "test"):
        for number in range(30):
            picture(f"{split}/{number}.png")
    shutil.copy("pictures/test/3.png", "pictures/train/copy.png")
    shutil.copy("pictures/train/3.png", "pictures/train/other.png")
    table = run()
    splits = table.groupby("sha256")["split"].nunique()
    assert splits.max() == 1 and "train/copy.png" not in set(table["file"])
    equal = pd.read_csv("data/prepared/mine/equal.csv", keep_default_na=False).set_index("file")["split"]
    assert equal.drop(["train/3.png", "train/other.png"]).to_dict() == {"test/3.png": "test", "train/copy.png": ""}
    assert described()["equal"] == 4 and len(table) == 61


def test_names_of_all_kinds_stay_as_they_are(run):
    odd = ["a b.png", "ä “b”.png", 'c"d.png', "line\nfeed.png", "carriage\rreturn.png", "NA.png", ",;.png", "'.png"]
    for name in odd:
        picture(name)
    for number in range(40):
        picture(f"{number}.png")
    # A bare carriage return would end a line of the listing.
    assert {name.replace("\r", "\\r") for name in odd} <= set(run()["file"])


def test_what_cannot_be_read_is_skipped_and_listed_or_named(run):
    for number in range(30):
        picture(f"{number}.png")
    Path("pictures/broken.jpg").write_bytes(b"\xff\xd8\xff no picture")
    with pytest.raises(InputError, match=r"broken\.jpg"):
        run()
    assert not Path("data/raw/mine").exists()
    assert len(run(unreadable="skip")) == 30 and described()["unreadable"] == 1
    skipped = pd.read_csv("data/raw/mine/skipped.csv")
    assert skipped["file"].tolist() == ["broken.jpg"] and skipped["reason"].notna().all()


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ([], "^datasets.mine.path is 'pictures', which holds no picture "),
        ([1], "^there is one image, from which nothing can be learnt; give datasets.mine others.$"),
        ([1] * 9, "^all 9 images of datasets.mine are equal, from which nothing can be learnt; give datasets.mine oth"),
        ([1, 2], "^datasets.mine has 2 images, of which none is a .* image; add images, or change its .* or seed.$"),
    ],
)
def test_too_little_to_learn_from_is_one_sentence_and_nothing_half_written(run, values, sentence):
    for number, value in enumerate(values):
        picture(f"{number}.png", value=value)
    with pytest.raises(InputError, match=sentence):
        run()
    assert not Path("data/prepared/mine").exists() and not list(Path().rglob(".partial-*"))


def test_sizes_that_differ_where_none_is_named_are_one_sentence(run):
    picture("a.png")
    picture("b.png", size=(41, 30))
    sentence = (
        r"^datasets.mine.size is not given, and the pictures differ: a.png has 40x30 and b.png 41x30; give a size"
    )
    with pytest.raises(InputError, match=sentence):
        run(size=None)


def test_arrays_and_their_labels_become_a_data_set(run):
    images = RANDOM.random((80, 24, 40))
    np.savez("images.npz", images=images, labels=np.arange(80) % 2, classes=["yes", "no"])
    parameters = load(ROOT / "examples/own-images/params.yaml")
    values = {key: parameters["datasets"]["mine"][key] for key in ("limit", "test_share", "validation_share", "seed")}
    values |= {"source": "arrays", "path": "images.npz", "labels": "stored", "range": [0, 1]}
    parameters["datasets"] = {"mine": {**values, "size": None, "fit": "crop", "colour": "rgb"}}
    write_parameters(Path(), parameters)
    extract.main("mine")
    preprocess.main("mine")
    table = prepared.listing("mine")
    assert described()["classes"] == ["yes", "no"] and sorted(table["image"]) == list(range(80))
    stored = np.load("data/raw/mine/images.npy")
    assert stored.shape == (80, 24, 40, 3)
    np.testing.assert_allclose(stored[..., 0], 255 * images, atol=0.5 + 1e-9)
    assert json.loads(Path("data/raw/mine/source.json").read_text(encoding="utf-8"))["images"] == 80
