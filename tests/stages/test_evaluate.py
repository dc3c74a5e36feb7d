import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from listed import listed, source_of
from small import small_parameters

from autoencoders.core.errors import InputError
from autoencoders.networks import storage
from stages import evaluate

CLASSIFIERS = small_parameters()["classifiers"]
SPLITS = ("train", "validation", "test")


def metrics(name: str) -> dict:
    return json.loads(Path("metrics/evaluate", f"{name}.json").read_text(encoding="utf-8"))


def classes(name: str) -> np.ndarray:
    file = Path("data/raw", CLASSIFIERS[name]["dataset"], "classes.json")
    return np.array(json.loads(file.read_text(encoding="utf-8")))


def labels(name: str, split: str) -> np.ndarray:
    return listed(CLASSIFIERS[name]["dataset"], split)["label"].to_numpy()


@pytest.fixture
def probabilities(pixels):
    """A function that runs a trained classifier on one split."""

    def predict(name: str, split: str) -> np.ndarray:
        images = pixels(CLASSIFIERS[name], split)
        return np.asarray(storage.load(Path("models", name))(images.reshape(len(images), -1)))

    return predict


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_accuracies_and_losses_are_those_of_the_trained_network(results, probabilities, name):
    scores, expected = metrics(name), {}
    # Two epochs on fifty images come nowhere near.
    assert (scores.pop("source"), scores.pop("epoch_of_95_percent")) == (source_of(CLASSIFIERS[name]), None)
    for split in SPLITS:
        found, actual = probabilities(name, split), labels(name, split)
        expected[f"{split}_accuracy"] = np.mean(found.argmax(axis=1) == actual)
        expected[f"{split}_loss"] = -np.log(found[np.arange(len(actual)), actual]).mean()
    assert scores == pytest.approx(expected, rel=1e-4)


def test_the_validation_scores_are_those_that_training_ended_with(results):
    trained = json.loads(Path("metrics/train/digits-classifier.json").read_text(encoding="utf-8"))
    scores = metrics("digits-classifier")
    for score in ("accuracy", "loss"):
        assert scores[f"validation_{score}"] == pytest.approx(trained[f"validation_{score}"], rel=1e-4)


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_the_first_twelve_training_images_are_listed_with_their_predictions(results, probabilities, name):
    found = pd.read_csv(f"data/predictions/{name}/first-twelve.csv", dtype={"label name": str, "predicted name": str})
    assert list(found) == ["image", "label", "predicted", "label name", "predicted name"]
    assert found["image"].tolist() == list(range(12))
    dataset = CLASSIFIERS[name]["dataset"]
    assert found["label"].tolist() == listed(dataset, "train")["label"][:12].tolist()
    assert found["predicted"].tolist() == probabilities(name, "train")[:12].argmax(axis=1).tolist()
    for column in ("label", "predicted"):
        assert found[f"{column} name"].tolist() == classes(name)[found[column]].tolist()


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_every_test_image_is_listed_under_its_class_and_its_prediction(results, probabilities, name):
    found = pd.read_csv(f"plots/evaluate/{name}.csv", dtype=str)
    assert list(found) == ["actual", "predicted"]
    assert found["actual"].tolist() == classes(name)[labels(name, "test")].tolist()
    assert found["predicted"].tolist() == classes(name)[probabilities(name, "test").argmax(axis=1)].tolist()
    accuracy = (found["actual"] == found["predicted"]).mean()
    assert metrics(name)["test_accuracy"] == pytest.approx(accuracy, rel=1e-5)


def test_the_figures_show_the_matrix_and_the_first_twelve(workspace, drawings, drawn, probabilities):
    name = "digits-classifier"
    evaluate.main(name)
    (matrix,) = drawings["matrix"]
    expected = np.zeros((10, 10), dtype=int)
    for actual, predicted in zip(labels(name, "test"), probabilities(name, "test").argmax(axis=1), strict=True):
        expected[actual, predicted] += 1
    assert (matrix["counts"] == expected).all()
    assert (matrix["ylabel"], matrix["xlabel"]) == ("actual", "predicted")
    (first,) = drawings["image_rows"]
    (shown,) = first["rows"].values()
    assert (shown == np.load("data/prepared/digits/train/images.npy")[:12]).all()
    table = pd.read_csv(f"data/predictions/{name}/first-twelve.csv")
    marks = ["✓" if label == predicted else "✗" for label, predicted in table[["label", "predicted"]].values]
    assert ["✓" if "✓" in caption else "✗" for caption in first["captions"]] == marks
    assert drawn(f"plots/evaluate/{name}") == {"first-twelve.png", "confusion.png"}


@pytest.mark.parametrize(
    ("accuracies", "epoch"), [([0.5, 0.96, 0.94, 0.99], 2), ([0.9, 0.95], 2), ([0.99], 1), ([0.5, 0.9499], None)]
)
def test_the_first_epoch_of_95_percent_training_accuracy_is_found(workspace, accuracies, epoch):
    table = pd.DataFrame({"epoch": range(1, len(accuracies) + 1), "accuracy": accuracies, "validation_accuracy": 1.0})
    table.to_csv("models/digits-classifier/history.csv", index=False)
    evaluate.main("digits-classifier")
    assert metrics("digits-classifier")["epoch_of_95_percent"] == epoch


def test_an_autoencoder_is_no_classifier(results):
    with pytest.raises(InputError, match="^digits-simple is no classifier, but dense; name one"):
        evaluate.main("digits-simple")


@pytest.mark.parametrize("name", ["classifier.onnx", "history.csv"])
def test_a_missing_file_of_the_network_is_one_sentence(workspace, name):
    Path("models/digits-classifier", name).unlink()
    with pytest.raises(InputError, match="^models/digits-classifier"):
        evaluate.main("digits-classifier")
