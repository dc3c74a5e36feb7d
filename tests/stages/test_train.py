import json
import shutil
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from listed import listed, source_of
from small import small_parameters, write_parameters

from autoencoders.core.errors import InputError
from autoencoders.networks import storage
from stages import train
from stages.shared.parameters import load

GROUPS = {group: small_parameters()[group] for group in ("classifiers", "autoencoders")}
NETWORKS = [(group, name) for group, blocks in GROUPS.items() for name in blocks]
SIMPLE = ("autoencoders", "digits-simple")


def folder(name: str) -> Path:
    return Path("models", name)


def history(name: str) -> pd.DataFrame:
    return pd.read_csv(folder(name) / "history.csv")


def metrics(name: str) -> dict:
    return json.loads(Path("metrics/train", f"{name}.json").read_text(encoding="utf-8"))


def contents(name: str) -> dict[str, bytes]:
    files = [*folder(name).iterdir(), Path("metrics/train", f"{name}.json")]
    return {file.name: file.read_bytes() for file in files}


def weights(name: str) -> bytes:
    """Return all weights as bytes: the files themselves also hold names that Keras counts up within a process."""
    return b"".join(array.tobytes() for array in storage.load(folder(name)).get_weights())


def overwrite(split: str) -> None:
    """Replace the digits of one split by their negatives, in the opposite order."""
    file = f"data/prepared/digits/{split}/images.npy"
    np.save(file, 255 - np.load(file)[::-1])
    table = listed("digits")
    changed = table["split"] == split
    table.loc[changed, ["label", "class"]] = table.loc[changed, ["label", "class"]].to_numpy()[::-1]
    table.to_csv("data/prepared/digits/listing.csv", index=False)


