import json
from pathlib import Path

import numpy as np
import pytest
from listed import source_of
from memory import peak, zeros
from skimage.metrics import peak_signal_noise_ratio, structural_similarity
from small import small_parameters

from autoencoders.core.errors import InputError
from autoencoders.networks import storage
from autoencoders.networks.runtime import keras
from stages import encode

AUTOENCODERS = small_parameters()["autoencoders"]
DENOISING = [name for name, block in AUTOENCODERS.items() if block["noise"]]
SIZES = {"photos": {"train": 56, "validation": 24, "test": 20}, "digits": {"train": 50, "validation": 22, "test": 18}}
SHAPES = {
    "photos-simple": [256],
    "photos-convolutional": [16, 16, 16],
    "digits-simple": [100],
    "digits-denoising": [14, 14, 8],
    "digits-strided": [10],
    "digits-variational": [10],
}


def metrics(name: str) -> dict:
    return json.loads(Path("metrics/encode", f"{name}.json").read_text(encoding="utf-8"))


def trained(name: str, images: np.ndarray, layer: str = "reconstruction") -> np.ndarray:
    """Return what a layer of the trained network makes of images, the network run from its inputs to there."""
    network = storage.load(Path("models", name))
    part = keras.Model(network.input, network.get_layer(layer).output)
    return np.asarray(part(images.reshape(-1, *network.input_shape[1:])))


def psnr(clean: np.ndarray, found: np.ndarray) -> float:
    return np.mean([peak_signal_noise_ratio(*pair, data_range=1) for pair in zip(clean, found, strict=True)])


def ssim(clean: np.ndarray, found: np.ndarray) -> float:
    pairs = zip(clean, found, strict=True)
    return np.mean([structural_similarity(*pair, data_range=1, channel_axis=-1) for pair in pairs])


