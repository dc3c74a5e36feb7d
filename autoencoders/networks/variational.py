"""The layer that makes an autoencoder variational."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple

from autoencoders.networks.runtime import keras, tf

ops = keras.ops


class Part(NamedTuple):
    """Which part of a batch a network is given, as tensors: integers of shape ()."""

    first: "tf.Tensor"
    batch_size: "tf.Tensor"
    step: "tf.Tensor"


_PART: ContextVar[Part | None] = ContextVar("part", default=None)


@contextmanager
def given_part(part: Part) -> Iterator[None]:
    """Let `Sampling` know, within the block, that its images are but a part of a batch.

    The parts together then draw what the whole batch would draw in the training step number `step`, from 0, and their
    losses add up to its loss.
    """
    token = _PART.set(part)
    try:
        yield
    finally:
        _PART.reset(token)


@keras.saving.register_keras_serializable(package="autoencoders")
class Sampling(keras.layers.Layer):
    """Draw codes from the normal distributions that an encoder gives, and add their divergence to the loss.

    The reparameterisation of Kingma and Welling, "Auto-encoding variational Bayes", 2014: mean + deviation × noise
    while training, the mean otherwise. The loss gains `kl_weight` times the Kullback-Leibler divergence from the
    standard normal distribution (their appendix B), in nats, mean over the batch.

    Parameters
    ----------
    kl_weight : float
        Above 0. Keras's reconstruction losses are means over the pixels: a weight of 1 over the number of pixels is
        the evidence lower bound, times more is the beta of Higgins et al., "beta-VAE", 2017.
    seed : int
        Seeds the noise.
    """

    def __init__(self, kl_weight: float, seed: int, **options):
        super().__init__(**options)
        self.kl_weight, self.seed = kl_weight, seed
        self.noise = keras.random.SeedGenerator(seed)

    def call(self, inputs, training=False):
        """Take means and logarithms of variances, each [n, width], and return codes [n, width]."""
        mean, log_variance = inputs
        divergence = ops.sum(ops.square(mean) + ops.exp(log_variance) - log_variance - 1, axis=-1) / 2
        part = _PART.get()
        if part is None:
            self.add_loss(self.kl_weight * ops.mean(divergence))
        else:
            self.add_loss(self.kl_weight * ops.sum(divergence) / ops.cast(part.batch_size, mean.dtype))
        if not training:
            return mean
        if part is None:
            drawn = keras.random.normal(ops.shape(mean), dtype=mean.dtype, seed=self.noise)
        else:
            drawn = self._drawn(part, mean)
        return mean + ops.exp(log_variance / 2) * drawn

    def _drawn(self, part, mean):
        # The generator of Keras counts its calls, one a step, and draws with its seed and this number. Its variable
        # cannot change where several devices train.
        seed = tf.stack([tf.constant(self.seed % (tf.int32.max - 1), tf.int32), tf.cast(part.step, tf.int32)])
        drawn = tf.random.stateless_normal((part.batch_size, mean.shape[-1]), seed, dtype=mean.dtype)
        return drawn[part.first : part.first + tf.shape(mean)[0]]

    def compute_output_shape(self, shapes):
        """Return the shape of the codes, that of the means."""
        return shapes[0]

    def get_config(self):
        """Return what `network.json` keeps of the layer."""
        return {**super().get_config(), "kl_weight": self.kl_weight, "seed": self.seed}
