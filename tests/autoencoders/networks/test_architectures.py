import numpy as np
import pytest
from halves import code_shape, decoder, encoder

from autoencoders.core.errors import ArgumentError
from autoencoders.networks import architectures

OUTPUT = {"activation": "relu", "output_activation": "sigmoid"}
DENSE = {**OUTPUT, "code_activation": "relu"}
STRIDED = {"kernel_size": 3, **OUTPUT, "code_activation": "linear"}


@pytest.mark.parametrize(
    ("kind", "shape", "sizes", "parameters"),
    [
        # The chapter's own counts, Exercises 19 and 23, Activities 9 and 11.
        ("classifier", (1024,), {"units": [500], "activation": "relu", "n_classes": 10}, 517_510),
        ("classifier", (784,), {"units": [600], "activation": "relu", "n_classes": 10}, 477_010),
        ("convolutional", (32, 32, 3), {"filters": [32], "kernel_size": 3, **OUTPUT}, 11_011),
        ("convolutional", (28, 28, 1), {"filters": [16], "kernel_size": 3, **OUTPUT}, 2_625),
        # Weights and biases, layer by layer, Exercises 21 and 22 and Activity 10.
        ("dense", (1024,), {"units": [256], **DENSE}, 1024 * 256 + 256 + 256 * 1024 + 1024),
        (
            "dense",
            (1024,),
            {"units": [512, 256], **DENSE},
            2 * 1024 * 512 + 2 * 512 * 256 + 512 + 256 + 512 + 1024,
        ),
        ("dense", (784,), {"units": [100], **DENSE}, 2 * 784 * 100 + 100 + 784),
        # Layer by layer too: 28×28 pixels become 14×14 and 7×7.
        (
            "strided",
            (28, 28, 1),
            {"filters": [4, 8], "units": [20, 10], **STRIDED},
            (9 * 1 + 1) * 4
            + (9 * 4 + 1) * 8
            + (7 * 7 * 8 + 1) * 20
            + (20 + 1) * 10
            + (10 + 1) * 20
            + (20 + 1) * 7 * 7 * 8
            + (9 * 8 + 1) * 4
            + (9 * 4 + 1) * 1,
        ),
        # A layer more than without a divergence, beside the code.
        ("dense", (784,), {"units": [100], **DENSE, "kl_weight": 1}, 3 * 784 * 100 + 2 * 100 + 784),
    ],
)
def test_parameter_counts_are_those_of_the_layers(kind, shape, sizes, parameters):
    assert architectures.build(kind, "network", shape, sizes).count_params() == parameters


@pytest.mark.parametrize(
    ("network", "expected"),
    [
        (("dense", (784,), {"units": [30, 20, 10], **DENSE}), (10,)),
        (("dense", (784,), {"units": [30, 10], **DENSE, "kl_weight": 1}), (10,)),
        (("convolutional", (28, 28, 1), {"filters": [8], "kernel_size": 3, **OUTPUT}), (14, 14, 8)),
        (("convolutional", (32, 32, 3), {"filters": [8, 4], "kernel_size": 5, **OUTPUT}), (8, 8, 4)),
        (("strided", (28, 28, 1), {"filters": [4], "units": [5], **STRIDED}), (5,)),
        (("strided", (32, 32, 3), {"filters": [4, 4, 4], "units": [20, 6], **STRIDED}), (6,)),
        (("strided", (32, 32, 3), {"filters": [4, 4], "units": [6], **STRIDED, "kl_weight": 1}), (6,)),
    ],
)
def test_decoder_after_encoder_is_the_network(network, expected):
    kind, shape, sizes = network
    model = architectures.build(kind, "network", shape, sizes)
    images = np.random.default_rng(0).random((3, *shape), dtype=np.float32)
    codes = encoder(model)(images)
    assert codes.shape[1:] == code_shape(model) == expected
    assert np.allclose(decoder(model)(codes), model(images), atol=1e-6)
    assert model.output_shape == (None, *shape)


@pytest.mark.parametrize(("kind", "sizes"), [("dense", {}), ("strided", {"filters": [4]})])
def test_the_codes_activation_is_its_own(kind, sizes):
    shape = (64,) if kind == "dense" else (8, 8, 1)
    images = np.random.default_rng(0).random((20, *shape), dtype=np.float32)
    lowest = {}
    for activation in ("relu", "linear"):
        # A kernel size is none of a dense network's settings, which leaves it out.
        settings = {**STRIDED, **sizes, "units": [16, 8], "code_activation": activation}
        model = architectures.build(kind, "network", shape, settings)
        lowest[activation] = encoder(model)(images).numpy().min()
    assert lowest["linear"] < 0 == lowest["relu"]


@pytest.mark.parametrize(("kind", "sizes"), [("convolutional", OUTPUT), ("strided", {**STRIDED, "units": [4]})])
def test_more_halvings_than_the_image_allows_name_the_parameter(kind, sizes):
    with pytest.raises(ArgumentError, match="^filters has 3 entries"):
        architectures.build(kind, "mine", (28, 28, 1), {**sizes, "filters": [4, 4, 4], "kernel_size": 3})
