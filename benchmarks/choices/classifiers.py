"""A trial of a classifier: trained on the training images alone, scored by the validation images."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from autoencoders.images.preparation import Preparation, one_hot
from benchmarks.choices.images import Images


def accuracy(images: Images, block: Mapping[str, Any], n: int, seed: int) -> dict[str, float]:
    """Return the accuracy on the validation images after training on the first `n` training images.

    Parameters
    ----------
    images : Images
    block : mapping
        A block of `classifiers` in params.yaml, whole, with the values of one recipe.
    n : int
    seed : int
        Takes the place of the block's.
    """
    # Only now: TensorFlow takes seconds to import, which trials of patches need not wait for.
    from autoencoders.networks import architectures, runtime
    from autoencoders.training.fit import Diverged, Training, fit

    seen = images.first(n)
    preparation, targets = Preparation(block["colour"], flat=True), one_hot(seen.train_labels, images.n_classes)
    runtime.deterministic(seed)
    shape = preparation.shape(seen.train.shape[1:])
    network = architectures.build("classifier", "classifier", shape, {**block, "n_classes": images.n_classes})
    try:
        fit(network, seen.train, targets, preparation, Training.of(block, seed=seed))
    except Diverged:
        return {"accuracy": 0.0}
    predicted = np.asarray(network(preparation(images.validation))).argmax(axis=1)
    return {"accuracy": float(np.mean(predicted == images.validation_labels))}
