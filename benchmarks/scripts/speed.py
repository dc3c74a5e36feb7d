"""Images a second of this project's training in steady state, for the scripts that print it."""

import contextlib
import io
import math
import time

from autoencoders.networks import architectures, runtime
from autoencoders.training.fit import Training, fit
from stages.shared import prepared
from stages.shared.parameters import read

MOST_EPOCHS = 200


def training_speed(name: str, settings: dict, seconds: float) -> dict:
    """Return the images a second at which an autoencoder trains, and its final loss.

    The training of one epoch is taken from a longer one: what a training costs once (tracing, preparing) falls out of
    the difference.

    Parameters
    ----------
    name : str
        The autoencoder's, in the `params.yaml` of the working directory.
    settings : dict
        Replaces what the block says of training.
    seconds : float
        What the epochs that remain should last at least.
    """
    (block,) = read(f"autoencoders.{name}")
    images = prepared.images(block.dataset, *prepared.training_splits(block))
    preparation = prepared.preparation(block)
    settings = {**block.model_dump(), "early_stopping": None, **settings}

    def timed(epochs: int) -> tuple[float, float]:
        runtime.deterministic(block.seed)
        network = architectures.build(block.kind, name, preparation.shape(images.shape[1:]), settings)
        start = time.perf_counter()
        with contextlib.redirect_stdout(io.StringIO()):
            history = fit(network, images, None, preparation, Training.of(settings, epochs=epochs))
        return time.perf_counter() - start, history["loss"][-1]

    timed(1)
    an_epoch = max(timed(2)[0] - timed(1)[0], seconds / MOST_EPOCHS)
    epochs = math.ceil(seconds / an_epoch)
    while True:
        (short, _), (long, loss) = timed(1), timed(1 + epochs)
        if long > short:
            break
        # Other work came between; more steps stand out from it.
        epochs *= 2
    return {"images_per_second": epochs * len(images) / (long - short), "epochs": 1 + epochs, "loss": loss}
