import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from listed import listed
from memory import allow
from scipy.spatial.distance import cdist
from small import small_parameters

from autoencoders.core.errors import InputError
from autoencoders.networks import storage
from stages import generate

PARAMETERS = small_parameters()
SETTINGS = PARAMETERS["generate"]
NETWORKS = SETTINGS["networks"]
VARIATIONAL = "digits-variational"
PLAIN = "digits-simple"
SPLITS = ("train", "validation")


def metrics(name: str) -> dict:
    return json.loads(Path("metrics/generate", f"{name}.json").read_text(encoding="utf-8"))


def samples(name: str) -> pd.DataFrame:
    return pd.read_csv(f"data/samples/{name}/samples.csv")


def written(name: str) -> dict[str, bytes]:
    folders = Path("data/samples", name), Path("plots/generate", name)
    files = [Path("metrics/generate", f"{name}.json"), *(file for folder in folders for file in folder.iterdir())]
    return {str(file): file.read_bytes() for file in files}


@pytest.mark.parametrize("name", NETWORKS)
def test_samples_of_the_prior_are_drawn_for_variational_networks_alone(results, name):
    kinds = ["test", "reconstruction", "density"]
    kinds += ["prior"] if PARAMETERS["autoencoders"][name].get("kl_weight") else []
    scores = [f"{kind}_{score}" for kind in kinds for score in ("recognised", "evenness", "distance")]
    assert list(metrics(name)) == ["source", "n_components", *scores]
    counts = samples(name)["kind"].value_counts(sort=False)
    assert list(counts.index) == kinds
    drawn_kinds = set(kinds) - {"test", "reconstruction"}
    assert all(counts[kind] == SETTINGS["samples"] for kind in drawn_kinds)
    assert {file.stem for file in Path("data/samples", name).glob("*.npy")} == drawn_kinds


@pytest.mark.parametrize("name", NETWORKS)
def test_each_image_is_judged_by_the_classifier_and_the_nearest_training_image(results, pixels, name):
    block = PARAMETERS["autoencoders"][name]
    table = samples(name)
    training = np.concatenate([pixels(block, split) for split in SPLITS])
    training = training.reshape(len(training), -1)
    numbers = listed(block["dataset"], *SPLITS)["image"].to_numpy()
    classes = json.loads(Path(f"data/prepared/{block['dataset']}/dataset.json").read_text())["classes"]
    classifier = storage.load(Path("models", NETWORKS[name]["classifier"]))
    test = table[table["kind"] == "test"]["row"].to_numpy()
    images = {"test": pixels(block, "test")[test], "density": np.load(f"data/samples/{name}/density.npy")}
    for kind, values in images.items():
        found = table[table["kind"] == kind]
        inputs = values.mean(axis=-1).reshape(len(values), -1)
        probabilities = np.asarray(classifier(inputs))
        np.testing.assert_allclose(found["probability"], probabilities.max(axis=1), rtol=1e-3)
        assert found["class"].astype(str).tolist() == [classes[label] for label in probabilities.argmax(axis=1)]
        distances = cdist(values.reshape(len(values), -1), training) / training.shape[1] ** 0.5
        np.testing.assert_allclose(found["distance"], distances.min(axis=1), rtol=1e-3, atol=1e-4)
        assert found["nearest_image"].tolist() == numbers[distances.argmin(axis=1)].tolist()
        assert metrics(name)[f"{kind}_distance"] == pytest.approx(found["distance"].median(), rel=1e-4)
        share = (found["probability"] >= SETTINGS["confidence"]).mean()
        assert metrics(name)[f"{kind}_recognised"] == pytest.approx(share)


def test_reconstructions_are_those_of_the_same_test_images(results):
    table = samples(VARIATIONAL).set_index("kind")
    assert table.loc["test", "row"].tolist() == table.loc["reconstruction", "row"].tolist()
    assert len(set(table.loc["test", "row"])) == min(SETTINGS["samples"], 18)


@pytest.mark.parametrize("name", NETWORKS)
def test_samples_are_images_of_the_networks_form(results, name):
    images = np.load(f"data/samples/{name}/density.npy")
    shape = (32, 32, 3) if PARAMETERS["autoencoders"][name]["colour"] == "rgb" else (28, 28, 1)
    assert images.dtype == np.float32 and images.shape == (SETTINGS["samples"], *shape)
    assert images.min() >= 0 and images.max() <= 1
    assert len(np.unique(images, axis=0)) == len(images)


