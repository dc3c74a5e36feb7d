import json
from pathlib import Path

import numpy as np
import pytest
from small import small_parameters, write_parameters

from autoencoders.core.errors import InputError
from stages import represent
from stages.shared.parameters import load

REPRESENTATIONS = small_parameters()["representations"]
SIZES = {"photos": {"train": 56, "validation": 24, "test": 20}, "digits": {"train": 50, "validation": 22, "test": 18}}


def cells(block: dict) -> int:
    """Return over how many cells the descriptions of patches are summed, all kinds of patches together."""
    return sum(window["grid"] ** 2 for window in block["windows"])


WIDTHS = {
    name: {
        "pixels": lambda block: {"photos": 32 * 32 * 3, "digits": 28 * 28}[block["dataset"]],
        "pca": lambda block: block["n_components"],
        "patches": lambda block: cells(block) * block["n_clusters"],
        "patch_autoencoder": lambda block: cells(block) * block["units"],
    }[block["kind"]](block)
    for name, block in REPRESENTATIONS.items()
}
TRAINING = ("train", "validation")


def codes(name: str, *splits: str) -> np.ndarray:
    return np.concatenate([np.load(f"data/codes/{name}/{split}.npy") for split in splits])


def written(name: str) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in Path("data/codes", name).iterdir()}


def invert(split: str) -> None:
    """Replace the digits of one split by their negatives."""
    file = f"data/prepared/digits/{split}/images.npy"
    np.save(file, 255 - np.load(file))


@pytest.mark.parametrize("name", REPRESENTATIONS)
def test_every_image_of_every_split_has_its_vector(results, name):
    dataset = REPRESENTATIONS[name]["dataset"]
    for split, n in SIZES[dataset].items():
        found = codes(name, split)
        assert found.dtype == np.float32 and found.shape == (n, WIDTHS[name])
        assert len(np.unique(found, axis=0)) > n / 2


@pytest.mark.parametrize("name", REPRESENTATIONS)
def test_the_vectors_say_where_they_come_from(results, name):
    block = REPRESENTATIONS[name]
    found = json.loads(Path("data/codes", name, "code.json").read_text(encoding="utf-8"))
    source = json.loads(Path("data/raw", block["dataset"], "source.json").read_text(encoding="utf-8"))
    assert found == {
        "representation": name,
        "shape": [WIDTHS[name]],
        "dtype": "float32",
        "dataset": block["dataset"],
        "source": source["source"],
        "origin": source["origin"],
        "protocol": "held-out",
        "parameters": block,
    }


def test_pixels_are_the_pixels(results, pixels):
    name = "digits-pixels"
    block = REPRESENTATIONS[name]
    for split, n in SIZES[block["dataset"]].items():
        np.testing.assert_allclose(codes(name, split), pixels(block, split).reshape(n, -1), atol=1e-6)


@pytest.mark.parametrize("name", ["photos-pca", "digits-pca"])
def test_components_are_uncorrelated_over_the_training_images_largest_first(results, name):
    covariance = np.cov(codes(name, *TRAINING), rowvar=False)
    variances = np.diag(covariance)
    assert (np.diff(variances) <= 1e-6).all()
    np.testing.assert_allclose(covariance, np.diag(variances), atol=1e-4 * variances[0])
    np.testing.assert_allclose(codes(name, *TRAINING).mean(axis=0), 0, atol=1e-4)


def test_test_images_change_nothing_but_their_own_vectors(workspace):
    before = written("digits-pca")
    invert("test")
    represent.main("digits-pca")
    changed = {name for name, content in written("digits-pca").items() if content != before[name]}
    assert changed == {"test.npy"}


def test_together_components_are_fitted_to_all_images(workspace):
    values = load(Path("params.yaml"))
    write_parameters(workspace, {**values, "protocol": "together"})
    represent.main("digits-pca")
    np.testing.assert_allclose(codes("digits-pca", *SIZES["digits"]).mean(axis=0), 0, atol=1e-4)
    assert json.loads(written("digits-pca")["code.json"])["protocol"] == "together"


@pytest.mark.parametrize("name", REPRESENTATIONS)
def test_a_second_run_gives_the_same_bytes(workspace, name):
    before = written(name)
    represent.main(name)
    assert written(name) == before


def test_the_parameters_decide_the_width(change):
    change("representations.digits-pca", n_components=3)
    represent.main("digits-pca")
    assert codes("digits-pca", "test").shape == (18, 3)


def test_a_representation_that_is_not_in_the_parameters_is_one_sentence(results):
    with pytest.raises(InputError, match="^params.yaml has no representations.digits-simple; there is 'digits-pa"):
        represent.main("digits-simple")


@pytest.mark.parametrize("missing", ["dataset.json", "test/images.npy", "validation/images.npy"])
def test_a_missing_input_is_one_sentence_and_leaves_nothing_half_written(workspace, missing):
    file = Path("data/prepared/digits", missing)
    file.unlink()
    with pytest.raises(InputError, match=f"^{file} is missing"):
        represent.main("digits-pca")
    assert list(workspace.rglob(".partial-*")) == []
