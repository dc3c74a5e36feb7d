"""Train one network, a classifier or an autoencoder."""

import numpy as np
import pandas as pd

from autoencoders.core.errors import InputError
from autoencoders.images.preparation import one_hot
from stages.shared import files, prepared
from stages.shared.parameters import read
from stages.shared.running import run

TRAINING = {
    "loss",
    "optimizer",
    "optimizer_options",
    "learning_rate",
    "schedule",
    "warmup",
    "batch_size",
    "epochs",
    "early_stopping",
    "noise",
    "jit_compile",
    "seed",
}
SIZES = {"units", "filters", "kernel_size", "activation", "code_activation", "output_activation", "kl_weight"}


def parts(network: object, batch_size: int) -> int:
    """Return in how many parts a batch of a network, a block of `params.yaml`, goes through it."""
    from autoencoders.networks import runtime

    splits = network.kind in ("convolutional", "strided") and not getattr(network, "kl_weight", 0)
    return runtime.parts(batch_size) if splits else 1


def main(group: str, name: str) -> None:
    if group not in ("classifiers", "autoencoders"):
        raise InputError(f"'{group}' is no group of networks; use 'classifiers' or 'autoencoders'.")
    recipe, protocol, in_memory, network = read("recipe", "protocol", "in_memory", f"{group}.{name}")
    described = prepared.describe(network.dataset)
    n_classes = len(described["classes"])
    classifies = network.kind == "classifier"
    splits = prepared.training_splits(network, "held-out" if classifies else protocol)
    images = prepared.held(prepared.image_rows(network.dataset, *splits), in_memory)
    targets = one_hot(prepared.labels(network.dataset, *splits), n_classes) if classifies else None
    validation = None
    if network.validation:
        held_out = prepared.held(prepared.image_rows(network.dataset, "validation"), in_memory)
        labels = prepared.labels(network.dataset, "validation")
        validation = (held_out, one_hot(labels, n_classes) if classifies else None)

    # Only now: a mistake in the parameters or a missing file is reported without the wait for TensorFlow.
    from autoencoders.networks import architectures, runtime, storage
    from autoencoders.training.fit import train

    settings = network.model_dump(include=TRAINING)
    if hasattr(network, "precision"):
        settings["precision"] = runtime.available_precision(network.precision)
    settings["parts"] = parts(network, network.batch_size)
    runtime.deterministic(network.seed)
    preparation = prepared.preparation(network)
    model = architectures.build(
        network.kind,
        name,
        preparation.shape(images.shape[1:]),
        n_classes=n_classes,
        **network.model_dump(include=SIZES | ({"seed"} if hasattr(network, "kl_weight") else set())),
    )
    print(f"{name}: {model.count_params():,} parameters, {len(images):,} images, recipe {recipe}", flush=True)
    history = train(model, images, targets, preparation, validation=validation, **settings)
    # The last loss is from before the last step, which may be the one that breaks the weights.
    if not all(np.isfinite(values).all() for values in (history["loss"], *model.get_weights())):
        raise InputError(
            f"the training of {name} diverged by epoch {len(history['loss'])}; "
            f"lower {group}.{name}.learning_rate, which is {network.learning_rate:g}."
        )

    with files.whole(files.models(name), files.metrics("train", f"{name}.json")) as (folder, metrics):
        storage.save(model, folder)
        files.write_json(folder / "parameters.json", {"recipe": recipe, "protocol": protocol, **network.model_dump()})
        table = pd.DataFrame(history)
        table.insert(0, "epoch", range(1, len(table) + 1))
        table.to_csv(folder / "history.csv", index=False)
        # Early stopping goes back to the weights of the best epoch; without it, they are those of the last.
        monitored = history["validation_loss" if validation else "loss"]
        kept = int(np.argmin(monitored)) if network.early_stopping else -1
        scores = {key: values[kept] for key, values in history.items()}
        described = {"source": described["source"], "recipe": recipe, "parameters": model.count_params()}
        # The processor's part in the result: without bfloat16 of its own it trains in float32.
        described |= {key: settings[key] for key in ("precision",) if key in settings}
        files.write_json(metrics, {**described, "epochs": len(table), **scores})


if __name__ == "__main__":
    run(main)
