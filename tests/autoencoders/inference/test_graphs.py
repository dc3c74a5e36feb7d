"""The graphs of every kind of network, activation and layer, beside the Keras model that they are built from."""

import json
from typing import get_args

import numpy as np
import onnx
import onnxruntime
import pytest

from autoencoders.images.preparation import Preparation
from autoencoders.inference import graphs
from autoencoders.networks import architectures, recurrent
from autoencoders.networks.runtime import deterministic, keras
from stages.shared.settings.networks import Activation

layers = keras.layers
HALVING = {"strides": 2, "padding": "same"}
IMAGE_SHAPE = (12, 8, 3)
IMAGES = np.random.default_rng(0).integers(0, 256, (7, *IMAGE_SHAPE), dtype=np.uint8)
RGB, GREY = (Preparation(colour, flat=False) for colour in ("rgb", "grey"))
FLAT = Preparation("grey", flat=True)
DENSE = {"units": [20, 5], "activation": "relu", "code_activation": "linear", "output_activation": "sigmoid"}
CONVOLUTIONAL = {"kernel_size": 3, "activation": "relu", "output_activation": "sigmoid"}
STRIDED = {**CONVOLUTIONAL, "filters": [4, 6], "units": [9, 5], "code_activation": "linear"}

# For each kind of network the preparation, the shape of a code and the model.
KINDS = {
    "classifier": (FLAT, (), {"units": [9], "activation": "relu", "n_classes": 4}),
    "dense": (FLAT, (5,), DENSE),
    "dense, in colour": (Preparation("rgb", flat=True), (5,), DENSE),
    "dense, variational": (FLAT, (5,), {**DENSE, "kl_weight": 1.0}),
    "convolutional": (RGB, (3, 2, 6), {**CONVOLUTIONAL, "filters": [4, 6]}),
    "strided": (RGB, (5,), STRIDED),
    "strided, grey": (GREY, (5,), STRIDED),
    "strided, variational": (RGB, (5,), {**STRIDED, "kl_weight": 1.0}),
    "sequence": (GREY, (6,), None),
}


def network(kind: str) -> keras.Model:
    """A network of the library, with weights and biases of ordinary size."""
    deterministic(0)
    preparation, _, settings = KINDS[kind]
    shape = preparation.shape(IMAGE_SHAPE)
    if kind == "sequence":
        model = recurrent.predictor("sequence", shape, 4, 6)
    else:
        model = architectures.build(kind.split(",")[0], "network", shape, settings)
    return with_weights(model)


def with_weights(model: keras.Model) -> keras.Model:
    random = np.random.default_rng(1)
    for weights in model.trainable_weights:
        weights.assign(random.normal(scale=0.3, size=weights.shape))
    return model


def build(model: keras.Model, preparation: Preparation, image_shape=IMAGE_SHAPE, denoises: bool = False) -> dict:
    weights = {layer.name: layer.get_weights() for layer in model.layers}
    return graphs.build(json.loads(model.to_json()), weights, preparation, image_shape, denoises)


def run(graph: onnx.ModelProto, inputs: np.ndarray, threads: int = 1) -> np.ndarray:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(graph.SerializeToString(), options)
    (found,) = session.run(None, {session.get_inputs()[0].name: inputs})
    return found


def chain(*parts: layers.Layer, shape: tuple[int, ...]) -> keras.Model:
    """A network of layers that follow each other, and give the code."""
    deterministic(0)
    inputs = x = keras.Input(shape, name="images")
    for part in parts:
        x = part(x)
    x = layers.Reshape(x.shape[1:], name="code")(x)
    return with_weights(keras.Model(inputs, layers.Reshape(x.shape[1:], name="reconstruction")(x)))


def assert_as_keras(found: np.ndarray, expected) -> None:
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, np.asarray(expected).reshape(found.shape), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_gives_what_it_gives_in_keras(kind):
    preparation, code_shape, _ = KINDS[kind]
    model = network(kind)
    found, prepared = build(model, preparation, denoises=kind == "dense"), preparation(IMAGES)
    if kind == "classifier":
        assert_as_keras(run(found["classifier"], IMAGES), model(prepared))
        return
    coder = keras.Model(model.input, model.get_layer("code").output)
    codes = run(found["encoder"], IMAGES)
    assert codes.shape == (7, np.prod(code_shape))
    assert_as_keras(codes, coder(prepared))
    expected = np.asarray(model(prepared))
    restored = run(found["decoder"], codes)
    image_shape = preparation._replace(flat=False).shape(IMAGE_SHAPE)
    assert restored.shape == (7, *(image_shape if preparation.flat else expected.shape[1:]))
    assert_as_keras(restored, expected)


@pytest.mark.parametrize("colour", ["grey", "rgb"])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_graph_prepares_images_to_the_same_bits_as_training_does(colour, channels):
    every_byte = np.arange(256, dtype=np.uint8)
    random = np.random.default_rng(0)
    images = np.stack([random.permutation(every_byte) for _ in range(channels)], axis=-1).reshape(4, 8, 8, channels)
    preparation = Preparation(colour, flat=False)
    model = chain(layers.Flatten(), shape=preparation.shape((8, 8, channels)))
    graph = build(model, preparation, (8, 8, channels))["encoder"]
    assert np.array_equal(run(graph, images).reshape(preparation(images).shape), preparation(images))


