import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from listed import listed
from memory import peak, zeros

from autoencoders.core.errors import InputError
from stages import preprocess

SPLITS = ("train", "validation", "test")
# Of 80 photos and 72 digits to train on, the last 30 % validate.
SIZES = {"photos": (56, 24, 20), "digits": (50, 22, 18)}


def source(dataset: str) -> pd.DataFrame:
    return pd.read_csv(f"data/raw/{dataset}/listing.csv")


def raw(dataset: str, part: str) -> np.ndarray:
    return np.load(f"data/raw/{dataset}/images.npy")[source(dataset)["split"] == part]


def images(dataset: str, split: str) -> np.ndarray:
    return np.load(f"data/prepared/{dataset}/{split}/images.npy")


@pytest.fixture(params=SIZES)
def dataset(request, results):
    return request.param


def test_each_split_has_its_images_as_the_source_has_them(dataset):
    found = [images(dataset, split) for split in SPLITS]
    assert tuple(map(len, found)) == SIZES[dataset]
    for part, made in (("train", np.concatenate(found[:2])), ("test", found[2])):
        assert made.dtype == np.uint8 and made.tobytes() == raw(dataset, part).tobytes()


def test_the_listing_has_the_arrays_rows_in_their_order(dataset):
    table, sizes = listed(dataset), dict(zip(SPLITS, SIZES[dataset], strict=True))
    assert list(table) == ["split", "row", "image", "label", "class", "sha256"]
    assert table["split"].tolist() == [split for split, n in sizes.items() for _ in range(n)]
    assert table["row"].tolist() == [row for n in sizes.values() for row in range(n)]
    # Training and validation images follow each other in the source; test images count from zero again.
    for column in ("image", "label", "sha256"):
        assert table[column].tolist() == source(dataset)[column].tolist()
    classes = json.loads(Path("data/raw", dataset, "classes.json").read_text(encoding="utf-8"))
    assert table["class"].tolist() == [classes[label] for label in table["label"]]


def test_the_data_set_describes_itself(dataset):
    found = json.loads(Path("data/prepared", dataset, "dataset.json").read_text(encoding="utf-8"))
    origin = json.loads(Path("data/raw", dataset, "source.json").read_text(encoding="utf-8"))["origin"]
    assert found == {
        "dataset": dataset,
        "source": f"bundled_{dataset}",
        "origin": origin,
        "classes": json.loads(Path("data/raw", dataset, "classes.json").read_text(encoding="utf-8")),
        "images": dict(zip(SPLITS, SIZES[dataset], strict=True)),
        "equal": 0,
        "unreadable": 0,
    }
    assert len(found["classes"]) == 10 and found["origin"]


@pytest.mark.parametrize(("share", "validation"), [(0.001, 1), (0.25, 20), (0.999, 79)])
def test_the_share_decides_how_many_validate_and_at_least_one_image_stays_on_either_side(
    change, capsys, share, validation
):
    change("datasets.photos", validation_share=share)
    preprocess.main("photos")
    assert capsys.readouterr().out == f"photos: {80 - validation} train, {validation} validation, 20 test images\n"
    assert len(images("photos", "train")) == 80 - validation
    assert (listed("photos", "validation")["image"] == np.arange(80 - validation, 80)).all()


def test_the_figure_shows_the_first_twelve_in_colour_and_grey_under_their_names(workspace, drawings, drawn):
    preprocess.main("photos")
    (call,) = drawings["image_rows"]
    first = raw("photos", "train")[:12]
    assert (call["rows"]["colour"] == first).all()
    np.testing.assert_allclose(call["rows"]["grey"][..., 0], first.mean(axis=-1) / 255, rtol=1e-6)
    classes = json.loads(Path("data/raw/photos/classes.json").read_text(encoding="utf-8"))
    assert call["captions"] == [classes[label] for label in source("photos")["label"][:12]]
    assert drawn("plots/preprocess/photos") == drawn("plots/preprocess/digits") == {"first-twelve.png"}


def test_too_few_images_are_one_sentence_that_names_the_data_set(workspace):
    table = source("photos")
    table.loc[1:, "split"] = "test"
    table.to_csv("data/raw/photos/listing.csv", index=False)
    sentence = "^datasets.photos has 1 training images, too few to split; raise its limit.$"
    with pytest.raises(InputError, match=sentence):
        preprocess.main("photos")
    assert list(workspace.rglob(".partial-*")) == []


@pytest.mark.parametrize("name", ["images.npy", "listing.csv", "classes.json", "source.json"])
def test_a_missing_input_is_named(workspace, name):
    missing = Path("data/raw/digits", name)
    missing.unlink()
    with pytest.raises(InputError, match=f"^{missing} is missing"):
        preprocess.main("digits")


@pytest.mark.parametrize("deskew", [False, True])
def test_the_size_of_the_blocks_changes_no_byte(change, monkeypatch, deskew):
    change("datasets.digits", deskew=deskew)
    written = []
    for size in (1000, 7):
        monkeypatch.setattr("autoencoders.core.rows.BLOCK_SIZE", size)
        preprocess.main("digits")
        files = (path for path in Path("data/prepared/digits").rglob("*") if path.is_file())
        written.append({path: path.read_bytes() for path in files})
    assert written[0] == written[1]
    assert len(written[0]) == len(SPLITS) + 3


def test_memory_does_not_grow_with_the_images(workspace):
    before = peak("stages.preprocess", "photos")
    n = 150_000
    zeros("data/raw/photos/images.npy", (n, 32, 32, 3), np.uint8)
    made = {"image": range(n), "split": ["train"] * (n - 10) + ["test"] * 10, "label": 0}
    # Hashes as long as they are, and none twice.
    made["sha256"] = [f"{row:064x}" for row in range(n)]
    pd.DataFrame(made).to_csv("data/raw/photos/listing.csv", index=False)
    after = peak("stages.preprocess", "photos")
    assert listed("photos", "train")["image"].iloc[-1] == 104_992
    # Of 440 MiB of images; the listing's 150,000 rows of text take the rest.
    assert after - before < 160
