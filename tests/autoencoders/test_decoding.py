import numpy as np
import pytest

from autoencoders.decoding import decode
from autoencoders.errors import InputError
from autoencoders.networks import architectures, runtime, storage

NETWORKS = {
    "dense": lambda activation: architectures.dense("network", (12,), [8, 5], activation, "sigmoid"),
    "convolutional": lambda activation: architectures.convolutional(
        "network", (8, 8, 3), [4, 6], 3, activation, "sigmoid"
    ),
    # An even window shows on which side the padding falls.
    "even": lambda activation: architectures.convolutional("network", (8, 8, 1), [4], 2, activation, "sigmoid"),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_numpy_decodes_as_keras_does(tmp_path, name):
    runtime.deterministic(0)
    model = NETWORKS[name]("relu")
    for weights in model.weights:
        weights.assign(np.random.default_rng(1).normal(size=weights.shape) * 0.5)
    storage.save(model, tmp_path)
    codes = np.random.default_rng(2).random((4, *architectures.code_shape(model)), dtype=np.float32)
    found = decode(tmp_path, codes)
    assert found.dtype == np.float32
    assert np.allclose(found, architectures.decoder(model)(codes), atol=1e-5)


def test_an_activation_unknown_to_numpy_gives_none_instead_of_a_wrong_image(tmp_path):
    storage.save(NETWORKS["convolutional"]("gelu"), tmp_path)
    assert decode(tmp_path, np.zeros((1, 2, 2, 6), np.float32)) is None


def test_a_missing_network_is_named(tmp_path):
    with pytest.raises(InputError, match="holds no readable network"):
        decode(tmp_path, np.zeros((1, 2), np.float32))
