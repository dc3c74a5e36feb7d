"""Train one classifier at several learning rates, to see the error fall, crawl or diverge (Figure 5.14)."""

import numpy as np
import pandas as pd

from autoencoders.images.preparation import one_hot
from autoencoders.pages import figures
from stages.shared import files, labelled, prepared
from stages.shared.parameters import read
from stages.shared.running import run


def main(name: str) -> None:
    """Train the classifier of `learning_rates.<name>` in `params.yaml` once at each of its rates.

    Reads data/prepared/<dataset>, training images alone. Writes plots/learning_rates/<name>.csv (a row an epoch of each
    rate) and plots/learning_rates/<name>. A rate that diverges keeps its curve up to there.
    """
    (trial,) = read(f"learning_rates.{name}")
    images = prepared.images(trial.dataset, "train")
    key = f"learning_rates.{name}.dataset"
    n_classes = len(labelled.classes(trial.dataset, key))
    targets = one_hot(labelled.labels(trial.dataset, key, "train"), n_classes)
    preparation = prepared.preparation(trial)

    # Only now: a mistake in the parameters or a missing file is reported without the wait for TensorFlow.
    from autoencoders.networks import architectures, runtime
    from autoencoders.training.fit import Diverged, Training, fit

    settings = trial.model_dump()
    losses = {}
    for rate in trial.rates:
        # The same initial weights and the same order of images for each rate.
        runtime.deterministic(trial.seed)
        shape = preparation.shape(images.shape[1:])
        model = architectures.build(trial.kind, "classifier", shape, settings | {"n_classes": n_classes})
        training = Training.of(settings, loss="categorical_crossentropy", learning_rate=rate)
        print(f"learning rate {rate:g}", flush=True)
        try:
            history = fit(model, images, targets, preparation, training)
        except Diverged as error:
            history = error.history
        losses[f"{rate:g}"] = history["loss"]

    outputs = files.plots("learning_rates", name), files.plots("learning_rates", f"{name}.csv")
    with files.whole(*outputs) as (plots, table):
        parts = [
            pd.DataFrame({"curve": rate, "epoch": range(1, len(values) + 1), "loss": values})
            for rate, values in losses.items()
        ]
        pd.concat(parts).to_csv(table, index=False)
        epochs = {rate: range(1, len(values) + 1) for rate, values in losses.items()}
        # A guess at random has a loss of log(n_classes); a rate that diverges would flatten the others below it.
        finite = [loss for values in losses.values() for loss in values if np.isfinite(loss)]
        guess = float(np.log(n_classes))
        limits = (0.95 * min([*finite, guess]), 1.3 * guess)
        title = f"One classifier, {trial.optimizer} at several learning rates"
        figure = figures.curves(epochs, losses, "epoch", "training loss", title, limits)
        figures.save(figure, plots / "losses.png")


if __name__ == "__main__":
    run(main)
