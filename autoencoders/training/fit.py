"""Training a network: `Training` says how, `fit` does it, `Diverged` says that it failed."""

import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np

from autoencoders.core.errors import InputError
from autoencoders.core.rows import Rows
from autoencoders.images.preparation import Preparation
from autoencoders.networks.runtime import keras
from autoencoders.training import batches, rearranged

# What the history calls Keras's metrics.
NAMES = {"categorical_accuracy": "accuracy"}
# Images of a batch in validation; the weights do not depend on it.
VALIDATION_BATCH = 1000


@dataclass(frozen=True, kw_only=True)
class Training:
    """How a network is trained.

    Parameters
    ----------
    loss : {"categorical_crossentropy", "binary_crossentropy", "mean_squared_error"}
        By Keras's names. Keras takes a cross-entropy from the logits if the last layer has softmax or sigmoid.
    optimizer : str
        Keras's name of the optimizer: "sgd", "adam", "muon", ….
    optimizer_options : mapping
        The optimizer's other arguments, by Keras's names.
    learning_rate : float
        Above 0; the highest rate of the schedule.
    schedule : {"constant", "cosine"}
        "cosine" decays the rate to zero over the whole training (Loshchilov and Hutter, "SGDR", 2017).
    warmup : float
        In [0, 1): the share of all steps in which the rate first rises from zero; for "cosine" only.
    batch_size : int
        At least 1: images of a step.
    epochs : int
        At least 1: passes over all images, at most.
    early_stopping : mapping with `patience` and `min_delta`, or None
        Stop when the validation loss (the training loss if there are no validation images) has not fallen by
        `min_delta` for `patience` epochs, and return to the weights of the best epoch.
    noise : float
        At least 0: standard deviation of Gaussian noise on the inputs, in units of the full range of a pixel, drawn
        anew for each image in each epoch; noisy inputs are clipped to [0, 1]. Targets stay clean: a denoising
        autoencoder (Vincent et al., "Extracting and composing robust features with denoising autoencoders", 2008).
    seed : int
        In [0, 2**32): seeds the order of the images and the noise. `runtime.deterministic` seeds the initial weights.
    """

    loss: str
    optimizer: str
    optimizer_options: Mapping[str, Any] = field(default_factory=dict)
    learning_rate: float
    schedule: str = "constant"
    warmup: float = 0.0
    batch_size: int
    epochs: int
    early_stopping: Mapping[str, float] | None = None
    noise: float = 0.0
    seed: int

    @classmethod
    def of(cls, settings: Mapping[str, Any], **changes: Any) -> "Training":
        """Return the training that `settings`, with `changes` in place of its own values, describe.

        Keys that are no field of this class, such as those of the architecture, are left out.
        """
        names = {each.name for each in fields(cls)}
        return cls(**{key: value for key, value in {**settings, **changes}.items() if key in names})


class Diverged(InputError):
    """A training whose loss or weights are no longer finite.

    Attributes
    ----------
    history : dict of lists
        As `fit` would have returned it; the last loss may be infinite or not a number.
    learning_rate : float
        The highest rate of the training.
    """

    def __init__(self, network: str, history: dict[str, list[float]], learning_rate: float):
        self.history, self.learning_rate = history, learning_rate
        super().__init__(self.sentence(network, "learning_rate"))

    def sentence(self, network: str, parameter: str) -> str:
        """Return what to tell a user who knows the network and its learning rate by these names."""
        return (
            f"the training of {network} diverged by epoch {len(self.history['loss'])}; "
            f"lower {parameter}, which is {self.learning_rate:g}."
        )


