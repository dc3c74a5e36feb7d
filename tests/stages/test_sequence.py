import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from small import small_parameters

from autoencoders.core.errors import InputError
from autoencoders.networks import storage
from autoencoders.training import fit
from stages import sequence

SETTINGS = small_parameters()["sequence"]["digits-rows"]
ROWS = SETTINGS["rows"]
METHODS = ["network", "last_row", "mean_image", "nearest_image"]


def metrics() -> dict:
    return json.loads(Path("metrics/sequence/digits-rows.json").read_text(encoding="utf-8"))


def images(split: str) -> np.ndarray:
    return (np.load(f"data/prepared/digits/{split}/images.npy") / 255).astype(np.float32)


def written() -> dict[str, bytes]:
    folders = (Path(folder, "digits-rows") for folder in ("models", "data/sequence", "plots/sequence"))
    files = [Path("metrics/sequence/digits-rows.json"), *(file for folder in folders for file in folder.iterdir())]
    return {str(file): file.read_bytes() for file in files}


def test_the_kept_network_predicts_what_is_scored(results):
    network = storage.load(Path("models/digits-rows"))
    test = images("test")
    found = np.asarray(network(test[:, :ROWS]))
    assert found.shape == test[:, ROWS:].shape
    scores = metrics()
    assert scores["network_mean_squared_error"] == pytest.approx(np.square(found - test[:, ROWS:]).mean(), rel=1e-4)
    assert scores["source"] == "bundled_digits" and scores["parameters"] == network.count_params()
    history = pd.read_csv("models/digits-rows/history.csv")
    assert history["epoch"].tolist() == list(range(1, SETTINGS["epochs"] + 1))
    assert scores["loss"] == pytest.approx(history["loss"].iloc[-1], rel=1e-5)


def test_baselines_are_scored_beside_the_network(results, drawn):
    test, training = images("test"), np.concatenate([images("train"), images("validation")])
    repeated = np.repeat(test[:, ROWS - 1 : ROWS], 28 - ROWS, axis=1)
    expected = {
        "last_row": np.square(repeated - test[:, ROWS:]).mean(),
        "mean_image": np.square(training[:, ROWS:].mean(axis=0) - test[:, ROWS:]).mean(),
    }
    table = pd.read_csv("data/sequence/digits-rows/scores.csv").set_index("method")
    assert table.index.tolist() == METHODS
    for method, error in expected.items():
        assert table.loc[method, "mean_squared_error"] == pytest.approx(error, rel=1e-4)
    scores = {f"{method}_{score}": table.loc[method, score] for method in METHODS for score in table}
    assert {key: metrics()[key] for key in scores} == pytest.approx(scores, rel=1e-5)
    assert drawn("plots/sequence/digits-rows") == {"predictions.png"}


@pytest.mark.slow
def test_another_run_writes_the_same_bytes_and_its_figure_completes_the_given_rows_in_every_way(workspace, drawings):
    before = written()
    sequence.main("digits-rows")
    assert written() == before
    (call,) = drawings["image_rows"]
    assert list(call["rows"]) == [
        "given", "predicted", "true", "last row repeated", "mean image", "nearest training image",
    ]  # fmt: skip
    test = images("test")
    for shown in call["rows"].values():
        assert shown.shape == (SETTINGS["shown"], 28, 28, 1)
        assert np.array_equal(shown[:, :ROWS], call["rows"]["true"][:, :ROWS])
    assert all(any(np.allclose(image, other) for other in test) for image in call["rows"]["true"])


@pytest.mark.slow
def test_photographs_can_be_predicted_in_colour(change):
    change("sequence.digits-rows", dataset="photos", colour="rgb", rows=20, epochs=1)
    sequence.main("digits-rows")
    network = storage.load(Path("models/digits-rows"))
    assert network.input_shape == (None, 20, 32, 3) and network.output_shape == (None, 12, 32, 3)


def test_rows_that_leave_nothing_to_predict_are_refused_before_anything_is_written(change):
    before = written()
    change("sequence.digits-rows", rows=28)
    with pytest.raises(
        InputError, match=r"^sequence\.digits-rows\.rows is 28, but the images have 28 rows; give 1 to 27\.$"
    ):
        sequence.main("digits-rows")
    assert written() == before


def test_a_training_that_diverges_is_one_sentence(workspace, monkeypatch):
    # The gates of an LSTM saturate, so that no learning rate is sure to do it.
    rate = SETTINGS["learning_rate"]

    def diverge(*_):
        raise fit.Diverged("sequence", {"loss": [0.7, float("nan")]}, rate)

    monkeypatch.setattr(fit, "fit", diverge)
    sentence = "^the training of digits-rows diverged by epoch 2; lower sequence.digits-rows.learning_rate, which is"
    with pytest.raises(InputError, match=f"{sentence} {rate:g}"):
        sequence.main("digits-rows")


def test_missing_images_are_one_sentence(workspace):
    missing = Path("data/prepared/digits/test/images.npy")
    missing.unlink()
    with pytest.raises(InputError, match=f"^{missing} is missing"):
        sequence.main("digits-rows")
