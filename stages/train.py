"""Train one network, a classifier or an autoencoder."""

import os

import numpy as np
import pandas as pd

from autoencoders.core.errors import InputError, arguments_of
from autoencoders.core.rows import Rows
from autoencoders.images.preparation import one_hot
from autoencoders.training.jobs import Job
from stages.shared import files, labelled, prepared
from stages.shared.parameters import read
from stages.shared.running import run

# Training images on which the graphs are compared with Keras.
COMPARED = 64


def main(group: str, name: str) -> None:
    """Train the network `name` of `group`, "classifiers" or "autoencoders".

    Reads data/prepared/<dataset>. Writes models/<name> (architecture, weights, ONNX graphs and how far they are from
    Keras, summary, history, the parameters in force) and metrics/train/<name>.json (the scores of the epoch whose
    weights are kept).

    Where DASK_SCHEDULER_ADDRESS names a Dask scheduler, one of its workers runs the whole stage, which gives the same
    bytes; a training that is long enough is shared by all workers, with losses that differ by rounding.
    """
    if group not in ("classifiers", "autoencoders"):
        raise InputError(f"'{group}' is no group of networks; use 'classifiers' or 'autoencoders'.")
    recipe, protocol, in_memory, network = read("recipe", "protocol", "in_memory", f"{group}.{name}")
    described = prepared.describe(network.dataset)
    classifies = network.kind == "classifier"
    key = f"{group}.{name}.dataset"
    n_classes = len(labelled.classes(network.dataset, key)) if classifies else 0

    def examples(*splits: str) -> tuple[Rows, np.ndarray | None]:
        images = prepared.image_rows(network.dataset, *splits)
        return images, one_hot(labelled.labels(network.dataset, key, *splits), n_classes) if classifies else None

    def held(images: Rows) -> np.ndarray | Rows:
        return prepared.held(images, in_memory)

    images, targets = examples(*prepared.training_splits(network, "held-out" if classifies else protocol))
    validation = examples("validation") if network.validation else None
    settings, preparation = network.model_dump() | {"n_classes": n_classes}, prepared.preparation(network)
    image_shape = images.shape[1:]
    shape = preparation.shape(image_shape)

    outcome = None
    if address := os.environ.get("DASK_SCHEDULER_ADDRESS"):
        # Dask takes a second to import.
        from stages.shared import trainers

        job = Job(
            kind=network.kind,
            name=name,
            settings=settings,
            images=images,
            targets=targets,
            preparation=preparation,
            validation=validation,
            memory=int(in_memory * 2**20),
            folder=os.getcwd(),
            root=trainers.ROOT,
        )
        with arguments_of(f"{group}.{name}"):
            outcome = trainers.trained(address, job, "stages.train", group, name)
        if outcome is None:
            return

    # Only now: a mistake in the parameters or a missing file is reported without the wait for TensorFlow.
    from autoencoders.networks import architectures, runtime, storage
    from autoencoders.training.fit import Diverged, Training, finished, fit, kept_epoch

    training = Training.of(settings)
    runtime.deterministic(network.seed)
    with arguments_of(f"{group}.{name}"):
        model = architectures.build(network.kind, name, shape, settings)
    n_parameters = model.count_params()
    print(f"{name}: {n_parameters:,} parameters, {len(images):,} images, recipe {recipe}", flush=True)
    try:
        if outcome is None:
            scored = (held(validation[0]), validation[1]) if validation else None
            history = fit(model, held(images), targets, preparation, training, scored)
        else:
            model.set_weights(outcome.weights)
            history = finished(model, outcome.history, training)
    except Diverged as error:
        raise InputError(error.sentence(name, f"{group}.{name}.learning_rate")) from None

    with files.whole(files.models(name), files.metrics("train", f"{name}.json")) as (folder, metrics):
        storage.save(model, folder)
        storage.save_graphs(model, folder, preparation, image_shape, denoises=getattr(network, "noise", 0) > 0)
        compared = images[:COMPARED]
        difference = storage.largest_difference(model, folder, preparation, compared)
        files.write_json(folder / "graphs.json", {"images": len(compared), "largest_difference_to_keras": difference})
        files.write_json(folder / "parameters.json", {"recipe": recipe, "protocol": protocol, **network.model_dump()})
        table = pd.DataFrame(history)
        table.insert(0, "epoch", range(1, len(table) + 1))
        table.to_csv(folder / "history.csv", index=False)
        about = {"source": described["source"], "recipe": recipe, "parameters": n_parameters, "epochs": len(table)}
        files.write_json(metrics, about | kept_epoch(history, training))


if __name__ == "__main__":
    run(main)
