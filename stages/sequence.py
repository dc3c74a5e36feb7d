"""Train an LSTM autoencoder that predicts the lower rows of an image from the upper ones, and score it."""

import numpy as np
import pandas as pd

from autoencoders.core.errors import InputError, arguments_of
from autoencoders.core.sampling import varied
from autoencoders.images.preparation import Preparation
from autoencoders.inference.codec import Codec
from autoencoders.pages import figures
from autoencoders.pages.summary.texts import words
from autoencoders.uses import sequences
from stages.shared import files, prepared
from stages.shared.parameters import read
from stages.shared.running import run

# What the figure calls the network's rows.
PREDICTED = "predicted"
UNSEEN = 0.5


def main(name: str) -> None:
    """Train the network of `sequence.<name>` in `params.yaml`, and score it and its baselines on test images.

    Reads data/prepared/<dataset>. Writes models/<name> (architecture, weights, ONNX graphs, summary, history, the
    parameters), data/sequence/<name>/scores.csv (a row a method), metrics/sequence/<name>.json and
    plots/sequence/<name>.
    """
    (sequence,) = read(f"sequence.{name}")
    source = prepared.describe(sequence.dataset)["source"]
    preparation = Preparation(sequence.colour, flat=False)
    known = prepared.images(sequence.dataset, "train", "validation")
    test = prepared.images(sequence.dataset, "test")
    labels = prepared.labels(sequence.dataset, "test")
    with arguments_of(f"sequence.{name}"):
        images, targets = sequences.split(known, sequence.rows)
        stored, hidden = sequences.split(test, sequence.rows)
    targets = preparation(targets)
    given, hidden = preparation(stored), preparation(hidden)

    # Only now: a mistake in the parameters or a missing file is reported without the wait for TensorFlow.
    from autoencoders.networks import recurrent, runtime, storage
    from autoencoders.training.fit import Diverged, Training, fit

    runtime.deterministic(sequence.seed)
    model = recurrent.predictor(name, given.shape[1:], targets.shape[1], sequence.units)
    n_parameters = model.count_params()
    print(f"{name}: {n_parameters:,} parameters, {len(images):,} images", flush=True)
    try:
        training = Training.of(sequence.model_dump(), loss="binary_crossentropy")
        losses = fit(model, images, targets, preparation, training)["loss"]
    except Diverged as error:
        raise InputError(error.sentence(name, f"sequence.{name}.learning_rate")) from None

    outputs = (
        files.models(name),
        files.data("sequence", name),
        files.plots("sequence", name),
        files.metrics("sequence", f"{name}.json"),
    )
    with files.whole(*outputs) as (folder, tables, plots, metrics):
        storage.save(model, folder)
        storage.save_graphs(model, folder, preparation, stored.shape[1:])
        found = {"network": Codec(folder).reconstruct(stored)}
        found |= sequences.baselines(given, preparation(images), targets)
        scores = {method: sequences.scores(hidden, predicted) for method, predicted in found.items()}
        files.write_json(folder / "parameters.json", sequence.model_dump())
        history = pd.DataFrame({"epoch": range(1, len(losses) + 1), "loss": losses})
        history.to_csv(folder / "history.csv", index=False)
        table = pd.DataFrame(scores).T.rename_axis("method")
        table.to_csv(tables / "scores.csv", float_format="%.6g")
        about = {"source": source, "parameters": n_parameters, "loss": losses[-1]}
        flat = {f"{method}_{score}": value for method, values in scores.items() for score, value in values.items()}
        files.write_json(metrics, about | flat)
        shown = varied(labels, sequence.shown, len(test))
        rows = _rows(given[shown], hidden[shown], {method: predicted[shown] for method, predicted in found.items()})
        title = f"The upper {sequence.rows} rows of test images given, the lower {hidden.shape[1]} predicted"
        figures.save(figures.image_rows(rows, title=title), plots / "predictions.png")


def _rows(given: np.ndarray, hidden: np.ndarray, found: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return whole images: below the given rows nothing, what the network predicts, the truth, the baselines."""
    lower = {"given": np.full_like(hidden, UNSEEN), PREDICTED: found["network"], "true": hidden}
    lower |= {words(method): predicted for method, predicted in found.items() if method != "network"}
    return {name: np.concatenate([given, rows], axis=1) for name, rows in lower.items()}


if __name__ == "__main__":
    run(main)
