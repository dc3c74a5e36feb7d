"""Training one network on several machines at once: each works on its part of every batch.

TensorFlow's `MultiWorkerMirroredStrategy` holds the weights on every worker and adds up the gradients. Keras's own
`fit` fails under it (https://github.com/keras-team/keras/issues/20585), so that the loop over the steps is written
here. Every worker goes through the same batches, in the order and with the noise of the experiment's seed, and computes
the losses of its own images divided by the size of the whole batch. The sum over the workers is then the gradient that
one process computes, but for the rounding of sums.
"""

import json
import math
import os
from collections.abc import Sequence

import numpy as np

from autoencoders.core.errors import InputError
from autoencoders.core.rows import Rows
from autoencoders.images.preparation import Preparation
from autoencoders.networks import variational
from autoencoders.networks.runtime import keras, tf
from autoencoders.training import batches, fit, rearranged

Batch = tuple["tf.Tensor", "tf.Tensor"]


def strategy_of(addresses: Sequence[str], index: int) -> "tf.distribute.MultiWorkerMirroredStrategy":
    """Connect to the other workers, and return what joins their training.

    TensorFlow waits for all of them, for about an hour, and listens at the port of its own address. It has to be asked
    before its first operation in this process.

    Parameters
    ----------
    addresses : sequence of str
        Each worker's `host:port`, in the same order on every worker.
    index : int
        This worker's place among them, from 0.

    Raises
    ------
    InputError
        If a worker has several accelerators.
    """
    cluster = {"cluster": {"worker": list(addresses)}, "task": {"type": "worker", "index": index}}
    os.environ["TF_CONFIG"] = json.dumps(cluster)
    strategy = tf.distribute.MultiWorkerMirroredStrategy()
    if strategy.num_replicas_in_sync != len(addresses):
        raise InputError(
            f"{strategy.num_replicas_in_sync} accelerators train on {len(addresses)} workers; set "
            f"CUDA_VISIBLE_DEVICES so that each worker sees one at most."
        )
    return strategy


def fit_part(
    strategy: "tf.distribute.MultiWorkerMirroredStrategy",
    network: keras.Model,
    images: np.ndarray | Rows,
    targets: np.ndarray | None,
    preparation: Preparation,
    training: "fit.Training",
    validation: tuple[np.ndarray | Rows, np.ndarray | None] | None = None,
) -> dict[str, list[float]]:
    """Train `network` in place together with the other workers, which call this with the same arguments.

    Parameters
    ----------
    strategy : MultiWorkerMirroredStrategy
        From `strategy_of`.
    network : keras.Model
        Made in the strategy's scope, by the same seed on each worker.
    images, targets, preparation, training, validation
        As `autoencoders.training.fit.fit` takes them: all images, and not this worker's part alone.

    Returns
    -------
    dict of lists, one float an epoch
        As `fit` returns it; the same on every worker.

    Raises
    ------
    Diverged, InputError
        As `fit` does.
    tensorflow.errors.OpError
        If another worker is gone.
    """
    with strategy.scope():
        work = _Work(strategy, network, training, len(images))
    callbacks = keras.callbacks.CallbackList(
        fit.callbacks(training, len(images), bool(validation)), add_history=True, model=work.model
    )
    shuffled = batches.shuffled(
        images, targets, preparation, training.batch_size, seed=training.seed, noise=training.noise
    )
    scored = batches.in_order(*validation, preparation, fit.VALIDATION_BATCH) if validation else None
    work.model.stop_training = False
    callbacks.on_train_begin()
    for epoch in range(training.epochs):
        callbacks.on_epoch_begin(epoch)
        logs = work.train(shuffled, callbacks)
        if validation:
            logs |= {f"val_{key}": value for key, value in work.score(scored, len(validation[0])).items()}
        callbacks.on_epoch_end(epoch, logs)
        if work.model.stop_training:
            break
    callbacks.on_train_end()
    return fit.finished(network, work.model.history.history, training)


