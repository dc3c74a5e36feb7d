"""Trained networks run in NumPy, where importing TensorFlow would take longer than the work."""

import json
import math
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import reduce
from pathlib import Path

import h5py
import numpy as np
from scipy.special import erf
from threadpoolctl import ThreadpoolController

from autoencoders.core.errors import InputError

# So many numbers of the widest layer are computed at once that they stay in a core's cache.
BLOCK_VALUES = 2**18

Step = Callable[[np.ndarray], np.ndarray]


class Network:
    """A trained network, run in float32 on all cores; its outputs do not depend on how many cores there are.

    Parameters
    ----------
    folder : Path
        As `autoencoders.networks.storage.save` wrote it.

    Attributes
    ----------
    input_shape : tuple of int
        Shape of one prepared image: (features,) or (height, width, channels).
    code_shape : tuple of int or None
        Shape of one code: (width,) or (height, width, filters); None for classifiers.

    Raises
    ------
    InputError
        If a file is missing or damaged, the weights do not fit the architecture, or the network has a layer,
        an option or an activation that this module does not know.
    """

    def __init__(self, folder: Path):
        try:
            layers = json.loads((folder / "network.json").read_text(encoding="utf-8"))["config"]["layers"]
            weights = _weights(folder / "network.weights.h5")
            names = [layer["name"] for layer in layers]
            code = names.index("code") + 1 if "code" in names else len(names)
            # A variational network draws its sample around the code, which is what its decoder is given here.
            sample = names.index("sample") + 1 if "sample" in names else code
            self._encoder = [_step(layer, weights) for layer in layers[1:code]]
            self._decoder = [_step(layer, weights) for layer in layers[sample:]]
            self.input_shape = tuple(layers[0]["config"]["batch_shape"][1:])
            # One image shows whether the weights fit, and every shape.
            shapes = [self.input_shape]
            x = np.zeros((1, *self.input_shape), np.float32)
            for step in (*self._encoder, *self._decoder):
                x = step(x)
                shapes.append(x.shape[1:])
        except _UnknownError as error:
            raise _unreadable(folder, str(error)) from None
        except (OSError, RuntimeError, ValueError, LookupError, TypeError, AttributeError) as error:
            raise _unreadable(folder, type(error).__name__) from None
        self.code_shape = shapes[len(self._encoder)] if "code" in names else None
        self._output_shape = shapes[-1]
        self._block = max(1, BLOCK_VALUES // max(map(math.prod, shapes)))
        self._threadpools = ThreadpoolController()

    def predict(self, inputs: np.ndarray) -> np.ndarray:
        """Return the outputs for prepared images, both float32.

        Parameters
        ----------
        inputs : ndarray of shape (n, *input_shape), float32

        Returns
        -------
        ndarray of shape (n, *input_shape) or (n, n_classes), float32
            Reconstructions, the same as `decode` of `encode`; or a classifier's probabilities.
        """
        return self._run([*self._encoder, *self._decoder], inputs, self._output_shape)

    def encode(self, inputs: np.ndarray) -> np.ndarray:
        """Return the activations of an autoencoder's layer `code`, of a variational one the means.

        Parameters
        ----------
        inputs : ndarray of shape (n, *input_shape), float32

        Returns
        -------
        ndarray of shape (n, *code_shape), float32

        Raises
        ------
        TypeError
            If the network is a classifier.
        """
        if self.code_shape is None:
            raise TypeError("a classifier has no codes")
        return self._run(self._encoder, inputs, self.code_shape)

    def decode(self, codes: np.ndarray) -> np.ndarray:
        """Return what an autoencoder's decoder makes of codes.

        Parameters
        ----------
        codes : ndarray of shape (n, *code_shape), float32

        Returns
        -------
        ndarray of shape (n, *input_shape), float32
        """
        return self._run(self._decoder, codes, self._output_shape)

    def _run(self, steps: Sequence[Step], inputs: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
        inputs = np.asarray(inputs, dtype=np.float32)
        outputs = np.empty((len(inputs), *shape), np.float32)

        def run(start: int) -> None:
            rows = slice(start, start + self._block)
            # Without casting: a number of float64 on the way, at twice the time, would go unnoticed.
            np.copyto(outputs[rows], reduce(lambda x, step: step(x), steps, inputs[rows]), casting="no")

        # A thread a core, each with its own block: BLAS alone would leave the cores idle between the products,
        # and would sum in an order that depends on their number.
        with self._threadpools.limit(limits=1, user_api="blas"), ThreadPoolExecutor(os.cpu_count()) as pool:
            list(pool.map(run, range(0, len(inputs), self._block)))
        return outputs


class _UnknownError(Exception):
    """A layer, an option or an activation that this module does not know."""


def _unreadable(folder: Path, reason: str) -> InputError:
    return InputError(f"{folder} holds no readable network ({reason}); delete it and train again with `dvc repro`.")


def _weights(file: Path) -> dict[str, list[np.ndarray]]:
    """Map each layer's name to its arrays; the groups themselves are named by class, in order."""
    with h5py.File(file) as store:
        return {
            group["vars"].attrs["name"]: [group["vars"][key][()] for key in sorted(group["vars"], key=int)]
            for group in store["layers"].values()
        }


def _step(layer: dict, weights: dict[str, list[np.ndarray]]) -> Step:
    """Return a layer, with its activation, as a function of its inputs."""
    name, kind, config = layer["name"], layer["class_name"], layer["config"]
    activation = config.get("activation", "linear")
    if kind not in LAYERS:
        raise _UnknownError(f"the class {kind} of its layer {name} is unknown")
    if str(activation) not in ACTIVATIONS:
        raise _UnknownError(f"the activation {activation} of its layer {name} is unknown")
    run, options = LAYERS[kind]
    for option, value in options.items():
        if config.get(option, value) != value:
            raise _UnknownError(f"{option}={config[option]} of its layer {name} is unknown")
    activate, arrays = ACTIVATIONS[activation], weights.get(name, [])
    return lambda x: activate(run(x, config, *arrays))


def _dense(x: np.ndarray, config: dict, kernel: np.ndarray, bias: np.ndarray) -> np.ndarray:
    y = x @ kernel
    y += bias
    return y


def _convolution(x: np.ndarray, config: dict, kernel: np.ndarray, bias: np.ndarray) -> np.ndarray:
    # A window's rows lie next to each other in memory, so that each row of the kernel takes one product with
    # windows of that one row: three times less to copy than whole windows of 3×3, and faster by that.
    n, height, width, channels = x.shape
    rows, columns, _, filters = kernel.shape
    down, right = config["strides"]
    before_y, tall, y_size = _same(height, rows, down)
    before_x, wide, x_size = _same(width, columns, right)
    padded = np.zeros((n, tall, wide, channels), np.float32)
    padded[:, before_y : before_y + height, before_x : before_x + width] = x
    # Every `down`-th row in an array of its own: a kernel's row then meets rows that follow each other.
    lines = padded.reshape(n, tall // down, down, wide * channels).transpose(2, 0, 1, 3)
    windows = np.lib.stride_tricks.sliding_window_view(lines, columns * channels, axis=3)
    windows = np.ascontiguousarray(windows[:, :, :, : x_size * right * channels : right * channels])
    y = np.empty((n, y_size * x_size, filters), np.float32)
    y[:] = bias
    for row in range(rows):
        first = row // down
        met = windows[row % down, :, first : first + y_size].reshape(n, y_size * x_size, columns * channels)
        y += met @ kernel[row].reshape(-1, filters)
    return y.reshape(n, y_size, x_size, filters)


def _same(size: int, window: int, stride: int) -> tuple[int, int, int]:
    """Return, along one axis, the padding "same" before, the whole padded size (of full strides) and the output's."""
    outputs = -(-size // stride)
    # TensorFlow puts the odd cell at the end.
    before = max((outputs - 1) * stride + window - size, 0) // 2
    return before, stride * (outputs + (window - 1) // stride), outputs


def _transposed_convolution(x: np.ndarray, config: dict, kernel: np.ndarray, bias: np.ndarray) -> np.ndarray:
    n, height, width, channels = x.shape
    rows, columns, filters, _ = kernel.shape
    down, right = config["strides"]
    y = np.zeros((n, height * down + rows, width * right + columns, filters), np.float32)
    parts = x.reshape(-1, channels) @ kernel.reshape(-1, channels).T
    parts = parts.reshape(n, height, width, rows, columns, filters)
    for row in range(rows):
        for column in range(columns):
            y[:, row : row + height * down : down, column : column + width * right : right] += parts[
                ..., row, column, :
            ]
    # What the padding "same" of the convolution that this one reverses would have added.
    top, left = max(rows - down, 0) // 2, max(columns - right, 0) // 2
    return y[:, top : top + height * down, left : left + width * right] + bias


def _max_pooling(x: np.ndarray, config: dict) -> np.ndarray:
    for axis, size, stride in zip((1, 2), config["pool_size"], config["strides"], strict=True):
        x = np.moveaxis(x, axis, 0)
        stop = len(x) - size + 1
        x = np.moveaxis(reduce(np.maximum, (x[first : first + stop : stride] for first in range(size))), 0, axis)
    return x


def _up_sampling(x: np.ndarray, config: dict) -> np.ndarray:
    rows, columns = config["size"]
    return x.repeat(rows, axis=1).repeat(columns, axis=2)


def _flatten(x: np.ndarray, config: dict) -> np.ndarray:
    return x.reshape(len(x), -1)


def _reshape(x: np.ndarray, config: dict) -> np.ndarray:
    return x.reshape(len(x), *config["target_shape"])


# For each class of layers its function, and the only values that it knows of some options.
_IMAGES = {"data_format": "channels_last"}
_CONVOLUTION = {**_IMAGES, "padding": "same", "dilation_rate": [1, 1], "use_bias": True}
LAYERS: dict[str, tuple[Callable[..., np.ndarray], Mapping[str, object]]] = {
    "Conv2D": (_convolution, {**_CONVOLUTION, "groups": 1}),
    "Conv2DTranspose": (_transposed_convolution, {**_CONVOLUTION, "output_padding": None}),
    "Dense": (_dense, {"use_bias": True}),
    "Flatten": (_flatten, _IMAGES),
    "MaxPooling2D": (_max_pooling, {**_IMAGES, "padding": "valid"}),
    "Reshape": (_reshape, {}),
    "UpSampling2D": (_up_sampling, {**_IMAGES, "interpolation": "nearest"}),
}


def _elu(x: np.ndarray) -> np.ndarray:
    return np.where(x > 0, x, np.expm1(np.minimum(x, 0)))


def _selu(x: np.ndarray) -> np.ndarray:
    return 1.05070098 * np.where(x > 0, x, 1.67326324 * np.expm1(np.minimum(x, 0)))


def _sigmoid(x: np.ndarray) -> np.ndarray:
    # Faster than SciPy's; below -80, where float32 would overflow on the way, the result is 0 to 34 digits.
    return 1 / (1 + np.exp(-np.maximum(x, -80)))


def _softmax(x: np.ndarray) -> np.ndarray:
    powers = np.exp(x - x.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


# By the names and with the defaults of Keras. Plain Python numbers leave float32 as it is.
ACTIVATIONS: dict[str, Step] = {
    "elu": _elu,
    "gelu": lambda x: 0.5 * x * (1 + erf(x * math.sqrt(0.5))),
    "leaky_relu": lambda x: np.maximum(x, 0.2 * x),
    "linear": lambda x: x,
    "relu": lambda x: np.maximum(x, 0),
    "selu": _selu,
    "sigmoid": _sigmoid,
    "silu": lambda x: x * _sigmoid(x),
    "softmax": _softmax,
    "tanh": np.tanh,
}
