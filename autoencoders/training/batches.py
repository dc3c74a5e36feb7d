"""Images on their way into training: portions of many batches, and the batches that a step takes of a portion."""

import itertools
import math
from collections.abc import Iterator

import numpy as np

from autoencoders.core.rows import Rows, blocks, row_batches
from autoencoders.images.preparation import Preparation
from autoencoders.networks.runtime import tf

# Images between which Python has nothing to do. Compiled steps are so fast that its part shows, and each size of a
# portion is compiled anew; the others, and images that are read from a file, have smaller portions.
PORTION, PORTION_COMPILED = 2500, 10_000
# Bytes of float32 up to which images are prepared once, and not in each epoch anew: a tenth of a dense network's time.
PREPARED = 256 * 2**20


class Feed:
    """All images once an epoch, in an order drawn anew each time, in portions of many batches.

    Parameters
    ----------
    images : ndarray or Rows of shape (n, height, width, channels), uint8
        An array is held once more by TensorFlow, prepared if that takes no more than PREPARED bytes, and all of its
        images are shuffled; rows are read as they are due, and shuffled as `row_batches` does.
    targets : ndarray of shape (n, …), float32, or None
        None for the prepared images themselves.
    preparation : Preparation
        The form in which the network takes the images.
    batch_size : int
        Images of a batch; the last of an epoch may be smaller.
    seed : int
        Of the order and the noise.
    noise : float
        Standard deviation of Gaussian noise on the inputs, in units of the full range of a pixel.
    portion : int
        Images of a portion, about; it consists of whole batches, but for the last of an epoch.

    Attributes
    ----------
    batch_size : int
        As given, or all images if they are fewer.
    per_portion : int
        Images of each portion but the last.
    portions : tf.data.Dataset
        Epoch after epoch the portions, each with a key for the noise; for `batch`.
    n_portions : int
        Of an epoch.
    rest : int
        Images of an epoch's last batch, if it is smaller than the others; otherwise 0.
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
        portion: int = PORTION,
    ):
        self.batch_size = batch_size = min(batch_size, len(images))
        self.rest = len(images) % batch_size
        self._preparation, self._noise = preparation, noise
        n_batches = -(-len(images) // batch_size)
        if isinstance(images, Rows):
            portion = min(portion, PORTION)
        # Of one size as far as possible.
        self.per_portion = -(-n_batches // -(-len(images) // portion)) * batch_size
        self.n_portions = -(-len(images) // self.per_portion)
        if isinstance(images, Rows):
            self._values = None
            source = _stored(images, targets, self.per_portion, seed)
        else:
            self._values = [_tensor(images, preparation)] + ([] if targets is None else [tf.constant(targets)])
            source = _order(len(images), self.per_portion, seed)
        keys = tf.data.Dataset.random(seed=seed, rerandomize_each_iteration=True).batch(2)
        self.portions = untuned(tf.data.Dataset.zip(source, keys).repeat().prefetch(1))

    def batch(
        self, portion: tuple["tf.Tensor", ...], key: "tf.Tensor", start: "tf.Tensor | int", size: int
    ) -> tuple["tf.Tensor", "tf.Tensor"]:
        """Return inputs and targets of `size` images of a portion, the first of them number `start`."""
        # Of a size that the tensors' shapes tell, which a compiler must know; a slice it would refuse, even where it is
        # never taken, for a portion that is smaller.
        given = [tf.gather(values, start + tf.range(size)) for values in portion]
        if self._values is not None:
            given = [tf.gather(values, given[0]) for values in self._values]
        clean = prepare(given[0], self._preparation)
        target = clean if len(given) == 1 else given[1]
        if not self._noise:
            return clean, target
        own_key = tf.random.experimental.stateless_fold_in(key, start)
        drawn = tf.random.stateless_normal(clean.shape, own_key, stddev=self._noise)
        return tf.clip_by_value(clean + drawn, 0, 1), target


def in_order(
    images: np.ndarray | Rows, targets: np.ndarray | None, preparation: Preparation, batch_size: int
) -> "tf.data.Dataset":
    """Return batches of (inputs, targets) in the order of the images, for validation; parameters as in `Feed`."""

    def read() -> Iterator[tuple[np.ndarray, ...]]:
        for rows in blocks(len(images), batch_size):
            yield (images[rows],) if targets is None else (images[rows], targets[rows])

    def batch(pixels: "tf.Tensor", *given: "tf.Tensor") -> tuple["tf.Tensor", "tf.Tensor"]:
        clean = prepare(pixels, preparation)
        return clean, given[0] if given else clean

    return untuned(_generated(read, images, targets, -(-len(images) // batch_size)).map(batch).prefetch(1))


def untuned(data: "tf.data.Dataset") -> "tf.data.Dataset":
    """Return the data set without TensorFlow's tuning of it, whose end an epoch may wait for as long as a second."""
    options = tf.data.Options()
    options.autotune.enabled = False
    return data.with_options(options)


def prepare(images: "tf.Tensor", preparation: Preparation) -> "tf.Tensor":
    """Do in TensorFlow what `Preparation` does in NumPy; float32 images are taken to be prepared."""
    if images.dtype == tf.float32:
        return images
    images = tf.cast(images, tf.float32)
    if preparation.colour == "grey":
        images = tf.reduce_sum(images, axis=-1, keepdims=True) / (255 * images.shape[-1])
    else:
        images = images / 255
    return tf.reshape(images, (-1, *preparation.shape(images.shape[1:])) if preparation.flat else tf.shape(images))


def _tensor(images: np.ndarray, preparation: Preparation) -> "tf.Tensor":
    """Return an array as a tensor, of prepared images if they are small."""
    if 4 * len(images) * math.prod(preparation.shape(images.shape[1:])) > PREPARED:
        return tf.constant(images)
    return tf.concat([prepare(tf.constant(images[rows]), preparation) for rows in blocks(len(images))], axis=0)


def _order(n: int, size: int, seed: int) -> "tf.data.Dataset":
    """Return portions of (row numbers,), int32, in an order drawn anew each epoch.

    It is drawn at once: `Dataset.shuffle` takes one number after another, longer than a small network its steps.
    """

    def epoch(key: "tf.Tensor") -> "tf.data.Dataset":
        order = tf.random.experimental.stateless_shuffle(tf.range(n), key)
        return tf.data.Dataset.range(0, n, size).map(lambda start: (order[start : start + size],))

    return tf.data.Dataset.random(seed=seed, rerandomize_each_iteration=True).batch(2).take(1).flat_map(epoch)


def _stored(images: Rows, targets: np.ndarray | None, size: int, seed: int) -> "tf.data.Dataset":
    """Return portions of (images,) or (images, targets) of rows that are read as they are due."""
    epochs = itertools.count()

    def read() -> Iterator[tuple[np.ndarray, ...]]:
        for rows, pixels in row_batches(images, size, np.random.default_rng((seed, next(epochs)))):
            yield (pixels,) if targets is None else (pixels, targets[rows])

    return _generated(read, images, targets, -(-len(images) // size))


def _generated(read: object, images: np.ndarray | Rows, targets: np.ndarray | None, n: int) -> "tf.data.Dataset":
    signature = [tf.TensorSpec((None, *images.shape[1:]), images.dtype)]
    signature += [] if targets is None else [tf.TensorSpec((None, *targets.shape[1:]), targets.dtype)]
    data = tf.data.Dataset.from_generator(read, output_signature=tuple(signature))
    return data.apply(tf.data.experimental.assert_cardinality(n))
