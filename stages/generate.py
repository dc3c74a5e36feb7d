"""New images from an autoencoder, and interpolations; judged by the nearest training images, and by a classifier."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from autoencoders.core.errors import InputError, arguments_of
from autoencoders.core.rows import Rows
from autoencoders.core.sampling import sample
from autoencoders.images.preparation import Preparation
from autoencoders.inference.codec import Codec
from autoencoders.inference.running import Graph
from autoencoders.pages import figures
from autoencoders.uses import samples
from stages.shared import codes, files, naming, prepared
from stages.shared.density import fitted
from stages.shared.parameters import read
from stages.shared.running import run

COLUMNS = 10
RECOGNISED = figures.COLOURS[0]
TITLES = {"density": "samples of a Gaussian mixture of its codes", "prior": "samples of its prior"}


@arguments_of("generate")
def main(name: str) -> None:
    """Read a network, its codes, its images and perhaps a classifier; write generated images, scores and figures.

    They go to `data/samples/<name>/`, `plots/generate/<name>/` and `metrics/generate/<name>.json`. What
    `generate.unjudged` names has no classifier, and what a classifier would say of its images is left out.

    Raises
    ------
    InputError
        If neither `generate.networks` nor `generate.unjudged` names the network, a mixture has more components than
        there are codes, no two test images are of different classes, or a file is missing or damaged.
    """
    generate, in_memory = read("generate", "in_memory")
    classifier = _classifier(name, generate)
    network = prepared.trained(name)
    described = prepared.describe(network.dataset)
    splits = prepared.training_splits(network)
    training_codes, test_codes = codes.rows(name, *splits), codes.read(name, "test")
    samples.check(generate.components, len(training_codes))
    test = prepared.images(network.dataset, "test")
    # Where all images are of one class, any two are a pair.
    labels = prepared.labels(network.dataset, "test") if len(described["classes"]) > 1 else None
    pairs = samples.pairs(labels, generate.pairs, generate.seed, len(test))
    codec, prepare = Codec(files.models(name)), prepared.image_preparation(network)

    density = fitted(name, training_codes, generate, in_memory)
    drawn = {"density": density.sample(generate.samples, generate.seed)}
    if getattr(network, "kl_weight", 0) > 0:
        drawn["prior"] = samples.prior(generate.samples, codec.code_size, generate.seed)
    held_out = sample(len(test), generate.samples, generate.seed)
    images = {"test": prepare(test[held_out]), "reconstruction": codec.decode(test_codes[held_out])}
    images |= {kind: codec.decode(of_kind) for kind, of_kind in drawn.items()}
    rows = {kind: np.arange(generate.samples) if kind in drawn else held_out for kind in images}
    # Type checkers take no named tuple for a function.
    training = prepared.image_rows(network.dataset, *splits).map(prepare.__call__)
    probabilities = {} if classifier is None else _probabilities(classifier, images)
    nearest = _nearest(training, images, int(in_memory * 2**20))

    folders = files.data("samples", name), files.plots("generate", name), files.metrics("generate", f"{name}.json")
    with files.whole(*folders) as (folder, plots, metrics):
        scores = {"source": described["source"], "n_components": density.mixture.n_components}
        for kind in images:
            of_kind = samples.recognition(probabilities[kind], generate.confidence) if probabilities else {}
            of_kind["distance"] = float(np.median(nearest[kind][1]))
            scores |= {f"{kind}_{score}": value for score, value in of_kind.items()}
        files.write_json(metrics, scores)
        bic = pd.DataFrame(density.bic.items(), columns=["n_components", "bic"])
        bic.to_csv(folder / "bic.csv", index=False, float_format="%.8g")
        numbers = prepared.numbers(network.dataset, *splits)
        table = _table(rows, probabilities, nearest, described["classes"], numbers)
        table.to_csv(folder / "samples.csv", index=False, float_format="%.6g")
        title = f"{name}: Gaussian mixtures of its codes"
        figure = figures.curves(bic["n_components"].tolist(), {"BIC": bic["bic"]}, "components", "BIC", title)
        figures.save(figure, plots / "bic.png")
        for kind in drawn:
            np.save(folder / f"{kind}.npy", images[kind])
            shown = images[kind][: generate.shown]
            beside = training[nearest[kind][0][: len(shown)]]
            title, sure = f"{name}: {TITLES[kind]}", np.zeros(len(shown), bool)
            if probabilities:
                title += f"\nblue frame: recognised by {classifier}"
                sure = probabilities[kind][: len(shown)].max(axis=1) >= generate.confidence
            figures.save(_samples(shown, beside, sure, title), plots / f"{kind}.png")
        starts, ends = pairs.T
        lines = samples.interpolate(test_codes[starts], test_codes[ends], generate.steps)
        between = [codec.decode(line) for line in lines]
        figure = _interpolations(name, prepare, network.dataset, pairs, between, described["classes"])
        figures.save(figure, plots / "interpolations.png")


def _classifier(name: str, generate: Any) -> str | None:
    """Return the classifier that judges a network's images, None where there is none."""
    if name in generate.networks:
        return generate.networks[name].classifier
    if name in generate.unjudged:
        return None
    known = ", ".join([*generate.networks, *generate.unjudged]) or "none"
    raise InputError(
        f"params.yaml has neither generate.networks.{name} nor generate.unjudged.{name}; there is {known}."
    )