def fit(
    network: keras.Model,
    images: np.ndarray | Rows,
    targets: np.ndarray | None,
    preparation: Preparation,
    training: Training,
    validation: tuple[np.ndarray | Rows, np.ndarray | None] | None = None,
) -> dict[str, list[float]]:
    """Train `network` in place and return its history.

    Parameters
    ----------
    network : keras.Model
        A network of `autoencoders.networks`.
    images : ndarray or Rows of shape (n, height, width, channels), uint8
        Training images. TensorFlow copies an array and shuffles all of its images. Rows are read chunk by chunk, and
        shuffled within windows of some thousands of images that are drawn from everywhere. See `batches.shuffled`.
    targets : ndarray of shape (n, …), float32, or None
        One-hot labels [n, n_classes] for a classifier; None for an autoencoder, whose targets are its images.
    preparation : Preparation
        The form in which the network takes the images.
    training : Training
        How to train.
    validation : tuple of (images, targets), optional
        Scored after each epoch.

    Returns
    -------
    dict of lists, one float an epoch
        `loss`, for classifiers `accuracy`, and with validation images the same with `validation_` before it. The
        training scores are running means over the epoch, as Keras reports them.

    Raises
    ------
    Diverged
        If the loss or the weights are no longer finite.
    InputError
        If the optimizer has no such options.
    """
    n_steps = -(-len(images) // training.batch_size) * training.epochs
    # A model of its own around the network's layers, so that the optimizer's state stays out of what the caller saves.
    model = keras.Model(network.input, rearranged.outputs(network))
    model.compile(
        optimizer=optimizer(training, n_steps),
        loss=training.loss,
        metrics=["categorical_accuracy"] if training.loss == "categorical_crossentropy" else [],
        jit_compile=False,
        steps_per_execution=steps_a_call(training),
    )
    with warnings.catch_warnings():
        # Keras warns of each data set whose number of batches it does not know; for that number see `shuffled`.
        warnings.filterwarnings("ignore", "Your input ran out of data", UserWarning)
        history = model.fit(
            batches.shuffled(
                images, targets, preparation, training.batch_size, seed=training.seed, noise=training.noise
            ),
            validation_data=batches.in_order(*validation, preparation, VALIDATION_BATCH) if validation else None,
            epochs=training.epochs,
            # Keras cannot shuffle a data set, and warns unless it is told not to; the batches are shuffled already.
            shuffle=False,
            callbacks=callbacks(training, len(images), bool(validation)),
            verbose=0,
        ).history
    return finished(network, history, training)


def finished(
    network: keras.Model, history: Mapping[str, Sequence[float]], training: Training
) -> dict[str, list[float]]:
    """Return Keras's history of a training as `fit` does, or raise its `Diverged`."""
    found = {_name(key): [float(value) for value in values] for key, values in history.items()}
    # The last loss is from before the last step, which may be the one that breaks the weights.
    if not all(np.isfinite(values).all() for values in (found["loss"], *network.get_weights())):
        raise Diverged(network.name, found, training.learning_rate)
    return found


def kept_epoch(history: dict[str, list[float]], training: Training) -> dict[str, float]:
    """Return the scores of the epoch whose weights `fit` left: the best with early stopping, otherwise the last."""
    monitored = history.get("validation_loss", history["loss"])
    kept = int(np.argmin(monitored)) if training.early_stopping else -1
    return {key: values[kept] for key, values in history.items()}


def steps_a_call(training: Training) -> int:
    """Return how many steps one call of TensorFlow makes, about a chunk of images.

    A signal and a loss that is no number are noticed after each call. Of a single step Keras takes another path, which
    draws other orders.
    """
    return max(batches.CHUNK // training.batch_size, 2)


def callbacks(training: Training, n_images: int, validates: bool) -> list[keras.callbacks.Callback]:
    """Return what ends a training early and what prints its progress, as Keras calls it."""
    found = [keras.callbacks.TerminateOnNaN(), Progress(n_images, training.epochs)]
    if training.early_stopping:
        monitor = "val_loss" if validates else "loss"
        found.append(
            keras.callbacks.EarlyStopping(monitor, restore_best_weights=True, **training.early_stopping),
        )
    return found


def optimizer(training: Training, n_steps: int) -> keras.optimizers.Optimizer:
    """Return the optimizer of a training of so many steps, with its schedule.

    Raises
    ------
    InputError
        If the optimizer has no such options.
    """
    if "learning_rate" in training.optimizer_options:
        raise InputError("optimizer_options has a learning_rate, which would replace learning_rate; remove it there.")
    options = {"learning_rate": _rate(training, n_steps), **training.optimizer_options}
    try:
        return keras.optimizers.get({"class_name": training.optimizer, "config": options})
    except (TypeError, ValueError):
        raise InputError(
            f"optimizer_options {dict(training.optimizer_options)} are not what Keras's optimizer "
            f"'{training.optimizer}' takes; see its documentation."
        ) from None


def _rate(training: Training, n_steps: int) -> float | keras.optimizers.schedules.LearningRateSchedule:
    """Return the learning rate of each of `n_steps` steps."""
    if training.schedule == "constant":
        return training.learning_rate
    rising = round(n_steps * training.warmup)
    if not rising:
        return keras.optimizers.schedules.CosineDecay(training.learning_rate, n_steps)
    return keras.optimizers.schedules.CosineDecay(
        0.0, n_steps - rising, warmup_target=training.learning_rate, warmup_steps=rising
    )


def _name(key: str) -> str:
    prefix, plain = ("validation_", key[4:]) if key.startswith("val_") else ("", key)
    return prefix + NAMES.get(plain, plain)


class Progress(keras.callbacks.Callback):
    """Print a line an epoch: its scores, images a second and seconds left."""

    def __init__(self, n_images: int, epochs: int, clock: Callable[[], float] = time.perf_counter):
        super().__init__()
        self.n_images, self.epochs, self.clock = n_images, epochs, clock

    def on_train_begin(self, logs=None):
        self.start = self.clock()

    def on_epoch_end(self, epoch, logs=None):
        done, elapsed = epoch + 1, self.clock() - self.start
        scores = "  ".join(f"{_name(key)} {value:.4f}" for key, value in (logs or {}).items())
        speed, left = done * self.n_images / elapsed, elapsed / done * (self.epochs - done)
        print(f"epoch {done}/{self.epochs}  {scores}  {speed:,.0f} images/s  {left:.0f} s left", flush=True)
