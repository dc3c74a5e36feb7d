"""Training a network on images that, but for small sets, stay uint8 until their batch is due."""

import sys
import time
from collections.abc import Callable
from contextlib import nullcontext

import numpy as np
from tqdm import tqdm

from autoencoders.core.errors import InputError
from autoencoders.core.rows import Rows
from autoencoders.images.preparation import Preparation
from autoencoders.networks import runtime
from autoencoders.networks.runtime import keras
from autoencoders.training import batches, rearranged
from autoencoders.training.multistep import Compiled, Stepping

NAMES = {"categorical_accuracy": "accuracy"}


def train(
    network: keras.Model,
    images: np.ndarray | Rows,
    targets: np.ndarray | None,
    preparation: Preparation,
    *,
    loss: str,
    optimizer: str,
    learning_rate: float,
    schedule: str,
    warmup: float,
    batch_size: int,
    epochs: int,
    seed: int,
    optimizer_options: dict | None = None,
    noise: float = 0.0,
    jit_compile: bool = False,
    precision: str = "float32",
    parts: int = 1,
    validation: tuple[np.ndarray | Rows, np.ndarray | None] | None = None,
    early_stopping: dict | None = None,
) -> dict[str, list[float]]:
    """Train `network` in place and return its history.

    Parameters
    ----------
    network : keras.Model
        A classifier or an autoencoder of `autoencoders.networks.architectures`.
    images : ndarray or Rows of shape (n, height, width, channels), uint8
        Training images as stored. An array is held once more by TensorFlow, and all of its images are shuffled; rows
        are read as they are due, and shuffled within windows of some thousands that themselves are drawn from
        everywhere. See `autoencoders.training.batches.Feed`.
    targets : ndarray of shape (n, n_classes), float32, or None
        One-hot labels for a classifier; None for an autoencoder, whose targets are the images themselves.
    preparation : Preparation
        The form in which the network takes the images.
    loss : {"categorical_crossentropy", "binary_crossentropy", "mean_squared_error"}
        By Keras's names. Keras takes a cross-entropy from the logits where an activation gives its input.
    optimizer, learning_rate, schedule, warmup
        Keras's name of the optimizer; its highest rate; "constant", or "cosine" for a decay to zero over the
        whole training (Loshchilov and Hutter, 2017); the share of all steps in which the rate first rises
        from zero, for "cosine" only.
    optimizer_options : dict, optional
        The optimizer's other arguments, by Keras's names.
    batch_size, epochs : int
        Images a step; passes over all images, at most.
    seed : int
        Seeds the order of the images and the noise. Initial weights are the caller's matter.
    noise : float
        Standard deviation of Gaussian noise, in units of the full range of a pixel, drawn anew for each image
        each time and clipped to 0 to 1. Targets stay clean: a denoising autoencoder (Vincent et al., 2008).
    jit_compile : bool
        Let XLA compile the steps: worth its second or two where a network of dense layers trains for long. Other bytes
        than without it (a variational network draws other numbers), but the same each time. In bfloat16 on a processor
        all but the products, which it does more slowly than TensorFlow; see `runtime.fusing`.
    precision : {"float32", "bfloat16"}
        Of the products of dense layers; weights, their updates, activations of the output and the loss stay float32
        (Micikevicius et al., "Mixed precision training", 2018). See `runtime.available_precision`.
    parts : int
        A batch goes through the network in so many parts side by side; see `runtime.parts`. Not for a variational
        network, and in float32 alone.
    validation : tuple of (images, targets), optional
        Scored after each epoch.
    early_stopping : dict with patience and min_delta, optional
        Stop when the validation loss (the training loss without validation images) has not fallen by
        `min_delta` for `patience` epochs, and go back to the weights of the best epoch.

    Raises
    ------
    InputError
        If the optimizer has no such options.

    Returns
    -------
    dict of lists, one number an epoch
        `loss`, for classifiers `accuracy`, and with validation images the same with `validation_` before it.
        The training figures are running means over the epoch, as Keras reports them. Training ends early
        where the loss is no longer finite.
    """
    n_batches = -(-len(images) // batch_size)
    rate = _rate(learning_rate, schedule, warmup, n_batches * epochs)
    whole = jit_compile and runtime.compiles_whole(precision)
    model = _to_train(network, whole, precision)
    model.compile(
        optimizer=_optimizer(optimizer, rate, optimizer_options or {}),
        loss=loss,
        metrics=["categorical_accuracy"] if loss == "categorical_crossentropy" else [],
        jit_compile=whole,
    )
    model.parts = parts
    portion = batches.PORTION_COMPILED if jit_compile else batches.PORTION
    model.feed = batches.Feed(images, targets, preparation, batch_size, seed=seed, noise=noise, portion=portion)
    callbacks = [keras.callbacks.TerminateOnNaN(), Progress(len(images), model.feed.per_portion, epochs)]
    if early_stopping:
        monitor = "val_loss" if validation else "loss"
        callbacks.append(keras.callbacks.EarlyStopping(monitor, restore_best_weights=True, **early_stopping))
    with runtime.fusing() if jit_compile and not whole else nullcontext():
        history = model.fit(
            model.feed.portions,
            validation_data=batches.in_order(*validation, preparation, 1000) if validation else None,
            epochs=epochs,
            steps_per_epoch=model.feed.n_portions,
            # Said for the sake of Keras: the data set above draws the order itself.
            shuffle=False,
            callbacks=callbacks,
            verbose=0,
        ).history
    if precision == "bfloat16":
        network.set_weights(model.get_weights())
    return {_name(key): [float(value) for value in values] for key, values in history.items()}


def _to_train(network: keras.Model, compiled: bool, precision: str) -> Stepping:
    """Return a model of its own, so that the optimizer's state stays out of what the caller saves.

    It computes with the network's weights, in a quicker order where there is one; for bfloat16 with copies of them.
    """
    outputs, inputs = rearranged.outputs(network), network.input
    if precision == "bfloat16":
        last = network.layers[-1]

        def copy(layer: keras.Layer) -> keras.Layer:
            config = layer.get_config()
            if isinstance(layer, keras.layers.Dense):
                config["dtype"] = "mixed_bfloat16"
            if layer is last:
                config["activation"] = "linear"
            return type(layer).from_config(config)

        copied = keras.models.clone_model(network, clone_function=copy)
        copied.set_weights(network.get_weights())
        inputs = copied.input
        outputs = keras.layers.Activation(last.activation, dtype="float32", name="float32")(copied.output)
    return (Compiled if compiled else Stepping)(inputs, outputs)


def _rate(
    learning_rate: float, schedule: str, warmup: float, steps: int
) -> float | keras.optimizers.schedules.LearningRateSchedule:
    if schedule == "constant":
        return learning_rate
    rising = round(steps * warmup)
    if not rising:
        return keras.optimizers.schedules.CosineDecay(learning_rate, steps)
    return keras.optimizers.schedules.CosineDecay(0.0, steps - rising, warmup_target=learning_rate, warmup_steps=rising)


def _optimizer(name: str, rate: object, options: dict) -> keras.optimizers.Optimizer:
    try:
        return keras.optimizers.get({"class_name": name, "config": {"learning_rate": rate, **options}})
    except (TypeError, ValueError):
        raise InputError(
            f"optimizer_options {options} are not what Keras's optimizer '{name}' takes; see its documentation."
        ) from None


def _name(key: str) -> str:
    prefix, plain = ("validation_", key[4:]) if key.startswith("val_") else ("", key)
    return prefix + NAMES.get(plain, plain)


class Progress(keras.callbacks.Callback):
    """Show a bar in a terminal, or a line an epoch in a log, with the scores, images a second and time left."""

    def __init__(self, n_images: int, per_portion: int, epochs: int, clock: Callable[[], float] = time.perf_counter):
        super().__init__()
        self.n_images, self.per_portion, self.epochs, self.clock = n_images, per_portion, epochs, clock

    def on_train_begin(self, logs=None):
        self.start = self.clock()
        self.bar = tqdm(total=self.epochs * self.n_images, unit=" images", disable=not sys.stderr.isatty())

    def on_epoch_begin(self, epoch, logs=None):
        self.before = epoch * self.n_images

    def on_train_batch_end(self, batch, logs=None):
        # What Keras takes for a batch is a portion.
        self.bar.update(self.before + min((batch + 1) * self.per_portion, self.n_images) - self.bar.n)

    def on_epoch_end(self, epoch, logs=None):
        done = epoch + 1
        elapsed = self.clock() - self.start
        speed = done * self.n_images / elapsed
        scores = "  ".join(f"{_name(key)} {value:.4f}" for key, value in (logs or {}).items())
        line = f"epoch {done}/{self.epochs}  {scores}  {speed:,.0f} images/s"
        if self.bar.disable:
            print(f"{line}  {elapsed / done * (self.epochs - done):.0f} s left", flush=True)
        else:
            self.bar.set_postfix_str(line)

    def on_train_end(self, logs=None):
        self.bar.close()
