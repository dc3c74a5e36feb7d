import json
from pathlib import Path

import numpy as np
import pytest
from memory import peak, zeros

from autoencoders.core.errors import InputError
from stages import preprocess

SPLITS = ("train", "validation", "test")
# Of 80 photos and 72 digits to train on, the last 30 % validate.
SIZES = {"photos": (56, 24, 20), "digits": (50, 22, 18)}


def raw(dataset: str, part: str, what: str) -> np.ndarray:
    return np.load(f"data/raw/{dataset}/{part}/{what}.npy")


def made(dataset: str, split: str, what: str) -> np.ndarray:
    return np.load(f"data/prepared/{dataset}/{split}/{what}.npy")


@pytest.fixture(params=SIZES)
def dataset(request, results):
    return request.param


@pytest.mark.parametrize("what", ["images", "labels"])
def test_training_and_validation_images_are_the_sources_in_its_order(dataset, what):
    joined = [made(dataset, split, what) for split in ("train", "validation")]
    assert np.concatenate(joined).tobytes() == raw(dataset, "train", what).tobytes()
    assert tuple(map(len, joined)) == SIZES[dataset][:2]


@pytest.mark.parametrize("what", ["images", "labels"])
def test_test_images_are_the_sources_own(dataset, what):
    assert made(dataset, "test", what).tobytes() == raw(dataset, "test", what).tobytes()
    assert len(made(dataset, "test", what)) == SIZES[dataset][2]


@pytest.mark.parametrize("split", SPLITS)
def test_one_hot_labels_agree_with_the_labels(dataset, split):
    labels, one_hot = made(dataset, split, "labels"), made(dataset, split, "one_hot")
    assert one_hot.shape == (len(labels), 10)
    assert (one_hot == (labels[:, None] == np.arange(10))).all()


@pytest.mark.parametrize("split", SPLITS)
def test_numbers_find_each_image_again_in_the_source(dataset, split):
    part = "test" if split == "test" else "train"
    numbers = made(dataset, split, "numbers")
    assert len(np.unique(numbers)) == len(made(dataset, split, "images"))
    for what in ("images", "labels"):
        assert (raw(dataset, part, what)[numbers] == made(dataset, split, what)).all()


@pytest.mark.parametrize("split", SPLITS)
def test_images_stay_bytes_and_targets_are_single_precision(dataset, split):
    found = {file.stem: np.load(file).dtype for file in Path("data/prepared", dataset, split).iterdir()}
    assert found == {"images": np.uint8, "labels": np.int64, "numbers": np.int64, "one_hot": np.float32}


def test_the_data_set_describes_itself(dataset):
    found = json.loads(Path("data/prepared", dataset, "dataset.json").read_text(encoding="utf-8"))
    source = json.loads(Path("data/raw", dataset, "source.json").read_text(encoding="utf-8"))
    assert found == {
        "dataset": dataset,
        "source": "bundled",
        "origin": source["origin"],
        "classes": json.loads(Path("data/raw", dataset, "classes.json").read_text(encoding="utf-8")),
        "images": dict(zip(SPLITS, SIZES[dataset], strict=True)),
    }
    assert len(found["classes"]) == 10 and found["origin"]


@pytest.mark.parametrize(("share", "validation"), [(0.001, 1), (0.25, 20), (0.999, 79)])
def test_the_share_decides_how_many_validate_and_at_least_one_image_stays_on_either_side(
    change, capsys, share, validation
):
    change("datasets.photos", validation_share=share)
    preprocess.main("photos")
    assert capsys.readouterr().out == f"photos: {80 - validation} train, {validation} validation, 20 test images\n"
    assert len(made("photos", "train", "images")) == 80 - validation
    assert (made("photos", "validation", "numbers") == np.arange(80 - validation, 80)).all()


def test_the_figure_shows_the_first_twelve_in_colour_and_grey_under_their_names(workspace, drawings, drawn):
    preprocess.main("photos")
    (call,) = drawings["image_rows"]
    first = raw("photos", "train", "images")[:12]
    assert (call["rows"]["colour"] == first).all()
    np.testing.assert_allclose(call["rows"]["grey"][..., 0], first.mean(axis=-1) / 255, rtol=1e-6)
    classes = json.loads(Path("data/raw/photos/classes.json").read_text(encoding="utf-8"))
    assert call["captions"] == [classes[label] for label in raw("photos", "train", "labels")[:12]]
    assert drawn("plots/preprocess/photos") == drawn("plots/preprocess/digits") == {"first-twelve.png"}


def test_too_few_images_are_one_sentence_that_names_the_data_set(workspace):
    for what in ("images", "labels"):
        np.save(f"data/raw/photos/train/{what}.npy", raw("photos", "train", what)[:1])
    sentence = "^datasets.photos has 1 training images, too few to split; raise its limit.$"
    with pytest.raises(InputError, match=sentence):
        preprocess.main("photos")
    assert list(workspace.rglob(".partial-*")) == []


@pytest.mark.parametrize("name", ["train/images.npy", "test/labels.npy", "classes.json", "source.json"])
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
    assert len(written[0]) == 13


def test_memory_does_not_grow_with_the_images(workspace):
    before = peak("stages.preprocess", "photos")
    zeros("data/raw/photos/train/images.npy", (150_000, 32, 32, 3), np.uint8)
    zeros("data/raw/photos/train/labels.npy", (150_000,), np.int64)
    after = peak("stages.preprocess", "photos")
    assert made("photos", "train", "numbers")[-1] == 104_999
    # Of 440 MiB of images.
    assert after - before < 64