@pytest.mark.parametrize("activation", [*get_args(Activation), "softmax"])
def test_every_activation_that_the_parameters_allow_is_that_of_keras(activation):
    # Each byte becomes one of 12 values.
    values = np.array([-1e4, -200, -20, -3, -1, -1e-3, 0, 1e-3, 1, 3, 20, 200], dtype=np.float32)
    model = chain(layers.Dense(12, activation, name="values"), shape=(12,))
    model.get_layer("values").set_weights([np.diag(values), np.zeros(12)])
    images = np.full((2, 3, 4, 1), 255, np.uint8)
    found = run(build(model, FLAT, (3, 4, 1))["encoder"], images)
    assert_as_keras(found, model(np.ones((2, 12), np.float32)))


@pytest.mark.parametrize("activation", ["softmax", "gelu", "silu"])
def test_an_activation_of_a_convolution_is_that_of_keras(activation):
    model = chain(layers.Conv2D(5, 3, padding="same", activation=activation), shape=IMAGE_SHAPE)
    assert_as_keras(run(build(model, RGB)["encoder"], IMAGES), model(RGB(IMAGES)))


# Even windows, odd images and windows smaller than the stride show on which side the padding falls.
@pytest.mark.parametrize("size", [(7, 6), (8, 9)])
@pytest.mark.parametrize("kernel", [1, 2, 3, 4, (5, 2)])
def test_windows_of_any_size_meet_the_pixels_that_they_meet_in_keras(kernel, size):
    parts = [
        layers.Conv2D(4, kernel, padding="same"),
        layers.Conv2D(5, kernel, **HALVING),
        layers.Conv2DTranspose(3, kernel, **HALVING),
        layers.MaxPooling2D(2),
        layers.Conv2DTranspose(2, kernel, padding="same"),
    ]
    model = chain(*parts, shape=(*size, 3))
    images = np.random.default_rng(0).integers(0, 256, (2, *size, 3), dtype=np.uint8)
    assert_as_keras(run(build(model, RGB, (*size, 3))["encoder"], images), model(RGB(images)))


@pytest.mark.parametrize("kind", KINDS)
def test_outputs_are_the_same_bits_alone_in_any_batch_and_with_any_number_of_threads(kind):
    # Wide enough that onnxruntime divides the work between threads and blocks its sums.
    preparation, _, settings = KINDS[kind]
    shape, random = (32, 32, 3), np.random.default_rng(0)
    wide = {"units": [300, 64]} if settings and "units" in settings else {}
    wide |= {"filters": [16, 32]} if settings and "filters" in settings else {}
    deterministic(0)
    if kind == "sequence":
        model = recurrent.predictor("sequence", preparation.shape(shape), 10, 64)
    else:
        model = architectures.build(kind.split(",")[0], "network", preparation.shape(shape), {**settings, **wide})
    images = random.integers(0, 256, (131, *shape), dtype=np.uint8)
    for name, graph in build(with_weights(model), preparation, shape, denoises=True).items():
        inputs = images if name != "decoder" else run(build(model, preparation, shape)["encoder"], images)
        whole = run(graph, inputs)
        for threads in (1, 2, 3):
            assert run(graph, inputs, threads).tobytes() == whole.tobytes(), (name, threads)
            for size in (1, 2, 7, 64):
                found = [run(graph, inputs[start : start + size], threads) for start in range(0, 2 * size, size)]
                assert np.concatenate(found).tobytes() == whole[: 2 * size].tobytes(), (name, threads, size)


def test_a_denoiser_is_the_encoder_and_then_the_decoder():
    found = build(network("dense"), FLAT, denoises=True)
    assert set(found) == {"encoder", "decoder", "denoiser"}
    assert np.array_equal(run(found["denoiser"], IMAGES), run(found["decoder"], run(found["encoder"], IMAGES)))
    assert set(build(network("dense"), FLAT)) == {"encoder", "decoder"}


@pytest.mark.parametrize("kind", ["dense", "convolutional", "classifier"])
def test_the_part_behind_the_preparation_takes_prepared_images(kind):
    preparation, *_ = KINDS[kind]
    graph = next(iter(build(network(kind), preparation).values()))
    prepared = preparation._replace(flat=False)(IMAGES)
    assert np.array_equal(run(graphs.behind_preparation(graph), prepared), run(graph, IMAGES))


def test_a_graph_is_valid_onnx_and_names_its_opset_its_version_its_inputs_and_its_outputs():
    for kind, (preparation, code_shape, _) in KINDS.items():
        for name, graph in build(network(kind), preparation).items():
            onnx.checker.check_model(graph, full_check=True)
            assert (graph.opset_import[0].version, graph.ir_version) == (17, 8)
            assert [(opset.domain, opset.version) for opset in graph.opset_import] == [("", 17)]
            given, found = graph.graph.input[0].name, graph.graph.output[0].name
            assert given == {"classifier": "images", "encoder": "images", "decoder": "code"}[name]
            last = "prediction" if kind == "sequence" else "reconstruction"
            assert found == {"classifier": "probabilities", "encoder": "code", "decoder": last}[name]
            assert json.loads(graph.metadata_props[0].value) == list(code_shape)


@pytest.mark.parametrize(
    ("part", "named"),
    [
        (layers.Dense(12, "softplus", name="last"), "activation softplus of the layer last"),
        (layers.LayerNormalization(name="last"), "class LayerNormalization of the layer last"),
        (layers.Dense(12, use_bias=False, name="last"), "use_bias=False of the layer last"),
    ],
)
def test_a_layer_without_a_translation_is_named_instead_of_translated_wrongly(part, named):
    with pytest.raises(NotImplementedError, match=f"{named} is unknown"):
        build(chain(layers.Dense(12), part, shape=(12,)), FLAT, (3, 4, 1))
