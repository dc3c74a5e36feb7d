"""Score a classifier on training, validation and test images."""

import numpy as np
import pandas as pd

from autoencoders.clustering.scores import cluster_class_matrix
from autoencoders.core.errors import InputError
from autoencoders.core.rows import blocks
from autoencoders.inference.network import Network
from autoencoders.pages import figures
from autoencoders.uses.reconstruction import EPSILON
from stages.shared import files, prepared
from stages.shared.running import run

SHOWN = 12
THRESHOLD = 0.95


def main(name: str) -> None:
    network = prepared.trained(name)
    if network.kind != "classifier":
        raise InputError(f"{name} is no classifier, but {network.kind}; name one of the classifiers in params.yaml.")
    described = prepared.describe(network.dataset)
    classes = described["classes"]
    history = files.read_table(files.models(name, "history.csv"))
    images = {split: prepared.images(network.dataset, split) for split in files.SPLITS}
    labels = {split: prepared.labels(network.dataset, split) for split in files.SPLITS}
    model = Network(files.models(name))
    preparation = prepared.preparation(network)
    probabilities = {
        split: np.concatenate([model.predict(preparation(pixels[rows])) for rows in blocks(len(pixels))])
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
        counts = cluster_class_matrix(predicted["test"], labels["test"], len(classes), len(classes))
        title = f"{name}: test images by class and prediction"
        figures.save(figures.matrix(counts, classes, classes, "predicted", "actual", title), plots / "confusion.png")
        # Validation images that the network was trained on validate nothing.
        scored = [split for split in files.SPLITS if network.validation or split != "validation"]
        scores = {f"{split}_accuracy": float((predicted[split] == labels[split]).mean()) for split in scored}
        scores |= {f"{split}_loss": _cross_entropy(probabilities[split], labels[split]) for split in scored}
        epoch = int(reached.iloc[0]) if len(reached) else None
        files.write_json(metrics, {"source": described["source"], **scores, "epoch_of_95_percent": epoch})


def _cross_entropy(probabilities: np.ndarray, labels: np.ndarray) -> float:
    chosen = probabilities[np.arange(len(labels)), labels]
    return float(-np.log(np.maximum(chosen, EPSILON)).mean())


def _first(images: np.ndarray, first: pd.DataFrame):
    marks = first["label"] == first["predicted"]
    captions = [
        f"{label}\n{'✓' if right else '✗'} {predicted}"
        for label, predicted, right in zip(first["label name"], first["predicted name"], marks, strict=True)
    ]
    title = f"The first {len(first)} training images: label, and below it the prediction"
    return figures.image_rows({"": images[: len(first)]}, captions, title)


if __name__ == "__main__":
    run(main)