def _probabilities(name: str, images: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return a classifier's probabilities for each kind of images."""
    classifier = Graph(files.models(name, "classifier.onnx"), prepared=True)
    colour = prepared.trained(name).colour
    return {kind: classifier(samples.recoloured(values, colour)) for kind, values in images.items()}


def _nearest(training: Rows, images: dict[str, np.ndarray], memory: int) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return for each kind of images the rows of the nearest training images and the distances to them."""
    index = training.map(_flat)
    return {kind: samples.nearest(index, _flat(values), memory) for kind, values in images.items()}


def _flat(images: np.ndarray) -> np.ndarray:
    return images.reshape(len(images), -1)


def _table(rows: dict, probabilities: dict, nearest: dict, classes: list[str], numbers: np.ndarray) -> pd.DataFrame:
    """Return a row for each image of each kind: what a classifier sees in it, and the nearest training image."""
    tables = []
    for kind, (places, distances) in nearest.items():
        table = {"kind": kind, "row": rows[kind]}
        if kind in probabilities:
            found = probabilities[kind]
            table["class"] = [classes[label] for label in found.argmax(axis=1)]
            table["probability"] = found.max(axis=1)
        tables.append(pd.DataFrame({**table, "nearest_image": numbers[places], "distance": distances}))
    return pd.concat(tables)


def _samples(images: np.ndarray, nearest: np.ndarray, sure: np.ndarray, title: str) -> Figure:
    """Draw lines of samples, each sample above the training image that is nearest to it."""
    rows, frames = {}, {}
    for start in range(0, len(images), COLUMNS):
        line = slice(start, start + COLUMNS)
        which = f"{start + 1} to {start + len(images[line])}"
        rows[f"samples\n{which}"] = images[line]
        rows[f"nearest\ntraining images\nto {which}"] = nearest[line]
        frames[f"samples\n{which}"] = [RECOGNISED if recognised else None for recognised in sure[line]]
    return figures.image_rows(rows, title=title, frames=frames)


def _interpolations(
    name: str, prepare: Preparation, dataset: str, pairs: np.ndarray, between: list[np.ndarray], classes: list[str]
) -> Figure:
    """Draw a row for each pair of test images: the one, the decoded codes from its own to the other's, the other."""
    images, named = prepared.images(dataset, "test"), prepared.naming(dataset, "test")
    starts, ends = pairs.T
    first, last = prepare(images[starts]), prepare(images[ends])
    rows = {}
    for pair, start, line, end in zip(pairs, first, between, last, strict=True):
        captions_of_pair = naming.captions(named.iloc[pair], classes)
        ends_of_line = [f"{of} ({number})" if of else number for of, number in captions_of_pair]
        rows["\nto ".join(ends_of_line)] = np.concatenate([[start], line, [end]])
    captions = ["image", *(f"{share:.3g}" for share in np.linspace(0, 1, len(between[0]))), "image"]
    title = f"{name}: decoded codes on the lines between those of two test images"
    return figures.image_rows(rows, captions, title)


if __name__ == "__main__":
    run(main)
