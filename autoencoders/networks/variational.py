"""The layer that makes an autoencoder variational."""

from autoencoders.networks.runtime import keras

ops = keras.ops


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
        self.add_loss(self.kl_weight * ops.mean(divergence))
        if not training:
            return mean
        drawn = keras.random.normal(ops.shape(mean), dtype=mean.dtype, seed=self.noise)
        return mean + ops.exp(log_variance / 2) * drawn

    def compute_output_shape(self, shapes):
        """Return the shape of the codes, that of the means."""
        return shapes[0]

    def get_config(self):
        """Return what `network.json` keeps of the layer."""
        return {**super().get_config(), "kl_weight": self.kl_weight, "seed": self.seed}