@pytest.mark.parametrize("name", AUTOENCODERS)
def test_the_codes_are_those_of_the_layer_code_for_every_image_of_every_split(results, pixels, name):
    block = AUTOENCODERS[name]
    for split, n in SIZES[block["dataset"]].items():
        codes = np.load(f"data/codes/{name}/{split}.npy", mmap_mode="r")
        assert isinstance(codes, np.memmap)
        assert codes.dtype == np.float32 and codes.shape == (n, np.prod(SHAPES[name]))
        expected = trained(name, pixels(block, split), "code").reshape(n, -1)
        np.testing.assert_allclose(codes, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", AUTOENCODERS)
def test_the_codes_say_where_they_come_from(results, name):
    found = json.loads(Path("data/codes", name, "code.json").read_text(encoding="utf-8"))
    block = AUTOENCODERS[name]
    by_recipe = {key for key, value in block.items() if isinstance(value, dict) and "fast" in value}
    in_force = {key: value["fast"] if key in by_recipe else value for key, value in block.items()}
    source = json.loads(Path("data/raw", block["dataset"], "source.json").read_text(encoding="utf-8"))
    assert found == {
        "network": name,
        "layer": "code",
        "shape": SHAPES[name],
        "dtype": "float32",
        "dataset": block["dataset"],
        "source": source["source"],
        "origin": source["origin"],
        "recipe": "fast",
        "protocol": small_parameters()["protocol"],
        "parameters": in_force,
    }


@pytest.mark.parametrize("name", AUTOENCODERS)
def test_the_scores_are_those_of_the_reconstructed_test_images(results, pixels, name):
    clean = pixels(AUTOENCODERS[name], "test")
    found = trained(name, clean).reshape(clean.shape)
    expected = {
        "binary_crossentropy": -np.mean(clean * np.log(found) + (1 - clean) * np.log(1 - found), dtype=np.float64),
        "mean_squared_error": np.mean((clean - found) ** 2, dtype=np.float64),
        "psnr": psnr(clean, found),
        "ssim": ssim(clean, found),
    }
    scores = metrics(name)
    assert scores["source"] == source_of(AUTOENCODERS[name]) and scores["code_size"] == np.prod(SHAPES[name])
    assert {score: scores[score] for score in expected} == pytest.approx(expected, rel=1e-3, abs=1e-5)


@pytest.mark.parametrize("name", DENOISING)
def test_a_denoising_network_is_also_scored_on_noisy_test_images(results, pixels, name):
    block, scores = AUTOENCODERS[name], metrics(name)
    clean = pixels(block, "test")
    # Other noise than the stage's: over so many pixels, the scores hardly depend on the draw.
    drawn = np.random.default_rng(12345).normal(0, block["noise"], clean.shape)
    noisy = np.clip(clean + drawn, 0, 1).astype(np.float32)
    restored = trained(name, noisy).reshape(clean.shape)
    assert scores["noisy_psnr"] == pytest.approx(psnr(clean, noisy), abs=0.2)
    assert scores["restored_psnr"] == pytest.approx(psnr(clean, restored), abs=0.2)
    assert scores["noisy_ssim"] == pytest.approx(ssim(clean, noisy), abs=0.02)
    assert scores["restored_ssim"] == pytest.approx(ssim(clean, restored), abs=0.02)
    # Clipping takes some of the noise away, so that it may come out better than unclipped noise, never worse.
    assert -20 * np.log10(block["noise"]) - 0.2 < scores["noisy_psnr"] < -20 * np.log10(block["noise"]) + 4


@pytest.mark.parametrize("name", AUTOENCODERS)
def test_the_figures_are_drawn_and_noise_is_scored_for_denoising_networks_only(results, drawn, name):
    noise = {key for key in metrics(name) if key.startswith(("noisy_", "restored_"))}
    if name in DENOISING:
        assert drawn(f"plots/encode/{name}") == {"first-five.png", "denoised.png"}
        assert noise == {"noisy_psnr", "noisy_ssim", "restored_psnr", "restored_ssim"}
    else:
        assert drawn(f"plots/encode/{name}") == {"first-five.png"}
        assert noise == set()


def test_the_figures_show_the_first_five_of_the_training_and_of_the_test_images(workspace, pixels, drawings):
    name = "digits-denoising"
    encode.main(name)
    first, denoised = (call["rows"] for call in drawings["image_rows"])
    training, test = (pixels(AUTOENCODERS[name], split)[:5] for split in ("train", "test"))
    np.testing.assert_allclose(first["original"], training, atol=1e-6)
    codes = trained(name, training, "code")
    np.testing.assert_allclose(first["code"], codes.reshape(5, 196, 8), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(first["code mean"], codes.mean(axis=-1), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(first["reconstruction"], trained(name, training), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(denoised["clean"], test, atol=1e-6)
    np.testing.assert_allclose(denoised["restored"], trained(name, denoised["noisy"]), rtol=1e-4, atol=1e-5)
    # The draw is another one; over so many pixels their deviation hardly depends on it.
    drawn = np.random.default_rng(12345).normal(0, AUTOENCODERS[name]["noise"], test.shape)
    assert np.std(denoised["noisy"] - test) == pytest.approx(np.std(np.clip(test + drawn, 0, 1) - test), rel=0.05)


def test_a_failure_on_the_way_leaves_nothing(workspace, monkeypatch):
    def fail(*_):
        raise OSError("no space left on device")

    monkeypatch.setattr(encode.figures, "save", fail)
    with pytest.raises(OSError, match="no space left"):
        encode.main("digits-simple")
    written = [Path(folder, "digits-simple") for folder in ("data/codes", "plots/encode", "metrics/encode")]
    assert [path for path in (*written[:2], written[2].with_suffix(".json")) if path.exists()] == []
    assert list(workspace.rglob(".partial-*")) == []


@pytest.mark.parametrize(
    "missing",
    [
        "data/prepared/digits/dataset.json",
        "data/prepared/digits/test/images.npy",
        "models/digits-simple/encoder.onnx",
    ],
)
def test_a_missing_input_is_one_sentence_that_names_it(workspace, missing):
    Path(missing).unlink()
    named = missing if "prepared" in missing else str(Path(missing).parent)
    with pytest.raises(InputError, match=f"^{named} "):
        encode.main("digits-simple")


@pytest.mark.parametrize("name", ["digits-simple", "digits-denoising"])
def test_the_size_of_the_blocks_changes_nothing(workspace, monkeypatch, name):
    folder = Path("data/codes", name)
    before = (folder / "code.json").read_bytes()
    arrays, scores = {split: np.load(folder / f"{split}.npy") for split in SIZES["digits"]}, metrics(name)
    monkeypatch.setattr("autoencoders.core.rows.BLOCK_SIZE", 7)
    encode.main(name)
    assert (folder / "code.json").read_bytes() == before
    for split, codes in arrays.items():
        assert np.array_equal(np.load(folder / f"{split}.npy"), codes)
    # The noise is the same, too.
    found = metrics(name)
    assert found.pop("source") == scores.pop("source")
    assert found == pytest.approx(scores, rel=1e-5)


def test_memory_does_not_grow_with_the_images(workspace):
    before = peak("stages.encode", "photos-simple")
    zeros("data/prepared/photos/train/images.npy", (150_000, 32, 32, 3), np.uint8)
    after = peak("stages.encode", "photos-simple")
    assert np.load("data/codes/photos-simple/train.npy", mmap_mode="r").shape == (150_000, 256)
    # Of 440 MiB of images and 146 MiB of codes.
    assert after - before < 64
