"""Keras's layers and activations as nodes of an ONNX graph, by the operators of ONNX's default domain.

Keras keeps an image's channels last, ONNX's convolutions take them first. A tensor says how it lies, and is transposed
only where a layer needs the other order.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from onnx import NodeProto, TensorProto, helper, numpy_helper

# What whoever adds a kind of network does about a layer that is unknown here.
REMEDY = "translate it in autoencoders/inference/layers.py"


@dataclass(frozen=True)
class Tensor:
    """A value in a graph.

    Attributes
    ----------
    name : str
    shape : tuple of int
        Of one image, as Keras orders it: (width,), (steps, width) or (height, width, channels).
    channels_first : bool
        Whether the graph holds [n, channels, height, width] instead of [n, height, width, channels].
    """

    name: str
    shape: tuple[int, ...]
    channels_first: bool = False


@dataclass
class Nodes:
    """The nodes and constants of a graph that is being built.

    Attributes
    ----------
    nodes : list of NodeProto
    constants : list of TensorProto
    largest : int
        Numbers in the largest value that the graph holds for one image.
    """

    nodes: list[NodeProto] = field(default_factory=list)
    constants: list[TensorProto] = field(default_factory=list)
    largest: int = 0

    def constant(self, name: str, values: np.ndarray) -> str:
        """Add a constant under a name that no other constant has, and return the name."""
        self.constants.append(numpy_helper.from_array(np.asarray(values, order="C"), name))
        return name

    def add(self, operator: str, name: str, x: Tensor, shape: tuple[int, ...], *others: str, **attributes) -> Tensor:
        """Add a node of `operator` that computes `name`, of `shape` an image, from `x` and `others`; keep the order."""
        self.nodes.append(helper.make_node(operator, [x.name, *others], [name], name=name, **attributes))
        self.largest = max(self.largest, math.prod(shape))
        return Tensor(name, shape, x.channels_first)

    def reshape(self, name: str, x: Tensor, shape: tuple[int, ...]) -> Tensor:
        """Add a node that gives each image of `x` another shape, channels last."""
        # 0 keeps the number of images.
        to = self.constant(f"{name}/shape", np.array([0, *shape], np.int64))
        return self.add("Reshape", name, self.channels_last(x), shape, to)

    def channels_first(self, x: Tensor) -> Tensor:
        """Return `x` with its channels first."""
        return x if x.channels_first else self._transposed(f"{x.name}/channels_first", x, [0, 3, 1, 2])

    def channels_last(self, x: Tensor) -> Tensor:
        """Return `x` with its channels last."""
        return self._transposed(f"{x.name}/channels_last", x, [0, 2, 3, 1]) if x.channels_first else x

    def _transposed(self, name: str, x: Tensor, order: list[int]) -> Tensor:
        return Tensor(self.add("Transpose", name, x, x.shape, perm=order).name, x.shape, not x.channels_first)


def add_layer(nodes: Nodes, x: Tensor, layer: Mapping[str, Any], weights: list[np.ndarray]) -> Tensor:
    """Add a Keras layer, with its activation, and return what it computes.

    Parameters
    ----------
    nodes : Nodes
    x : Tensor
        The layer's input.
    layer : mapping
        `name`, `class_name` and `config`, as in the JSON of a Keras model.
    weights : list of ndarray
        As `get_weights` of the layer returns them.

    Raises
    ------
    NotImplementedError
        If the class, an option or the activation of the layer has no translation here.
    """
    kind, config = layer["class_name"], layer["config"]
    # A graph's inputs and outputs have the plain names.
    name = f"{layer['name']}/{kind}"
    activation = config.get("activation", "linear")
    if kind not in LAYERS:
        raise NotImplementedError(f"the class {kind} of the layer {layer['name']} is unknown; {REMEDY}")
    add, options = LAYERS[kind]
    for option, value in options.items():
        if config.get(option, value) != value:
            raise NotImplementedError(f"{option}={config[option]} of the layer {layer['name']} is unknown; {REMEDY}")
    if kind == "LSTM":
        return add(nodes, x, name, config, *weights)
    if str(activation) not in ACTIVATIONS:
        raise NotImplementedError(f"the activation {activation} of the layer {layer['name']} is unknown; {REMEDY}")
    return ACTIVATIONS[activation](nodes, f"{layer['name']}/{activation}", add(nodes, x, name, config, *weights))


def _dense(nodes: Nodes, x: Tensor, name: str, config: Mapping, kernel: np.ndarray, bias: np.ndarray) -> Tensor:
    x, shape = nodes.channels_last(x), (*x.shape[:-1], kernel.shape[1])
    constants = nodes.constant(f"{name}/kernel", kernel), nodes.constant(f"{name}/bias", bias)
    if len(shape) == 1:
        return nodes.add("Gemm", name, x, shape, *constants)
    product = nodes.add("MatMul", f"{name}/product", x, shape, constants[0])
    return nodes.add("Add", name, product, shape, constants[1])


def _convolution(nodes: Nodes, x: Tensor, name: str, config: Mapping, kernel: np.ndarray, bias: np.ndarray) -> Tensor:
    size = [-(-length // stride) for length, stride in zip(x.shape, config["strides"], strict=False)]
    pads = _same_pads(size, kernel.shape, config["strides"], x.shape)
    shape = (*size, kernel.shape[3])
    return _windows(nodes, "Conv", name, x, shape, config, kernel, bias, pads=pads)


def _transposed_convolution(
    nodes: Nodes, x: Tensor, name: str, config: Mapping, kernel: np.ndarray, bias: np.ndarray
) -> Tensor:
    size = [length * stride for length, stride in zip(x.shape, config["strides"], strict=False)]
    # The padding of the convolution that this one reverses; where windows leave cells between them, these too.
    pads = _same_pads(x.shape, kernel.shape, config["strides"], size)
    between = [max(stride - window, 0) for window, stride in zip(kernel.shape, config["strides"], strict=False)]
    shape = (*size, kernel.shape[2])
    return _windows(nodes, "ConvTranspose", name, x, shape, config, kernel, bias, pads=pads, output_padding=between)


def _windows(
    nodes: Nodes,
    operator: str,
    name: str,
    x: Tensor,
    shape: tuple[int, ...],
    config: Mapping,
    kernel: np.ndarray,
    bias: np.ndarray,
    **attributes: list[int],
) -> Tensor:
    # Either operator wants the last two axes of Keras's kernel first, the other way round.
    constants = (
        nodes.constant(f"{name}/kernel", kernel.transpose(3, 2, 0, 1)),
        nodes.constant(f"{name}/bias", bias),
    )
    attributes |= {"strides": config["strides"], "kernel_shape": list(kernel.shape[:2])}
    return nodes.add(operator, name, nodes.channels_first(x), shape, *constants, **attributes)


def _same_pads(n_outputs, windows, strides, n_inputs) -> list[int]:
    """Return ONNX's `pads`, before each axis and then after each, of TensorFlow's padding "same"."""
    zipped = zip(n_outputs, windows, strides, n_inputs, strict=False)
    totals = [max((outputs - 1) * stride + window - inputs, 0) for outputs, window, stride, inputs in zipped]
    # TensorFlow puts the odd cell after.
    return [total // 2 for total in totals] + [total - total // 2 for total in totals]


def _max_pooling(nodes: Nodes, x: Tensor, name: str, config: Mapping) -> Tensor:
    windows, strides = config["pool_size"], config["strides"]
    zipped = zip(x.shape, windows, strides, strict=False)
    size = [(length - window) // stride + 1 for length, window, stride in zipped]
    shape = (*size, x.shape[2])
    return nodes.add("MaxPool", name, nodes.channels_first(x), shape, kernel_shape=windows, strides=strides)


def _up_sampling(nodes: Nodes, x: Tensor, name: str, config: Mapping) -> Tensor:
    rows, columns = config["size"]
    scales = nodes.constant(f"{name}/scales", np.array([1, 1, rows, columns], np.float32))
    shape = (x.shape[0] * rows, x.shape[1] * columns, x.shape[2])
    options = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
    return nodes.add("Resize", name, nodes.channels_first(x), shape, "", scales, **options)


def _flatten(nodes: Nodes, x: Tensor, name: str, config: Mapping) -> Tensor:
    return nodes.reshape(name, x, (math.prod(x.shape),))


def _reshape(nodes: Nodes, x: Tensor, name: str, config: Mapping) -> Tensor:
    return nodes.reshape(name, x, tuple(config["target_shape"]))


def _repeat(nodes: Nodes, x: Tensor, name: str, config: Mapping) -> Tensor:
    step = nodes.reshape(f"{name}/step", x, (1, *x.shape))
    repeats = nodes.constant(f"{name}/repeats", np.array([1, config["n"], 1], np.int64))
    return nodes.add("Tile", name, step, (config["n"], *x.shape), repeats)


def _lstm(
    nodes: Nodes,
    x: Tensor,
    name: str,
    config: Mapping,
    kernel: np.ndarray,
    recurrent_kernel: np.ndarray,
    bias: np.ndarray,
) -> Tensor:
    steps, units = x.shape[0], config["units"]

    def gates(array: np.ndarray) -> np.ndarray:
        # Keras orders the gates input, forget, cell, output; ONNX input, output, forget, cell, and a direction first.
        given, forget, cell, output = np.split(array, 4, axis=-1)
        return np.concatenate([given, output, forget, cell], axis=-1).T[None]

    both = np.concatenate([gates(bias), np.zeros((1, 4 * units), np.float32)], axis=1)
    constants = [
        nodes.constant(f"{name}/kernel", gates(kernel)),
        nodes.constant(f"{name}/recurrent_kernel", gates(recurrent_kernel)),
        nodes.constant(f"{name}/bias", both),
    ]
    # ONNX's LSTM takes [steps, n, width] and gives [steps, 1, n, units], and the last state as [1, n, units].
    by_step = nodes.add("Transpose", f"{name}/by_step", x, x.shape, perm=[1, 0, 2])
    outputs = [f"{name}/states", f"{name}/last"]
    nodes.nodes.append(helper.make_node("LSTM", [by_step.name, *constants], outputs, name=name, hidden_size=units))
    if not config["return_sequences"]:
        last = nodes.add("Transpose", f"{name}/by_image", Tensor(outputs[1], (1, units)), (1, units), perm=[1, 0, 2])
        return nodes.reshape(f"{name}/code", last, (units,))
    states = Tensor(outputs[0], (steps, units))
    by_image = nodes.add("Transpose", f"{name}/by_image", states, (steps, 1, units), perm=[2, 0, 1, 3])
    return nodes.reshape(f"{name}/sequence", by_image, (steps, units))


# For each class of layers its function, and the only values that it knows of some options.
_IMAGES = {"data_format": "channels_last"}
_CONVOLUTION = {**_IMAGES, "padding": "same", "dilation_rate": [1, 1], "use_bias": True}
_LSTM = {
    "activation": "tanh",
    "recurrent_activation": "sigmoid",
    "use_bias": True,
    "go_backwards": False,
    "return_state": False,
}
LAYERS: dict[str, tuple[Callable[..., Tensor], Mapping[str, object]]] = {
    "Conv2D": (_convolution, {**_CONVOLUTION, "groups": 1}),
    "Conv2DTranspose": (_transposed_convolution, {**_CONVOLUTION, "output_padding": None}),
    "Dense": (_dense, {"use_bias": True}),
    "Flatten": (_flatten, _IMAGES),
    "LSTM": (_lstm, _LSTM),
    "MaxPooling2D": (_max_pooling, {**_IMAGES, "padding": "valid"}),
    "RepeatVector": (_repeat, {}),
    "Reshape": (_reshape, {}),
    "UpSampling2D": (_up_sampling, {**_IMAGES, "interpolation": "nearest"}),
}


def _operator(operator: str, **attributes) -> Callable[[Nodes, str, Tensor], Tensor]:
    """Return the activation that one operator of ONNX is."""
    return lambda nodes, name, x: nodes.add(operator, name, x, x.shape, **attributes)


def _softmax(nodes: Nodes, name: str, x: Tensor) -> Tensor:
    return nodes.add("Softmax", name, x, x.shape, axis=1 if x.channels_first else -1)


def _silu(nodes: Nodes, name: str, x: Tensor) -> Tensor:
    sigmoid = nodes.add("Sigmoid", f"{name}/sigmoid", x, x.shape)
    return nodes.add("Mul", name, x, x.shape, sigmoid.name)


def _gelu(nodes: Nodes, name: str, x: Tensor) -> Tensor:
    """Add x Φ(x) = x (1 + erf(x / √2)) / 2; ONNX has it as one operator only from opset 20 on."""
    root, one, half = (
        nodes.constant(f"{name}/{label}", np.array(value, np.float32))
        for label, value in {"root_2": math.sqrt(2), "one": 1, "half": 0.5}.items()
    )
    scaled = nodes.add("Div", f"{name}/scaled", x, x.shape, root)
    error = nodes.add("Erf", f"{name}/erf", scaled, x.shape)
    doubled = nodes.add("Add", f"{name}/doubled", error, x.shape, one)
    product = nodes.add("Mul", f"{name}/product", doubled, x.shape, x.name)
    return nodes.add("Mul", name, product, x.shape, half)


# By the names and with the defaults of Keras.
ACTIVATIONS: dict[str, Callable[[Nodes, str, Tensor], Tensor]] = {
    "elu": _operator("Elu", alpha=1.0),
    "gelu": _gelu,
    "leaky_relu": _operator("LeakyRelu", alpha=0.2),
    "linear": lambda nodes, name, x: x,
    "relu": _operator("Relu"),
    "selu": _operator("Selu"),
    "sigmoid": _operator("Sigmoid"),
    "silu": _silu,
    "softmax": _softmax,
    "tanh": _operator("Tanh"),
}