class _Work:
    """The steps of one training on this worker."""

    def __init__(self, strategy, network: keras.Model, training: "fit.Training", n_images: int):
        self.strategy, self.training, self.n_images = strategy, training, n_images
        self.index, self.n_workers = strategy.cluster_resolver.task_id, strategy.num_replicas_in_sync
        self.model = keras.Model(network.input, rearranged.outputs(network))
        self.batch_size = min(training.batch_size, n_images)
        self.n_steps = math.ceil(n_images / self.batch_size)
        self.optimizer = fit.optimizer(training, self.n_steps * training.epochs)
        self.optimizer.build(self.model.trainable_variables)
        self.loss = keras.losses.get(training.loss)
        self.names = ["loss"]
        if training.loss == "categorical_crossentropy":
            self.names.append("categorical_accuracy")
        self._steps, self._scores = tf.function(self._train_steps), tf.function(self._score_batches)

    def train(self, data: "tf.data.Dataset", callbacks: keras.callbacks.CallbackList) -> dict[str, float]:
        """Train for an epoch and return the running means of its scores."""
        iterator, sums, means = iter(data), np.zeros(len(self.names)), {}
        at_once = fit.steps_a_call(self.training)
        for first in range(0, self.n_steps, at_once):
            end = min(first + at_once, self.n_steps)
            callbacks.on_train_batch_begin(first)
            sums += self._steps(iterator, tf.constant(end - first)).numpy()
            means = self._means(sums, min(end * self.batch_size, self.n_images))
            callbacks.on_train_batch_end(end - 1, means)
            if self.model.stop_training:
                break
        return means

    def score(self, data: "tf.data.Dataset", n_images: int) -> dict[str, float]:
        """Return the means of the scores over validation images."""
        n_batches = tf.constant(math.ceil(n_images / fit.VALIDATION_BATCH))
        return self._means(self._scores(iter(data), n_batches).numpy(), n_images)

    def _means(self, sums: np.ndarray, n: int) -> dict[str, float]:
        return {name: float(value) / n for name, value in zip(self.names, sums, strict=True)}

    def _train_steps(self, iterator, count: "tf.Tensor") -> "tf.Tensor":
        return self._over(iterator, count, self._step)

    def _score_batches(self, iterator, count: "tf.Tensor") -> "tf.Tensor":
        return self._over(iterator, count, self._scored)

    def _over(self, iterator, count: "tf.Tensor", function) -> "tf.Tensor":
        """Return the sums of the scores of so many batches, over all workers."""
        sums = tf.zeros(len(self.names))
        for _ in tf.range(count):
            sums += self.strategy.run(function, next(iterator))
        return self.strategy.reduce(tf.distribute.ReduceOp.SUM, sums, axis=None)

    def _step(self, inputs: "tf.Tensor", targets: "tf.Tensor") -> "tf.Tensor":
        with tf.GradientTape() as tape:
            loss, sums = self._own(inputs, targets, training=True)
        variables = self.model.trainable_variables
        # The optimizer adds up the workers' gradients before it applies them.
        self.optimizer.apply(tape.gradient(loss, variables), variables)
        return sums

    def _scored(self, inputs: "tf.Tensor", targets: "tf.Tensor") -> "tf.Tensor":
        return self._own(inputs, targets, training=False)[1]

    def _own(self, inputs: "tf.Tensor", targets: "tf.Tensor", training: bool) -> tuple["tf.Tensor", "tf.Tensor"]:
        """Return this worker's share in a batch's loss, and the sums of the scores of its images."""
        size = tf.shape(inputs)[0]
        first, end = self.index * size // self.n_workers, (self.index + 1) * size // self.n_workers
        inputs, targets = inputs[first:end], targets[first:end]
        with variational.given_part(variational.Part(first, size, self.optimizer.iterations.value)):
            outputs = self.model(inputs, training=training)
        each = self.loss(targets, outputs)
        places = math.prod(each.shape[1:])
        n = tf.cast(size, each.dtype)
        loss = tf.add_n([tf.reduce_sum(each) / (n * places), *self.model.losses])
        sums = [loss * n]
        if "categorical_accuracy" in self.names:
            sums.append(tf.reduce_sum(keras.metrics.categorical_accuracy(targets, outputs)))
        return loss, tf.stack(sums)
