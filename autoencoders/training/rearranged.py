"""Convolutional networks in an order of operations that trains faster, with the same weights and results.

Both rearrangements are exact but for the rounding of sums:

- Convolution, then 2×2 max-pooling: adding the bias and a non-decreasing activation commute with the maximum. After the
  pooling they work on a quarter of the numbers.
- Nearest-neighbour up-sampling by 2, then convolution: each of the four pixels that one pixel becomes depends on a few
  of the pixels before the up-sampling, with sums of the kernel's weights. So a convolution with four times as many
  filters on a quarter of the pixels, and then a rearrangement of channels to pixels, gives the same (the sub-pixel
  convolution of Shi et al., "Real-time single image and video super-resolution using an efficient sub-pixel
  convolutional neural network", 2016). It reads its input once instead of four times. A product with one or three
  filters, too narrow for a processor's registers, becomes one with four or twelve.

Whole trainings of the chapter's two convolutional networks take 1.6 times the CPU seconds without the rearrangements;
see `benchmarks/training.md`.
"""

import math

import numpy as np

from autoencoders.networks.runtime import keras, tf

# Activations that never fall as their input rises.
NON_DECREASING = {"relu", "elu", "leaky_relu", "selu", "tanh", "sigmoid", "linear"}


class Pooled(keras.layers.Layer):
    """A convolution, a max-pooling, and only then the convolution's bias and activation."""

    def __init__(self, convolution: keras.layers.Conv2D, pooling: keras.layers.MaxPooling2D, **options):
        super().__init__(**options)
        self.convolution, self.pooling = convolution, pooling

    def call(self, images):
        """Take images [n, height, width, channels] to [n, height / 2, width / 2, filters]."""
        x = tf.nn.conv2d(images, self.convolution.kernel, 1, "SAME")
        x = tf.nn.max_pool2d(x, self.pooling.pool_size, self.pooling.strides, "VALID")
        return self.convolution.activation(tf.nn.bias_add(x, self.convolution.bias))

    def compute_output_shape(self, shape):
        """Return the shape of what `call` returns."""
        return self.pooling.compute_output_shape(self.convolution.compute_output_shape(shape))


class UpSampled(keras.layers.Layer):
    """A nearest-neighbour up-sampling by 2 and a convolution, computed on the images before the up-sampling."""

    def __init__(self, convolution: keras.layers.Conv2D, **options):
        super().__init__(**options)
        self.convolution = convolution

    def call(self, images):
        """Take images [n, height, width, channels] to [n, 2 height, 2 width, filters]."""
        kernel = self.convolution.kernel
        height, width, channels, filters = kernel.shape
        rows, columns = _shares(height), _shares(width)
        # The sums of kernel weights as one small matrix product; tf.einsum makes several, with transposes between them.
        shares = np.einsum("apu,bqv->pqabuv", rows, columns).reshape(-1, height * width)
        small = tf.constant(shares, kernel.dtype) @ tf.reshape(kernel, (height * width, channels * filters))
        small = tf.reshape(small, (rows.shape[1], columns.shape[1], 4, channels, filters))
        small = tf.reshape(tf.transpose(small, (0, 1, 3, 2, 4)), (*small.shape[:2], channels, 4 * filters))
        x = tf.nn.depth_to_space(tf.nn.conv2d(images, small, 1, "SAME"), 2)
        return self.convolution.activation(tf.nn.bias_add(x, self.convolution.bias))

    def compute_output_shape(self, shape):
        """Return the shape of what `call` returns."""
        n, height, width, _ = shape
        return n, 2 * height, 2 * width, self.convolution.filters


def _shares(size: int) -> np.ndarray:
    """Return which pixel before the up-sampling each of a kernel's `size` weights along one side is multiplied with.

    Returns
    -------
    ndarray of shape (2, sources, size), float64, 0 or 1
        For the first and the second of the two pixels that one pixel becomes along this side: 1 where the weight is
        multiplied with that source. `sources` is odd; the middle one is the pixel itself.
    """
    before = (size - 1) // 2
    sources = [[math.floor((place + weight - before) / 2) for weight in range(size)] for place in (0, 1)]
    reach = max(abs(source) for row in sources for source in row)
    found = np.zeros((2, 2 * reach + 1, size))
    for place, row in enumerate(sources):
        for weight, source in enumerate(row):
            found[place, source + reach, weight] = 1
    return found


def outputs(network: keras.Model) -> keras.KerasTensor:
    """Return the outputs of a network, from its own input and weights, with its operations rearranged.

    Only `autoencoders.networks.architectures.convolutional` has poolings and up-samplings; its layers follow one
    another. Other networks stay as they are. Activations that may fall as their input rises (gelu, silu) stay before
    the pooling.
    """
    if not any(isinstance(layer, (keras.layers.MaxPooling2D, keras.layers.UpSampling2D)) for layer in network.layers):
        return network.output
    x = network.input
    left = list(network.layers[1:])
    while left:
        layer, following = left[0], left[1] if len(left) > 1 else None
        if isinstance(following, keras.layers.MaxPooling2D) and layer.activation.__name__ in NON_DECREASING:
            x, left = Pooled(layer, following)(x), left[2:]
        elif isinstance(layer, keras.layers.UpSampling2D):
            x, left = UpSampled(following)(x), left[2:]
        else:
            x, left = layer(x), left[1:]
    return x