def count_parameters(block: dict) -> int:
    """Return how many weights and biases a network of such a block has."""
    side = 32 if block["dataset"] == "photos" else 28
    channels = 3 if block["colour"] == "rgb" else 1
    inputs = side * side * channels
    if block["kind"] == "convolutional":
        filters = block["filters"]
        return _connections([channels, *filters, *reversed(filters), channels], block["kernel_size"] ** 2)
    units = block["units"]
    # A variational network has a second layer beside the code.
    beside = bool(block.get("kl_weight")) * units[-1]
    if block["kind"] == "strided":
        filters, window = block["filters"], block["kernel_size"] ** 2
        flat = (side // 2 ** len(filters)) ** 2 * filters[-1]
        convolutions = _connections([channels, *filters], window) + _connections([*reversed(filters), channels], window)
        widths = [flat, *units, *units[-2::-1], flat]
        return convolutions + _connections(widths) + beside * (widths[len(units) - 1] + 1)
    widths = [inputs, *units, 10] if block["kind"] == "classifier" else [inputs, *units, *units[-2::-1], inputs]
    return _connections(widths) + beside * (widths[len(units) - 1] + 1)


def _connections(widths: list[int], window: int = 1) -> int:
    return sum((window * before + 1) * after for before, after in pairwise(widths))


@pytest.mark.parametrize(("group", "name"), NETWORKS)
def test_a_network_is_kept_with_its_summary_and_history(results, group, name):
    parameters = count_parameters(GROUPS[group][name])
    graphs = {"classifier.onnx"} if group == "classifiers" else {"encoder.onnx", "decoder.onnx"}
    graphs |= {"denoiser.onnx"} if GROUPS[group][name].get("noise") else set()
    files = {"network.json", "network.weights.h5", "summary.txt", "parameters.json", "history.csv"}
    files |= {"graphs.json", f"{name}.json"}
    assert set(contents(name)) == files | graphs
    assert storage.load(folder(name)).count_params() == parameters
    summary = (folder(name) / "summary.txt").read_text(encoding="utf-8")
    # Keras's total, unlike this figure, also counts what the optimizer keeps.
    assert f"Trainable params: {parameters:,} (" in summary
    assert all(layer.name in summary for layer in storage.load(folder(name)).layers)


@pytest.mark.parametrize(("group", "name"), NETWORKS)
def test_the_parameters_in_force_lie_beside_the_weights(results, group, name):
    block = GROUPS[group][name]
    by_recipe = {key for key, value in block.items() if isinstance(value, dict) and "fast" in value}
    in_force = {key: value["fast"] if key in by_recipe else value for key, value in block.items()}
    found = json.loads((folder(name) / "parameters.json").read_text(encoding="utf-8"))
    assert found == {"recipe": "fast", "protocol": "held-out", **in_force}


@pytest.mark.parametrize(("group", "name"), NETWORKS)
def test_the_graphs_lie_beside_how_far_they_are_from_keras(results, group, name):
    found = json.loads((folder(name) / "graphs.json").read_text(encoding="utf-8"))
    # The first training images, as many as a data set has.
    assert found["images"] in range(50, 65)
    assert 0 <= found["largest_difference_to_keras"] < 1e-4


@pytest.mark.parametrize(("group", "name"), NETWORKS)
def test_the_history_has_a_row_an_epoch_and_the_metrics_its_last_one(results, group, name):
    found = history(name)
    scores = {"loss"}
    if group == "classifiers":
        scores |= {"accuracy", "validation_loss", "validation_accuracy"}
    assert found.columns[0] == "epoch" and set(found.columns[1:]) == scores
    assert found["epoch"].tolist() == [1, 2]
    assert np.isfinite(found).all(axis=None)
    kept = metrics(name)
    assert (kept.pop("source"), kept.pop("recipe")) == (source_of(GROUPS[group][name]), "fast")
    expected = {"parameters": count_parameters(GROUPS[group][name]), "epochs": 2, **found[list(scores)].iloc[-1]}
    assert kept == pytest.approx(expected, rel=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize(("group", "name"), [SIMPLE, ("autoencoders", "digits-variational")])
def test_training_again_gives_the_same_network_whatever_the_test_images(workspace, group, name):
    before = weights(name), contents(name)["history.csv"], metrics(name)
    overwrite("test")
    shutil.rmtree(folder(name))
    train.main(group, name)
    assert (weights(name), contents(name)["history.csv"], metrics(name)) == before


@pytest.mark.slow
@pytest.mark.parametrize(("group", "name", "held_out"), [("classifiers", "digits-classifier", True), (*SIMPLE, False)])
def test_validation_images_are_scored_where_they_are_held_out_and_else_trained_on(
    change, capsys, group, name, held_out
):
    change(f"{group}.{name}", validation=held_out)
    train.main(group, name)
    assert f" {50 if held_out else 50 + 22} images, recipe fast\n" in capsys.readouterr().out
    first, trained = history(name), weights(name)
    overwrite("validation")
    train.main(group, name)
    assert (weights(name) == trained) is held_out
    assert history(name)["loss"].equals(first["loss"]) is held_out
    assert ("validation_loss" in first) is held_out
    if held_out:
        assert (history(name)["validation_loss"] != first["validation_loss"]).all()


def together(workspace: Path) -> None:
    values = load(workspace / "params.yaml")
    write_parameters(workspace, {**values, "protocol": "together"})


@pytest.mark.slow
def test_together_an_autoencoder_is_trained_on_all_images(workspace, capsys):
    together(workspace)
    train.main(*SIMPLE)
    assert f" {50 + 22 + 18} images, recipe fast\n" in capsys.readouterr().out
    trained = weights("digits-simple")
    overwrite("test")
    train.main(*SIMPLE)
    assert weights("digits-simple") != trained


@pytest.mark.slow
def test_a_classifier_holds_the_test_images_out_under_either_protocol(workspace):
    before = weights("digits-classifier"), metrics("digits-classifier")
    together(workspace)
    train.main("classifiers", "digits-classifier")
    assert (weights("digits-classifier"), metrics("digits-classifier")) == before


@pytest.mark.slow
def test_the_parameters_decide_the_network_and_its_training(change):
    change(".".join(SIMPLE), units=[20, 5], epochs=3, batch_size=10)
    change("datasets.digits", limit=90)
    train.main(*SIMPLE)
    network = storage.load(folder("digits-simple"))
    assert network.get_layer("code").output.shape == (None, 5)
    assert len(history("digits-simple")) == metrics("digits-simple")["epochs"] == 3


@pytest.mark.slow
def test_early_stopping_ends_the_training_and_keeps_the_best_epochs_weights(change):
    # No epoch lowers the loss by so much, so that the first stays the best and the second is the last.
    stopping = {"patience": 1, "min_delta": 100}
    change(".".join(SIMPLE), schedule="constant", epochs=5, early_stopping=stopping)
    train.main(*SIMPLE)
    assert history("digits-simple")["epoch"].tolist() == [1, 2]
    assert metrics("digits-simple")["epochs"] == 2
    kept = weights("digits-simple")
    change(".".join(SIMPLE), epochs=1, early_stopping=None)
    train.main(*SIMPLE)
    assert weights("digits-simple") == kept


def diverge(change, **settings) -> None:
    settings = {"optimizer": "sgd", "optimizer_options": {}, "schedule": "constant", "batch_size": 100, **settings}
    change(".".join(SIMPLE), **settings)
    shutil.rmtree(folder("digits-simple"))
    Path("metrics/train/digits-simple.json").unlink()


def assert_nothing_written(workspace: Path) -> None:
    assert not folder("digits-simple").exists()
    assert not Path("metrics/train/digits-simple.json").exists()
    assert list(workspace.rglob(".partial-*")) == []


def test_a_loss_that_diverges_is_one_sentence_that_names_the_parameter_and_leaves_nothing(workspace, change):
    diverge(change, learning_rate=1e30)
    with pytest.raises(InputError) as raised:
        train.main(*SIMPLE)
    assert str(raised.value) == (
        "the training of digits-simple diverged by epoch 2; "
        "lower autoencoders.digits-simple.learning_rate, which is 1e+30."
    )
    assert_nothing_written(workspace)


@pytest.mark.parametrize("name", ["dataset.json", "train/images.npy", "validation/images.npy"])
def test_a_missing_input_is_named_and_what_there_was_stays(workspace, name):
    before = contents("digits-simple")
    missing = Path("data/prepared/digits", name)
    missing.unlink()
    with pytest.raises(InputError, match=f"^{missing} is missing"):
        train.main(*SIMPLE)
    assert contents("digits-simple") == before


def test_a_network_that_is_not_in_the_parameters_is_one_sentence(results):
    with pytest.raises(InputError, match="^params.yaml has no autoencoders.digits-classifier; there is 'digits-denois"):
        train.main("autoencoders", "digits-classifier")
