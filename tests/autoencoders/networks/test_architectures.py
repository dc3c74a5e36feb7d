import numpy as np
import pytest

from autoencoders.errors import InputError
from autoencoders.networks import architectures

OUTPUT = {"activation": "relu", "output_activation": "sigmoid"}


@pytest.mark.parametrize(
    ("kind", "shape", "sizes", "parameters"),
    [
        # The chapter's own counts, Exercises 19 and 23, Activities 9 and 11.
        ("classifier", (1024,), {"units": [500], "activation": "relu", "n_classes": 10}, 517_510),
        ("classifier", (784,), {"units": [600], "activation": "relu", "n_classes": 10}, 477_010),
        ("convolutional", (32, 32, 3), {"filters": [32], "kernel_size": 3, **OUTPUT}, 11_011),
        ("convolutional", (28, 28, 1), {"filters": [16], "kernel_size": 3, **OUTPUT}, 2_625),
        # Weights and biases, layer by layer, Exercises 21 and 22 and Activity 10.
        ("dense", (1024,), {"units": [256], **OUTPUT}, 1024 * 256 + 256 + 256 * 1024 + 1024),
        (
            "dense",
            (1024,),
            {"units": [512, 256], **OUTPUT},
            2 * 1024 * 512 + 2 * 512 * 256 + 512 + 256 + 512 + 1024,
        ),
        ("dense", (784,), {"units": [100], **OUTPUT}, 2 * 784 * 100 + 100 + 784),
    ],
)
def test_parameter_counts_are_the_chapters(kind, shape, sizes, parameters):
    assert architectures.build(kind, "network", shape, **sizes).count_params() == parameters


@pytest.mark.parametrize(
    ("network", "code_shape"),
    [
        (("dense", (784,), {"units": [30, 20, 10]}), (10,)),
        (("convolutional", (28, 28, 1), {"filters": [8], "kernel_size": 3}), (14, 14, 8)),
        (("convolutional", (32, 32, 3), {"filters": [8, 4], "kernel_size": 5}), (8, 8, 4)),
    ],
)
def test_decoder_after_encoder_is_the_network(network, code_shape):
    kind, shape, sizes = network
    model = architectures.build(kind, "network", shape, **sizes, **OUTPUT)
    images = np.random.default_rng(0).random((3, *shape), dtype=np.float32)
    codes = architectures.encoder(model)(images)
    assert codes.shape[1:] == architectures.code_shape(model) == code_shape
    assert np.allclose(architectures.decoder(model)(codes), model(images), atol=1e-6)
    assert model.output_shape == (None, *shape)


def test_more_poolings_than_the_image_allows_name_the_parameter():
    with pytest.raises(InputError, match=r"autoencoders\.mine\.filters has 3 entries"):
        architectures.convolutional("mine", (28, 28, 1), [4, 4, 4], 3, "relu", "sigmoid")
