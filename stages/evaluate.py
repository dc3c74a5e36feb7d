"""Score a classifier on training, validation and test images."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from autoencoders.core.errors import InputError
from autoencoders.core.rows import blocks
from autoencoders.inference.running import Graph
from autoencoders.pages import figures
from autoencoders.uses.classification import confusion_matrix, cross_entropy
from stages.shared import files, labelled, prepared
from stages.shared.running import run

# As many images as the chapter's Exercise 20 shows.
SHOWN = 12
# The training accuracy that Activity 9 of the chapter asks for; the metric's key `epoch_of_95_percent` names it.
THRESHOLD = 0.95


def main(name: str) -> None:
    """Read `models/<name>/` and `data/prepared/<dataset>/`; write predictions, confusion, figures and scores.

    They go to `data/predictions/<name>/`, `plots/evaluate/<name>/`, `plots/evaluate/<name>.csv` and
    `metrics/evaluate/<name>.json`.

    Raises
    ------
    InputError
        If the network is no classifier, its data set has no classes, or a file is missing or damaged.
    """
    network = prepared.trained(name)
    if network.kind != "classifier":
        raise InputError(f"{name} is no classifier, but {network.kind}; name one of the classifiers in params.yaml.")
    described = prepared.describe(network.dataset)
    key = f"classifiers.{name}.dataset"
    classes = labelled.classes(network.dataset, key)
    history = files.read_table(files.models(name, "history.csv"))
    images = {split: prepared.images(network.dataset, split) for split in files.SPLITS}
    labels = {split: labelled.labels(network.dataset, key, split) for split in files.SPLITS}
    classifier = Graph(files.models(name, "classifier.onnx"))
    probabilities = {
        split: np.concatenate([classifier(pixels[rows]) for rows in blocks(len(pixels))])
        for split, pixels in images.items()
    }
    predicted = {split: values.argmax(axis=1) for split, values in probabilities.items()}
    reached = history["epoch"][history["accuracy"] >= THRESHOLD]

    targets = (
        files.data("predictions", name),
        files.plots("evaluate", name),
        files.plots("evaluate", f"{name}.csv"),
        files.metrics("evaluate", f"{name}.json"),
    )
    with files.whole(*targets) as (folder, plots, confusion, metrics):
        first = pd.DataFrame({"label": labels["train"][:SHOWN], "predicted": predicted["train"][:SHOWN]})
        for column in ("label", "predicted"):
            first[f"{column} name"] = [classes[number] for number in first[column]]
        first.to_csv(folder / "first-twelve.csv", index_label="image")
        figures.save(_first(images["train"], first), plots / "first-twelve.png")
        pairs = {"actual": labels["test"], "predicted": predicted["test"]}
        named = pd.DataFrame({key: [classes[number] for number in values] for key, values in pairs.items()})
        named.to_csv(confusion, index=False)
        counts = confusion_matrix(labels["test"], predicted["test"], len(classes))
        title = f"{name}: test images by class and prediction"
        figures.save(figures.matrix(counts, classes, classes, "predicted", "actual", title), plots / "confusion.png")
        # Validation images that the network was trained on validate nothing.
        scored = [split for split in files.SPLITS if network.validation or split != "validation"]
        scores = {f"{split}_accuracy": float((predicted[split] == labels[split]).mean()) for split in scored}
        scores |= {f"{split}_loss": cross_entropy(probabilities[split], labels[split]) for split in scored}
        epoch = int(reached.iloc[0]) if len(reached) else None
        files.write_json(metrics, {"source": described["source"], **scores, "epoch_of_95_percent": epoch})


def _first(images: np.ndarray, first: pd.DataFrame) -> Figure:
    marks = first["label"] == first["predicted"]
    captions = [
        f"{label}\n{'✓' if right else '✗'} {predicted}"
        for label, predicted, right in zip(first["label name"], first["predicted name"], marks, strict=True)
    ]
    title = f"The first {len(first)} training images: label, and below it the prediction"
    return figures.image_rows({"": images[: len(first)]}, captions, title)


if __name__ == "__main__":
    run(main)
