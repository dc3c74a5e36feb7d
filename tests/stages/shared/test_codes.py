import json
from pathlib import Path

import numpy as np
import pytest

from autoencoders.core.errors import InputError
from stages.shared import codes

SIZES = {"train": 50, "validation": 22, "test": 18}


def halves(images: np.ndarray) -> np.ndarray:
    """Return a code of two numbers: the sums of each image's upper and lower half."""
    return np.stack([images[:, :14].sum(axis=(1, 2, 3)), images[:, 14:].sum(axis=(1, 2, 3))], axis=1)


@pytest.fixture
def written(workspace):
    """What a transformation of the digits' images leaves in a folder of codes, which is `data/codes/halves`."""
    folder = workspace / "data/codes/halves"
    folder.mkdir()
    images = {split: np.load(f"data/prepared/digits/{split}/images.npy") for split in SIZES}
    about = {"network": "halves", "shape": (2, 1), "dataset": "digits", "protocol": "held-out"}
    codes.write(folder, {**about, "parameters": {"colour": "grey"}}, images, halves)
    return images


def test_every_split_has_its_codes_in_the_images_order(written):
    for split, images in written.items():
        found = codes.read("halves", split)
        assert found.dtype == np.float32 and found.shape == (SIZES[split], 2)
        assert (found == halves(images)).all()
    joined = codes.read("halves", "test", "train")
    assert (joined == np.concatenate([halves(written[split]) for split in ("test", "train")])).all()
    assert (codes.rows("halves", "test", "train")[15:20] == joined[15:20]).all()


def test_more_images_than_a_block_holds_are_all_transformed(workspace):
    folder = workspace / "data/codes/many"
    folder.mkdir()
    values = {"train": np.arange(2500, dtype=np.float64)[:, np.newaxis]}
    about = {"shape": (1,), "dataset": "digits", "parameters": {}}
    codes.write(folder, about, values, lambda block: 2 * block)
    assert (codes.read("many", "train") == 2 * values["train"]).all()


def test_the_description_says_what_was_given_and_where_the_images_are_from(written):
    found = codes.describe("halves")
    assert (found.network, found.shape, found.protocol, found.dtype) == ("halves", [2, 1], "held-out", "float32")
    assert found.parameters.colour == "grey"
    described = json.loads(Path("data/prepared/digits/dataset.json").read_text(encoding="utf-8"))
    assert (found.source, found.origin) == (described["source"], described["origin"])


@pytest.mark.parametrize("name", ["code.json", "test.npy"])
def test_what_is_missing_is_named(written, name):
    Path("data/codes/halves", name).unlink()
    with pytest.raises(InputError, match=f"^data/codes/halves/{name} is missing"):
        codes.describe("halves") and codes.read("halves", "train", "test")
