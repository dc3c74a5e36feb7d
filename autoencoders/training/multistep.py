"""A model that trains on many batches in one call of TensorFlow, without going back to Python between them."""

from itertools import pairwise

from autoencoders.networks.runtime import keras, tf
from autoencoders.networks.variational import Sampling
from autoencoders.training.batches import Batches

# A batch goes through a convolutional network in two shards, side by side on two cores: a convolution of small images
# is so short that several threads in it mostly wait for each other. A constant and not the number of cores, since the
# gradients of shards are added and another number of shards rounds differently. Batches with fewer than
# SMALLEST_SHARD images for each shard stay whole.
SHARDS, SMALLEST_SHARD = 2, 8


def n_shards(network: keras.Model, batch_size: int) -> int:
    """Return into how many shards a network's batches are split while it trains: SHARDS or 1.

    Only networks with convolutions gain by it. A variational network adds a mean over the batch to the loss, which
    would count once for each shard; its batches stay whole.
    """
    convolves = any(isinstance(layer, keras.layers.Conv2D) for layer in network.layers)
    draws = any(isinstance(layer, Sampling) for layer in network.layers)
    return SHARDS if convolves and not draws and batch_size >= SHARDS * SMALLEST_SHARD else 1


class MultiStepModel(keras.Model):
    """A model whose `train_step` takes a chunk of many batches, as that many of Keras's own training steps.

    Keras's `steps_per_execution` is similar, but its input pipeline prepares each batch and hands it over. Here one
    program selects, prepares and trains on the batches of a chunk.

    Attributes
    ----------
    batches : Batches
        Makes batches of the chunks; set it before training.
    shards : int
        A batch goes through the network in this many shards, see `n_shards`; set it before training.
    """

    batches: Batches
    shards = 1

    def call(self, inputs, training=None, mask=None):
        """Return the outputs for `inputs` [n, …], as any Keras model does."""
        if not training or self.shards == 1 or inputs.shape[0] < self.shards:
            return super().call(inputs, training=training, mask=mask)
        n = inputs.shape[0]
        ends = [n * number // self.shards for number in range(self.shards + 1)]
        outputs = [super(MultiStepModel, self).call(inputs[start:end], training=True) for start, end in pairwise(ends)]
        if all(each.op.type == "Sigmoid" for each in outputs):
            # Keras takes a cross-entropy from the logits if the outputs come straight from a sigmoid: join the logits
            # of the shards, and not their sigmoids.
            return keras.activations.sigmoid(tf.concat([each.op.inputs[0] for each in outputs], axis=0))
        return tf.concat(outputs, axis=0)

    def train_step(self, data):
        """Train on one element (chunk, key) of `Batches.chunks`; return the metrics of the epoch so far."""
        chunk, key = data
        n, size, remainder = tf.shape(chunk[0])[0], self.batches.batch_size, self.batches.remainder

        def step(start: tf.Tensor, size: int) -> tf.Tensor:
            super(MultiStepModel, self).train_step(self.batches.batch(chunk, key, start, size))
            return start + size

        tf.while_loop(lambda start: start + size <= n, lambda start: step(start, size), [tf.constant(0)])
        if remainder:
            tf.cond(n % size > 0, lambda: step(n - remainder, remainder), lambda: n)
        return self.get_metrics_result()
