from types import SimpleNamespace

import numpy as np
import pytest

from autoencoders.errors import InputError
from stages import prepared
from stages.parameters import read


def array(split: str, what: str) -> np.ndarray:
    return np.load(f"outputs/preprocess/digits/{split}/{what}.npy")


@pytest.mark.parametrize("what", ["images", "labels", "one_hot", "numbers"])
def test_several_splits_are_joined_in_the_order_given(results, what):
    joined = prepared.read("digits", what, "validation", "train")
    parts = [array(split, what) for split in ("validation", "train")]
    assert joined.dtype == parts[0].dtype
    assert joined.shape == (22 + 50, *parts[0].shape[1:])
    assert joined.tobytes() == parts[0].tobytes() + parts[1].tobytes()


def test_one_split_is_memory_mapped(results):
    images = prepared.read("digits", "images", "test")
    assert isinstance(images, np.memmap)
    assert (images == array("test", "images")).all()


def test_a_data_set_is_described(results):
    found = prepared.describe("digits")
    assert found["classes"] == [str(digit) for digit in range(10)]
    assert found["source"] == "bundled"
    assert found["images"] == {"train": 50, "validation": 22, "test": 18}


def test_only_convolutional_networks_take_images_that_are_not_flat(results):
    classifiers, autoencoders = read("classifiers", "autoencoders")
    networks = classifiers | autoencoders
    images = prepared.read("photos", "images", "test")
    shapes = {
        name: prepared.preparation(networks[name])(images).shape
        for name in ("photos-classifier", "photos-simple", "photos-convolutional")
    }
    assert shapes == {
        "photos-classifier": (20, 1024),
        "photos-simple": (20, 1024),
        "photos-convolutional": (20, 32, 32, 3),
    }


def test_validation_images_are_trained_on_unless_they_are_held_out():
    assert prepared.training_splits(SimpleNamespace(validation=False)) == ("train", "validation")
    assert prepared.training_splits(SimpleNamespace(validation=True)) == ("train",)


def test_what_is_missing_is_named(workspace):
    missing = workspace / "outputs/preprocess/digits/validation/labels.npy"
    missing.unlink()
    with pytest.raises(InputError, match="^outputs/preprocess/digits/validation/labels.npy is missing"):
        prepared.read("digits", "labels", "train", "validation")
