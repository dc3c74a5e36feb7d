"""Trained networks as ONNX graphs, which any engine that reads ONNX runs without Keras.

A graph takes images as they are stored, uint8, and prepares them itself. The same architecture and weights give the
same bytes.
"""

import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from onnx import ModelProto, TensorProto, ValueInfoProto, helper, utils

from autoencoders.images.preparation import Preparation
from autoencoders.inference.layers import Nodes, Tensor, add_layer

# The newest operators that are needed here and the file format that came with them, of 2021, so that old engines read
# the graphs too.
OPSET = 17
IR_VERSION = 8

IMAGES, PREPARED, CODE = "images", "prepared", "code"


def build(
    architecture: Mapping[str, Any],
    weights: Mapping[str, list[np.ndarray]],
    preparation: Preparation,
    image_shape: tuple[int, int, int],
    denoises: bool = False,
) -> dict[str, ModelProto]:
    """Return a network's graphs.

    Parameters
    ----------
    architecture : mapping
        The JSON of a Keras model whose layers follow each other. An autoencoder's layer of the code is named `code`; of
        a variational one, whose decoder starts after its layer `sample`, the code is the mean.
    weights : mapping of str to list of ndarray
        For each layer by its name what its `get_weights` returns.
    preparation : Preparation
        The form in which the network takes images. The graphs do it by its formulas, to the same bits.
    image_shape : tuple of int
        (height, width, channels) of the images as stored.
    denoises : bool
        Whether an autoencoder was trained to restore noisy images.

    Returns
    -------
    dict of str to ModelProto
        Of a classifier `classifier`, from `images`, uint8 [n, height, width, channels], to `probabilities`, float32
        [n, n_classes]. Of an autoencoder:

        - `encoder`, from `images` to `code`, float32 [n, code size], the numbers in Keras's order;
        - `decoder`, from `code` to what the last layer gives, float32, images [n, height, width, channels] in 0 to 1;
        - `denoiser`, if it denoises: the one and then the other, from noisy `images` to restored ones.

        Each takes one image or more; onnxruntime 1.32 aborts in an LSTM that gets none. The metadata of each say in
        JSON the `code_shape` and, as `largest`, how many numbers the largest value of one image has that it holds.

    Raises
    ------
    NotImplementedError
        If a layer has no translation; see `autoencoders.inference.layers`.
    """
    layers = architecture["config"]["layers"]
    names = [layer["name"] for layer in layers]
    n_encoder = names.index("code") + 1 if "code" in names else len(names)
    n_sample = names.index("sample") + 1 if "sample" in names else n_encoder
    name = architecture["config"]["name"]

    as_image = preparation._replace(flat=False).shape(image_shape)
    given = helper.make_tensor_value_info(IMAGES, TensorProto.UINT8, ["n", *image_shape])
    # Named, so that `behind_preparation` can cut there.
    cut = helper.make_tensor_value_info(PREPARED, TensorProto.FLOAT, ["n", *as_image])

    def through(nodes: Nodes, x: Tensor, chosen: list[Mapping]) -> Tensor:
        for layer in chosen:
            x = add_layer(nodes, x, layer, weights.get(layer["name"], []))
        return x

    def encoded(nodes: Nodes) -> Tensor:
        return through(nodes, _prepared(nodes, preparation, image_shape), layers[1:n_encoder])

    def decoded(nodes: Nodes, code: Tensor) -> Tensor:
        x = through(nodes, nodes.reshape("code/shaped", code, code_shape), layers[n_sample:])
        return nodes.reshape(names[-1], x, as_image if preparation.flat else x.shape)

    nodes = Nodes()
    x = encoded(nodes)
    if "code" not in names:
        output = nodes.reshape("probabilities", x, x.shape)
        return {"classifier": model(name, nodes, given, output, (), cut)}
    code_shape = x.shape
    code = nodes.reshape(CODE, x, (math.prod(code_shape),))
    found = {"encoder": model(name, nodes, given, code, code_shape, cut)}
    nodes = Nodes()
    codes = helper.make_tensor_value_info(CODE, TensorProto.FLOAT, ["n", *code.shape])
    found["decoder"] = model(name, nodes, codes, decoded(nodes, code), code_shape)
    if denoises:
        nodes = Nodes()
        code = nodes.reshape(CODE, encoded(nodes), code.shape)
        found["denoiser"] = model(name, nodes, given, decoded(nodes, code), code_shape, cut)
    return found


def behind_preparation(graph: ModelProto) -> ModelProto:
    """Return the part of a graph that follows the preparation, for images that something was done to after it.

    It takes `prepared`, float32 [n, height, width, channels] in 0 to 1 in the network's colour.
    """
    part = utils.Extractor(graph).extract_model([PREPARED], [output.name for output in graph.graph.output])
    part.metadata_props.extend(graph.metadata_props)
    return part


def _prepared(nodes: Nodes, preparation: Preparation, image_shape: tuple[int, int, int]) -> Tensor:
    """Add what `Preparation` does: one division, after the sum over the channels where the network takes grey."""
    as_float = nodes.add("Cast", "images/float", Tensor(IMAGES, image_shape), image_shape, to=TensorProto.FLOAT)
    divisor = 255
    if preparation.colour == "grey" and image_shape[-1] > 1:
        axes = nodes.constant("images/channels", np.array([-1], np.int64))
        as_float = nodes.add("ReduceSum", "images/sum", as_float, (*image_shape[:2], 1), axes, keepdims=1)
        divisor *= image_shape[-1]
    white = nodes.constant("images/white", np.array(divisor, np.float32))
    # Flat, since onnxruntime divides images whose last axis is one channel a hundred times more slowly.
    flat = nodes.reshape("images/flat", as_float, (math.prod(as_float.shape),))
    scaled = nodes.add("Div", "images/scaled", flat, flat.shape, white)
    images = nodes.reshape(PREPARED, scaled, as_float.shape)
    return nodes.reshape("prepared/flat", images, flat.shape) if preparation.flat else images


def model(
    name: str,
    nodes: Nodes,
    given: ValueInfoProto,
    output: Tensor,
    code_shape: tuple[int, ...],
    cut: ValueInfoProto | None = None,
) -> ModelProto:
    """Return nodes as a graph of this name, from what is `given` to `output`, float32 [n, *output.shape].

    `cut` describes a value within, where `behind_preparation` cuts. The metadata are those that `build` names.
    """
    result = helper.make_tensor_value_info(output.name, TensorProto.FLOAT, ["n", *output.shape])
    described = [cut] if cut else []
    graph = helper.make_graph(nodes.nodes, name, [given], [result], nodes.constants, value_info=described)
    made = helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="autoencoders",
    )
    helper.set_model_props(made, {"code_shape": json.dumps(code_shape), "largest": json.dumps(nodes.largest)})
    return made
