"""Print seconds of whole trainings by this project's `fit`, by Keras's on arrays, and by either without one trick.

The argument is JSON: way (a function of this module, or "fit") and networks (pairs of group and name). A line a
network: wall-clock and CPU seconds from compiling and tracing to the last step, without TensorFlow's import and without
validation.
"""

import contextlib
import io
import json
import sys
import time

import numpy as np

from autoencoders.images.preparation import Preparation, one_hot
from autoencoders.networks import architectures, runtime
from autoencoders.networks.runtime import keras
from autoencoders.training import batches, rearranged
from autoencoders.training import fit as project
from autoencoders.training.fit import Training
from stages.shared import prepared
from stages.shared.parameters import read

History = dict[str, list[float]]
N_CLASSES = 10


def keras_fit(
    network: keras.Model,
    images: np.ndarray,
    targets: np.ndarray | None,
    preparation: Preparation,
    training: Training,
) -> History:
    """Train by Keras's `fit` on prepared arrays, with as many steps a call as this project's `fit` takes."""
    inputs = preparation(images)
    model = keras.Model(network.input, network.output)
    model.compile(
        optimizer=project._optimizer(training, -(-len(images) // training.batch_size) * training.epochs),
        loss=training.loss,
        metrics=["categorical_accuracy"] if training.loss == "categorical_crossentropy" else [],
        steps_per_execution=max(batches.CHUNK // training.batch_size, 1),
        jit_compile=False,
    )
    wanted = inputs if targets is None else targets
    return model.fit(inputs, wanted, batch_size=training.batch_size, epochs=training.epochs, verbose=0).history


def keras_fit_rearranged(network: keras.Model, *arguments) -> History:
    """Train by Keras's `fit`, operations in the quicker order."""
    return keras_fit(keras.Model(network.input, rearranged.outputs(network)), *arguments)


def plain_order(*arguments) -> History:
    """Train by this project's `fit`, operations in the order in which the network has them."""
    rearranged.outputs = lambda network: network.output
    return project.fit(*arguments)


WAYS = {each.__name__: each for each in (project.fit, keras_fit, keras_fit_rearranged, plain_order)}


def timed(way: str, group: str, name: str, quick: bool = False) -> dict:
    """Return what the training of one network costs, and its final loss; with `quick` for one batch alone."""
    block = read(f"{group}.{name}")[0]
    splits = prepared.training_splits(block)
    images = np.asarray(prepared.images(block.dataset, *splits))
    targets = one_hot(prepared.labels(block.dataset, *splits), N_CLASSES) if group == "classifiers" else None
    preparation, settings = prepared.preparation(block), {**block.model_dump(), "n_classes": N_CLASSES}
    training = Training.of(settings, **({"epochs": 1} if quick else {}))
    if quick:
        images, targets = images[: block.batch_size], targets if targets is None else targets[: block.batch_size]
    runtime.deterministic(block.seed)
    network = architectures.build(block.kind, name, preparation.shape(images.shape[1:]), settings)
    wall, cpu = time.perf_counter(), time.process_time()
    with contextlib.redirect_stdout(io.StringIO()):
        history = WAYS[way](network, images, targets, preparation, training)
    found = {"seconds": time.perf_counter() - wall, "cpu_seconds": time.process_time() - cpu}
    return {"network": name, **found, "loss": history["loss"][-1]}


def main(way: str, networks: list[tuple[str, str]]) -> None:
    # What TensorFlow does once in a process is no part of a training.
    timed(way, *networks[0], quick=True)
    for group, name in networks:
        print(json.dumps(timed(way, group, name)), flush=True)


if __name__ == "__main__":
    main(**json.loads(sys.argv[1]))
