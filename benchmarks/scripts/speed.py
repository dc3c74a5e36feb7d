"""Images a second of this project's training in steady state, for the scripts that print it."""

import contextlib
import io
import math
import time

from autoencoders.networks import architectures, runtime
from autoencoders.training.fit import train
from stages.shared import prepared
from stages.shared.parameters import read
from stages.train import SIZES, TRAINING, parts

MOST_EPOCHS = 200


def network_and_images(name: str) -> tuple:
    """Return an autoencoder's block of `params.yaml` and the images that it is trained on."""
    recipe, block = read("recipe", f"autoencoders.{name}")
    return block, prepared.read(block.dataset, "images", *prepared.training_splits(block))


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
    block, images = network_and_images(name)
    preparation = prepared.preparation(block)
    settings = {**block.model_dump(include=TRAINING), "early_stopping": None, **settings}
    if "precision" in settings:
        settings["precision"] = runtime.available_precision(settings["precision"])
    settings["parts"] = parts(block, settings["batch_size"])

    def timed(epochs: int) -> tuple[float, float]:
        runtime.deterministic(block.seed)
        sizes = block.model_dump(include=SIZES | ({"seed"} if hasattr(block, "kl_weight") else set()))
        network = architectures.build(block.kind, name, preparation.shape(images.shape[1:]), **sizes)
        start = time.perf_counter()
        with contextlib.redirect_stdout(io.StringIO()):
            history = train(network, images, None, preparation, **{**settings, "epochs": epochs})
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
