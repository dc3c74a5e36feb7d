import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from skimage.metrics import peak_signal_noise_ratio, structural_similarity
from small import small_parameters

from autoencoders.core.errors import InputError
from autoencoders.images.preparation import add_noise
from autoencoders.networks import storage
from stages import denoise

PARAMETERS = small_parameters()
SETTINGS = PARAMETERS["denoise"]
METHODS = ["noisy", "network", "median", "nlm"]
NAME = "digits-denoising"


def metrics(name: str) -> dict:
    return json.loads(Path("metrics/denoise", f"{name}.json").read_text(encoding="utf-8"))


def scores(name: str) -> pd.DataFrame:
    return pd.read_csv(f"data/denoised/{name}/scores.csv").set_index(["noise", "method"])


@pytest.mark.parametrize("name", SETTINGS["networks"])
def test_every_method_is_scored_at_every_level_and_at_the_networks_own(results, drawn, name):
    own = PARAMETERS["autoencoders"][name]["noise"]
    table = scores(name)
    levels = sorted({*SETTINGS["levels"], own})
    assert table.index.tolist() == [(level, method) for level in levels for method in METHODS]
    expected = {
        f"{method}_{score}": table.loc[(own, method), score] for method in METHODS for score in ("psnr", "ssim")
    }
    assert metrics(name) == {
        "source": "bundled_digits",
        "noise": own,
        **{key: pytest.approx(v) for key, v in expected.items()},
    }
    for level in levels:
        assert table.loc[(level, "median"), "setting"] in SETTINGS["median_size"]
        assert table.loc[(level, "nlm"), "setting"] in SETTINGS["nlm"]["h"]
    assert table["setting"].isna().sum() == 2 * len(levels)
    assert drawn(f"plots/denoise/{name}") == {"levels.png", "restored.png"}


@pytest.mark.parametrize("name", SETTINGS["networks"])
def test_noise_and_network_are_scored_as_scikit_image_and_keras_have_it(change, pixels, name):
    change("denoise", images=1000)
    denoise.main(name)
    block = PARAMETERS["autoencoders"][name]
    clean = pixels(block, "test")
    noisy = add_noise(clean, block["noise"], np.random.default_rng(SETTINGS["seed"]))
    restored = np.asarray(storage.load(Path("models", name))(noisy))
    for method, images in (("noisy", noisy), ("network", restored)):
        pairs = list(zip(clean, images, strict=True))
        psnr = np.mean([peak_signal_noise_ratio(*pair, data_range=1) for pair in pairs])
        ssim = np.mean([structural_similarity(*pair, data_range=1, channel_axis=-1) for pair in pairs])
        assert metrics(name)[f"{method}_psnr"] == pytest.approx(psnr, rel=1e-4)
        assert metrics(name)[f"{method}_ssim"] == pytest.approx(ssim, rel=1e-3)


def test_the_figures_show_every_method(workspace, drawings):
    denoise.main(NAME)
    (call,) = drawings["image_rows"]
    names = [row.split("\n")[0] for row in call["rows"]]
    assert names == ["noisy", "network", "median filter", "non-local means", "clean"]
    assert {len(images) for images in call["rows"].values()} == {SETTINGS["shown"]}
    clean = call["rows"]["clean"]
    assert np.abs(call["rows"][list(call["rows"])[0]] - clean).mean() > 0.1
    psnr = metrics(NAME)["network_psnr"]
    assert f"network\n{psnr:.1f} dB" in call["rows"]


def test_settings_are_chosen_on_training_images(workspace):
    before = scores(NAME)
    file = Path("data/prepared/digits/test/images.npy")
    np.save(file, 255 - np.load(file))
    denoise.main(NAME)
    after = scores(NAME)
    assert after["setting"].dropna().tolist() == before["setting"].dropna().tolist()
    assert not np.allclose(after["psnr"], before["psnr"])


def test_another_run_writes_the_same_bytes_and_another_seed_others(change):
    file = Path(f"data/denoised/{NAME}/scores.csv")
    before = file.read_bytes()
    denoise.main(NAME)
    assert file.read_bytes() == before
    change("denoise", seed=1)
    denoise.main(NAME)
    assert file.read_bytes() != before


def test_networks_that_are_not_listed_or_learnt_without_noise_are_refused(change):
    with pytest.raises(InputError, match=r"has no denoise\.networks\.digits-simple; there is "):
        denoise.main("digits-simple")
    change("denoise", networks={"digits-simple": {"dataset": "digits"}})
    sentence = r"denoise\.networks names digits-simple, but autoencoders\.digits-simple\.noise is 0; remove"
    with pytest.raises(InputError, match=sentence):
        denoise.main("digits-simple")
    change("denoise", networks={"nobody": {"dataset": "digits"}})
    with pytest.raises(InputError, match=r"denoise\.networks names nobody, which is no autoencoder; correct"):
        denoise.main("nobody")


def test_missing_images_are_one_sentence_and_leave_what_there_was(workspace):
    before = metrics(NAME)
    missing = Path("data/prepared/digits/test/images.npy")
    missing.unlink()
    with pytest.raises(InputError, match=f"^{missing} is missing"):
        denoise.main(NAME)
    assert metrics(NAME) == before
