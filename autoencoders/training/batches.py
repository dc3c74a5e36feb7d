"""Batches for training and validation: images are shuffled, prepared and made noisy inside TensorFlow."""

import itertools
import math
from collections.abc import Callable, Iterator

import numpy as np

from autoencoders.core.rows import Rows, blocks, row_batches
from autoencoders.images.preparation import Preparation
from autoencoders.networks.runtime import tf

# Images that are shuffled or read from a file at a time, about. Python works once a chunk and not once a batch: with
# smaller chunks its part of the time shows; larger ones, read from a file, take memory.
CHUNK = 2500
# Images are prepared once, and not in each epoch, if they take at most this many bytes as float32. Preparing is a tenth
# of the time that a dense network trains.
PREPARED = 256 * 2**20


def shuffled(
    images: np.ndarray | Rows,
    targets: np.ndarray | None,
    preparation: Preparation,
    batch_size: int,
    *,
    seed: int,
    noise: float = 0.0,
    chunk: int = CHUNK,
) -> "tf.data.Dataset":
    """Return all images once, as batches in an order that is drawn anew, with the noise, for each iteration.

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
        Images of a batch; the last batch may be smaller.
    seed : int
        Seeds the order and the noise.
    noise : float
        Standard deviation of Gaussian noise on the inputs, in units of the full range of a pixel.
    chunk : int
        Images of a chunk, about. Every chunk consists of whole batches, except the last.

    Returns
    -------
    tf.data.Dataset
        Of (inputs, targets), float32 [batch_size, …] each. Its cardinality is unknown, so that Keras makes one iterator
        an epoch; where it knows the number of batches, it makes two, and every second order goes unused.
    """
    n = len(images)
    batch_size = min(batch_size, n)
    # All chunks of one size, as far as possible.
    n_batches, n_chunks = math.ceil(n / batch_size), math.ceil(n / chunk)
    chunk = math.ceil(n_batches / n_chunks) * batch_size
    if isinstance(images, Rows):
        kept, source = None, _stored(images, targets, chunk, seed)
    else:
        kept = [_tensor(images, preparation)] + ([] if targets is None else [tf.constant(targets)])
        source = _order(n, chunk, seed)

    def batch(chunk: tuple["tf.Tensor", ...], key: "tf.Tensor", start: "tf.Tensor") -> tuple["tf.Tensor", "tf.Tensor"]:
        given = [values[start : start + batch_size] for values in chunk]
        if kept is not None:
            # The chunk holds row numbers.
            given = [tf.gather(values, given[0]) for values in kept]
        clean = prepare(given[0], preparation)
        target = clean if len(given) == 1 else given[1]
        if not noise:
            return clean, target
        batch_key = tf.random.experimental.stateless_fold_in(key, start)
        drawn = tf.random.stateless_normal(tf.shape(clean), batch_key, stddev=noise)
        return tf.clip_by_value(clean + drawn, 0, 1), target

    def batches(chunk: tuple["tf.Tensor", ...], key: "tf.Tensor") -> "tf.data.Dataset":
        starts = tf.data.Dataset.range(0, tf.shape(chunk[0], out_type=tf.int64)[0], batch_size, output_type=tf.int32)
        return starts.map(lambda start: batch(chunk, key, start))

    keys = tf.data.Dataset.random(seed=seed, rerandomize_each_iteration=True).batch(2)
    return untuned(tf.data.Dataset.zip(source, keys).flat_map(batches).prefetch(2))


def in_order(
    images: np.ndarray | Rows, targets: np.ndarray | None, preparation: Preparation, batch_size: int
) -> "tf.data.Dataset":
    """Return batches of (inputs, targets), float32, in the order of the images; parameters as in `shuffled`."""

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
