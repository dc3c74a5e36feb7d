"""Batches for training and validation: images are shuffled, prepared and made noisy inside TensorFlow.

TensorFlow gets chunks of many batches, so that Python works once a chunk and not once a batch.
"""

import itertools
import math
from collections.abc import Callable, Iterator

import numpy as np

from autoencoders.core.rows import Rows, blocks, row_batches
from autoencoders.images.preparation import Preparation
from autoencoders.networks.runtime import tf

# Images of a chunk, about: with fewer, Python's part of the time shows; with more, rows read from a file take memory.
CHUNK = 2500
# Images are prepared once, and not in each epoch, if they take at most this many bytes as float32. Preparing is a tenth
# of the time that a dense network trains.
PREPARED = 256 * 2**20


class Batches:
    """All images once an epoch, in an order drawn anew each epoch, as chunks of many batches.

    Parameters
    ----------
    images : ndarray or Rows of shape (n, height, width, channels), uint8
        TensorFlow copies an array, prepared if that takes at most PREPARED bytes, and shuffles all of its images. Rows
        are read chunk by chunk and shuffled as `row_batches` does.
    targets : ndarray of shape (n, …), float32, or None
        None for the prepared images themselves.
    preparation : Preparation
        The form in which the network takes the images.
    batch_size : int
        Images of a batch; the last batch of an epoch may be smaller.
    seed : int
        Seeds the order and the noise.
    noise : float
        Standard deviation of Gaussian noise on the inputs, in units of the full range of a pixel.
    chunk : int
        Images of a chunk, about. Every chunk consists of whole batches, except the last of an epoch.

    Attributes
    ----------
    batch_size : int
        As given, or the number of images if that is smaller.
    chunk_size : int
        Images of each chunk but the last.
    chunks : tf.data.Dataset
        The chunks of endless epochs, each with a key of two int64 for the noise; arguments of `batch`.
    n_chunks : int
        Chunks of an epoch.
    remainder : int
        Images of an epoch's last batch if it is smaller than the others; otherwise 0.
    """

    def __init__(
        self,
        images: np.ndarray | Rows,
        targets: np.ndarray | None,
        preparation: Preparation,
        batch_size: int,
        *,
        seed: int,
        noise: float = 0.0,
        chunk: int = CHUNK,
    ):
        n = len(images)
        self.batch_size = batch_size = min(batch_size, n)
        self.remainder = n % batch_size
        self._preparation, self._noise = preparation, noise
        n_batches = -(-n // batch_size)
        # All chunks of one size, as far as possible.
        self.chunk_size = -(-n_batches // -(-n // chunk)) * batch_size
        self.n_chunks = -(-n // self.chunk_size)
        if isinstance(images, Rows):
            self._values = None
            source = _stored(images, targets, self.chunk_size, seed)
        else:
            self._values = [_tensor(images, preparation)] + ([] if targets is None else [tf.constant(targets)])
            source = _order(n, self.chunk_size, seed)
        keys = tf.data.Dataset.random(seed=seed, rerandomize_each_iteration=True).batch(2)
        self.chunks = untuned(tf.data.Dataset.zip(source, keys).repeat().prefetch(1))

    def batch(
        self, chunk: tuple["tf.Tensor", ...], key: "tf.Tensor", start: "tf.Tensor | int", size: int
    ) -> tuple["tf.Tensor", "tf.Tensor"]:
        """Return inputs and targets of the images `start` to `start + size` of a chunk, float32 [size, …] each."""
        # `gather` and not a slice: its result has a static number of images, which the network's shards need.
        given = [tf.gather(values, start + tf.range(size)) for values in chunk]
        if self._values is not None:
            # The chunk holds row numbers.
            given = [tf.gather(values, given[0]) for values in self._values]
        clean = prepare(given[0], self._preparation)
        target = clean if len(given) == 1 else given[1]
        if not self._noise:
            return clean, target
        batch_key = tf.random.experimental.stateless_fold_in(key, start)
        drawn = tf.random.stateless_normal(clean.shape, batch_key, stddev=self._noise)
        return tf.clip_by_value(clean + drawn, 0, 1), target


def in_order(
    images: np.ndarray | Rows, targets: np.ndarray | None, preparation: Preparation, batch_size: int
) -> "tf.data.Dataset":
    """Return batches of (inputs, targets), float32, in the order of the images; parameters as in `Batches`."""

    def read() -> Iterator[tuple[np.ndarray, ...]]:
        for rows in blocks(len(images), batch_size):
            yield (images[rows],) if targets is None else (images[rows], targets[rows])

    def batch(pixels: "tf.Tensor", *given: "tf.Tensor") -> tuple["tf.Tensor", "tf.Tensor"]:
        clean = prepare(pixels, preparation)
        return clean, given[0] if given else clean

    return untuned(_generated(read, images, targets, -(-len(images) // batch_size)).map(batch).prefetch(1))


def untuned(data: "tf.data.Dataset") -> "tf.data.Dataset":
    """Return the data set with TensorFlow's autotuning off: an epoch may wait a second for the tuning to end."""
    options = tf.data.Options()
    options.autotune.enabled = False
    return data.with_options(options)


def prepare(images: "tf.Tensor", preparation: Preparation) -> "tf.Tensor":
    """Return images [n, height, width, channels] as `Preparation` does in NumPy; float32 images are prepared ones."""
    if images.dtype == tf.float32:
        return images
    images = tf.cast(images, tf.float32)
    if preparation.colour == "grey":
        images = tf.reduce_sum(images, axis=-1, keepdims=True) / (255 * images.shape[-1])
    else:
        images = images / 255
    return tf.reshape(images, (-1, *preparation.shape(images.shape[1:])) if preparation.flat else tf.shape(images))


def _tensor(images: np.ndarray, preparation: Preparation) -> "tf.Tensor":
    """Return an array as a tensor: prepared float32 images if they take at most PREPARED bytes, else uint8."""
    if 4 * len(images) * math.prod(preparation.shape(images.shape[1:])) > PREPARED:
        return tf.constant(images)
    return tf.concat([prepare(tf.constant(images[rows]), preparation) for rows in blocks(len(images))], axis=0)


def _order(n: int, size: int, seed: int) -> "tf.data.Dataset":
    """Return chunks of (row numbers,), int32 [size], in an order drawn anew each epoch.

    One operation shuffles all numbers: `Dataset.shuffle` draws one number after another, which takes longer than the
    steps of a small network.
    """

    def epoch(key: "tf.Tensor") -> "tf.data.Dataset":
        order = tf.random.experimental.stateless_shuffle(tf.range(n), key)
        return tf.data.Dataset.range(0, n, size).map(lambda start: (order[start : start + size],))

    return tf.data.Dataset.random(seed=seed, rerandomize_each_iteration=True).batch(2).take(1).flat_map(epoch)


def _stored(images: Rows, targets: np.ndarray | None, size: int, seed: int) -> "tf.data.Dataset":
    """Return chunks of (images,) or (images, targets), each read from the file when TensorFlow asks for it."""
    epochs = itertools.count()

    def read() -> Iterator[tuple[np.ndarray, ...]]:
        for rows, pixels in row_batches(images, size, np.random.default_rng((seed, next(epochs)))):
            yield (pixels,) if targets is None else (pixels, targets[rows])

    return _generated(read, images, targets, -(-len(images) // size))


def _generated(
    read: Callable[[], Iterator], images: np.ndarray | Rows, targets: np.ndarray | None, n: int
) -> "tf.data.Dataset":
    """Return the `n` elements that `read` yields; images and targets give their shapes and dtypes."""
    signature = [tf.TensorSpec((None, *images.shape[1:]), images.dtype)]
    signature += [] if targets is None else [tf.TensorSpec((None, *targets.shape[1:]), targets.dtype)]
    data = tf.data.Dataset.from_generator(read, output_signature=tuple(signature))
    return data.apply(tf.data.experimental.assert_cardinality(n))