def test_the_number_of_components_is_the_one_of_the_lowest_bic(results):
    table = pd.read_csv(f"data/samples/{VARIATIONAL}/bic.csv")
    assert table["n_components"].tolist() == SETTINGS["components"]
    assert metrics(VARIATIONAL)["n_components"] == table["n_components"][table["bic"].argmin()]


def test_the_figures_show_samples_beside_training_images_and_lines_between_test_images(workspace, drawings, drawn):
    generate.main(VARIATIONAL)
    assert drawn(f"plots/generate/{VARIATIONAL}") == {"bic.png", "density.png", "prior.png", "interpolations.png"}
    density, prior, lines = drawings["image_rows"]
    table = samples(VARIATIONAL)
    for kind, call in (("density", density), ("prior", prior)):
        shown = np.concatenate([images for row, images in call["rows"].items() if row.startswith("samples")])
        assert np.array_equal(shown, np.load(f"data/samples/{VARIATIONAL}/{kind}.npy")[: SETTINGS["shown"]])
        sure = table.loc[table["kind"] == kind, "probability"] >= SETTINGS["confidence"]
        frames = [frame is not None for row in call["frames"].values() for frame in row]
        assert frames == sure.tolist()[: len(shown)]
    assert 0 < len(lines["rows"]) <= SETTINGS["pairs"]
    test = np.load("data/prepared/digits/test/images.npy") / 255
    numbers = listed("digits", "test")["image"].tolist()
    for row, images in lines["rows"].items():
        assert len(images) == SETTINGS["steps"] + 2 == len(lines["captions"])
        first, last = (numbers.index(int(number)) for number in re.findall(r"image (\d+)", row))
        np.testing.assert_allclose(images[0], test[first], atol=1e-6)
        np.testing.assert_allclose(images[-1], test[last], atol=1e-6)


def test_another_run_writes_the_same_bytes_and_another_seed_others(change):
    before = written(PLAIN)
    generate.main(PLAIN)
    assert written(PLAIN) == before
    change("generate", seed=1)
    generate.main(PLAIN)
    assert written(PLAIN)[f"data/samples/{PLAIN}/density.npy"] != before[f"data/samples/{PLAIN}/density.npy"]


def test_more_components_than_training_images_leave_what_there_was(change):
    before = written(PLAIN)
    change("generate", components=[1, 500])
    with pytest.raises(InputError, match=r"^generate\.components asks for 500, more than the 72 training images"):
        generate.main(PLAIN)
    assert written(PLAIN) == before


def test_a_network_that_is_not_listed_is_refused(results):
    with pytest.raises(InputError, match=r"neither generate\.networks\.digits-denoising nor generate\.unjudged\."):
        generate.main("digits-denoising")


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        (
            {"classifier": "nobody"},
            r"generate\.networks\.digits-simple\.classifier is 'nobody', which is no classifier",
        ),
        ({"classifier": "photos-classifier"}, r"is 'photos-classifier', which knows 'photos' and not 'digits'; name"),
        ({"dataset": "photos"}, r"generate\.networks\.digits-simple\.dataset is 'photos', but .* trained on 'digits'"),
    ],
)
def test_entries_that_do_not_fit_their_network_are_refused(change, settings, sentence):
    change(f"generate.networks.{PLAIN}", **settings)
    with pytest.raises(InputError, match=sentence):
        generate.main(PLAIN)


def test_missing_codes_are_one_sentence(workspace):
    missing = Path(f"data/codes/{PLAIN}/train.npy")
    missing.unlink()
    with pytest.raises(InputError, match=f"^{missing} is missing"):
        generate.main(PLAIN)


@pytest.mark.slow
def test_codes_that_are_more_than_may_be_held_are_drawn_from(workspace, capsys):
    generate.main(VARIATIONAL)
    assert capsys.readouterr().out == ""
    whole = samples(VARIATIONAL)
    allow(0.01)
    generate.main(VARIATIONAL)
    sentence = rf"{VARIATIONAL}: 72 codes take more than in_memory \(0\.01 MiB\): \d+ are drawn\n"
    assert re.fullmatch(sentence, capsys.readouterr().out)
    found = samples(VARIATIONAL)
    # What is drawn from the prior, and what is nearest to it, does not depend on what may be held.
    held, drawn = (table[table["kind"] != "density"] for table in (whole, found))
    pd.testing.assert_frame_equal(drawn, held, rtol=1e-3)
