import re
from types import SimpleNamespace

import numpy as np
import pytest
from listed import listed

from autoencoders.core.errors import InputError
from stages.shared import prepared
from stages.shared.parameters import read


def stored(split: str) -> np.ndarray:
    return np.load(f"data/prepared/digits/{split}/images.npy")


def test_images_of_several_splits_are_joined_in_the_order_given(results):
    joined = prepared.images("digits", "validation", "train")
    assert joined.dtype == np.uint8 and joined.shape == (22 + 50, 28, 28, 1)
    assert joined.tobytes() == stored("validation").tobytes() + stored("train").tobytes()


def test_the_listing_of_several_splits_is_joined_in_the_order_given(results):
    joined, expected = prepared.listing("digits", "validation", "train"), listed("digits", "validation", "train")
    assert list(joined) == ["split", "row", "image", "label", "class", "sha256"]
    assert joined.astype({"split": str, "class": str}).equals(expected.astype({"split": str, "class": str}))
    for found, column in ((prepared.labels, "label"), (prepared.numbers, "image")):
        values = found("digits", "validation", "train")
        assert values.dtype == np.int64 and values.tolist() == expected[column].tolist()
    assert prepared.listing("digits")["split"].tolist() == ["train"] * 50 + ["validation"] * 22 + ["test"] * 18


def test_a_class_named_like_a_missing_value_stays_a_name(workspace):
    file = workspace / "data/prepared/digits/listing.csv"
    text = file.read_text(encoding="utf-8")
    file.write_text(re.sub(",3,(?=[0-9a-f]{64}$)", ",NA,", text, flags=re.MULTILINE), encoding="utf-8")
    found = prepared.listing("digits", "train")
    assert set(found.loc[found["label"] == 3, "class"]) == {"NA"}


@pytest.mark.parametrize("splits", [("test",), ("validation", "train")])
def test_rows_are_the_same_read_where_they_are_asked_for(results, splits):
    rows, whole = prepared.image_rows("digits", *splits), prepared.images("digits", *splits)
    assert (len(rows), rows.shape, rows.dtype) == (len(whole), whole.shape, whole.dtype)
    assert type(rows[5:9]) is np.ndarray and (rows[5:9] == whole[5:9]).all()
    assert (rows[np.array([17, 0])] == whole[[17, 0]]).all()


def test_one_split_is_memory_mapped(results):
    images = prepared.images("digits", "test")
    assert isinstance(images, np.memmap)
    assert (images == stored("test")).all()


def test_a_data_set_is_described(results):
    found = prepared.describe("digits")
    assert found["classes"] == [str(digit) for digit in range(10)]
    assert found["source"] == "bundled_digits"
    assert found["images"] == {"train": 50, "validation": 22, "test": 18}


def test_only_networks_of_convolutions_take_images_that_are_not_flat(results):
    networks = {name: block for group in read("classifiers", "autoencoders") for name, block in group.items()}
    shapes = {
        name: prepared.preparation(networks[name])(prepared.images(networks[name].dataset, "test")).shape
        for name in ("photos-classifier", "photos-simple", "photos-convolutional", "digits-strided")
    }
    assert shapes == {
        "photos-classifier": (20, 1024),
        "photos-simple": (20, 1024),
        "photos-convolutional": (20, 32, 32, 3),
        "digits-strided": (18, 28, 28, 1),
    }


EVERYTHING = ("train", "validation", "test")


@pytest.mark.parametrize(
    ("block", "protocol", "parts"),
    [
        ({"validation": False}, "held-out", {"training": ("train", "validation"), "held_out": ("test",)}),
        (
            {"validation": True},
            "held-out",
            {"training": ("train",), "held_out": ("test",), "validation": ("validation",)},
        ),
        # A representation without a network has nothing to hold images out for.
        ({}, "held-out", {"training": ("train", "validation"), "held_out": ("test",)}),
        ({"validation": False}, "together", {"training": EVERYTHING}),
        ({"validation": True}, "together", {"training": EVERYTHING}),
    ],
)
def test_the_protocol_says_which_images_are_trained_on_and_which_are_scored(block, protocol, parts):
    assert prepared.parts(SimpleNamespace(**block), protocol) == parts
    assert prepared.training_splits(SimpleNamespace(**block), protocol) == parts["training"]


def test_a_network_is_known_by_what_it_was_trained_with_whatever_the_parameters_now_say(workspace, change):
    change("autoencoders.digits-strided", units=[3], noise=0.5)
    found = prepared.trained("digits-strided")
    assert (found.recipe, found.protocol, found.units, found.noise) == ("fast", "held-out", [10], 0)


def test_what_is_missing_is_named(workspace):
    for missing, reading in (
        ("listing.csv", lambda: prepared.labels("digits", "train", "validation")),
        ("validation/images.npy", lambda: prepared.images("digits", "train", "validation")),
    ):
        (workspace / "data/prepared/digits" / missing).unlink()
        with pytest.raises(InputError, match=f"^data/prepared/digits/{missing} is missing"):
            reading()
    (workspace / "models/digits-simple/parameters.json").unlink()
    with pytest.raises(InputError, match="^models/digits-simple/parameters.json is missing"):
        prepared.trained("digits-simple")
