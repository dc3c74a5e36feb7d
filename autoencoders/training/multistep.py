"""Models whose training goes through many batches at a time, without going back to Python between them."""

from itertools import pairwise

from autoencoders.networks.runtime import keras, tf
from autoencoders.training.batches import Feed


class Stepping(keras.Model):
    """A model that takes a portion of images in one call of `train_step`, as so many of Keras's own steps.

    Keras's `steps_per_execution` does nearly so. But there the input pipeline prepares each batch and hands it over,
    and what is compiled is one step; here all of that is one program, which is what small networks spend their time on.

    Attributes
    ----------
    feed : Feed
        Makes batches of the portions; to be set before training.
    parts : int
        In how many parts a batch goes through the network while it trains. They depend on each other in nothing, so
        that a processor may do them side by side. Not for a network that adds to the loss itself, as a variational one
        does.
    """

    feed: Feed
    parts = 1

    def call(self, inputs, training=None, mask=None):
        """Take inputs to outputs, as any Keras model does."""
        if not training or self.parts == 1 or inputs.shape[0] < self.parts:
            return super().call(inputs, training=training, mask=mask)
        n = inputs.shape[0]
        ends = [n * number // self.parts for number in range(self.parts + 1)]
        outputs = [super(Stepping, self).call(inputs[start:end], training=True) for start, end in pairwise(ends)]
        if all(each.op.type == "Sigmoid" for each in outputs):
            # Keras computes a cross-entropy from the sigmoid's input, if it finds that before the outputs.
            return keras.activations.sigmoid(tf.concat([each.op.inputs[0] for each in outputs], axis=0))
        return tf.concat(outputs, axis=0)

    def train_step(self, data):
        """Take (portion, key) of `Feed.portions` and return the metrics of the epoch so far."""
        portion, key = data
        n, size, rest = tf.shape(portion[0])[0], self.feed.batch_size, self.feed.rest

        def step(start: tf.Tensor, size: int) -> tf.Tensor:
            super(Stepping, self).train_step(self.feed.batch(portion, key, start, size))
            return start + size

        tf.while_loop(lambda start: start + size <= n, lambda start: step(start, size), [tf.constant(0)])
        if rest:
            tf.cond(n % size > 0, lambda: step(n - rest, rest), lambda: n)
        return self.get_metrics_result()


class Compiled(Stepping):
    """One that XLA compiles although operations are deterministic, which makes Keras decline.

    It does so since some operations have no deterministic form in XLA; those of dense layers have one.
    """

    @property
    def jit_compile(self) -> bool:
        return True

    @jit_compile.setter
    def jit_compile(self, value: bool):
        pass
