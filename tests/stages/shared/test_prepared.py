from types import SimpleNamespace

import numpy as np
import pytest

from autoencoders.core.errors import InputError
from stages.shared import prepared
from stages.shared.parameters import read


def array(split: str, what: str) -> np.ndarray:
    return np.load(f"data/prepared/digits/{split}/{what}.npy")


@pytest.mark.parametrize("what", ["images", "labels", "one_hot", "numbers"])
def test_several_splits_are_joined_in_the_order_given(results, what):
    joined = prepared.read("digits", what, "validation", "train")
    parts = [array(split, what) for split in ("validation", "train")]
    assert joined.dtype == parts[0].dtype
    assert joined.shape == (22 + 50, *parts[0].shape[1:])
    assert joined.tobytes() == parts[0].tobytes() + parts[1].tobytes()


@pytest.mark.parametrize("splits", [("test",), ("validation", "train")])
def test_rows_are_the_same_read_where_they_are_asked_for(results, splits):
    rows, whole = prepared.rows("digits", "images", *splits), prepared.read("digits", "images", *splits)
    assert (len(rows), rows.shape, rows.dtype) == (len(whole), whole.shape, whole.dtype)
    assert type(rows[5:9]) is np.ndarray and (rows[5:9] == whole[5:9]).all()
    assert (rows[np.array([17, 0])] == whole[[17, 0]]).all()


def test_one_split_is_memory_mapped(results):
    images = prepared.read("digits", "images", "test")
    assert isinstance(images, np.memmap)
    assert (images == array("test", "images")).all()


def test_a_data_set_is_described(results):
    found = prepared.describe("digits")
    assert found["classes"] == [str(digit) for digit in range(10)]
    assert found["source"] == "bundled"
    assert found["images"] == {"train": 50, "validation": 22, "test": 18}


def test_only_networks_of_convolutions_take_images_that_are_not_flat(results):
    networks = {name: block for group in read("classifiers", "autoencoders") for name, block in group.items()}
    images = prepared.read("photos", "images", "test")
    shapes = {
        name: prepared.preparation(networks[name])(images).shape
        for name in ("photos-classifier", "photos-simple", "photos-convolutional", "photos-strided")
    }
    assert shapes == {
        "photos-classifier": (20, 1024),
        "photos-simple": (20, 1024),
        "photos-convolutional": (20, 32, 32, 3),
        "photos-strided": (20, 32, 32, 3),
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
    missing = workspace / "data/prepared/digits/validation/labels.npy"
    missing.unlink()
    with pytest.raises(InputError, match="^data/prepared/digits/validation/labels.npy is missing"):
        prepared.read("digits", "labels", "train", "validation")
    (workspace / "models/digits-simple/parameters.json").unlink()
    with pytest.raises(InputError, match="^models/digits-simple/parameters.json is missing"):
        prepared.trained("digits-simple")
