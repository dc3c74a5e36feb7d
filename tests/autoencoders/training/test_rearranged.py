import numpy as np
import pytest

from autoencoders.networks import architectures
from autoencoders.networks.runtime import keras, tf
from autoencoders.training import rearranged

IMAGES = np.random.default_rng(0).random((6, 12, 8, 3), dtype=np.float32)


def network(filters=(5,), kernel_size=3, activation="relu") -> keras.Model:
    """Return a convolutional autoencoder whose biases are not zero, as a trained one's."""
    keras.utils.set_random_seed(0)
    found = architectures.convolutional("some", IMAGES.shape[1:], filters, kernel_size, activation, "sigmoid")
    random = np.random.default_rng(1)
    for weights in found.trainable_variables:
        if len(weights.shape) == 1:
            weights.assign(random.normal(size=weights.shape) / 10)
    return found


def outputs_and_gradients(model: keras.Model) -> tuple[np.ndarray, list[np.ndarray]]:
    with tf.GradientTape() as tape:
        found = model(IMAGES, training=True)
        loss = tf.reduce_mean(keras.losses.binary_crossentropy(IMAGES, found))
    return found.numpy(), [gradient.numpy() for gradient in tape.gradient(loss, model.trainable_variables)]


@pytest.mark.parametrize("filters", [(5,), (6, 4)])
@pytest.mark.parametrize("kernel_size", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("activation", ["relu", "elu", "tanh", "gelu"])
def test_outputs_and_gradients_are_those_of_the_network(filters, kernel_size, activation):
    plain = network(filters, kernel_size, activation)
    quick = keras.Model(plain.input, rearranged.outputs(plain))
    assert not any(isinstance(layer, keras.layers.UpSampling2D) for layer in quick.layers)
    # The optimizer's steps go by the order of the variables.
    assert [each.path for each in quick.trainable_variables] == [each.path for each in plain.trainable_variables]
    (expected, gradients), (found, quick_gradients) = outputs_and_gradients(plain), outputs_and_gradients(quick)
    np.testing.assert_allclose(found, expected, atol=1e-6)
    for gradient, quick_gradient in zip(gradients, quick_gradients, strict=True):
        np.testing.assert_allclose(quick_gradient, gradient, atol=1e-4 * np.abs(gradient).max())


def test_only_an_activation_that_never_falls_moves_behind_the_pooling():
    for activation, moves in [("relu", True), ("silu", False)]:
        plain = network(activation=activation)
        quick = keras.Model(plain.input, rearranged.outputs(plain))
        assert any(isinstance(layer, rearranged.Pooled) for layer in quick.layers) is moves


@pytest.mark.parametrize("kind", ["classifier", "dense", "strided"])
def test_networks_of_other_kinds_stay_as_they_are(kind):
    shape = IMAGES.shape[1:] if kind == "strided" else (20,)
    sizes = {"units": [4], "filters": [4], "kernel_size": 3, "n_classes": 3, "kl_weight": 1.0}
    sizes |= {"activation": "relu", "code_activation": "linear", "output_activation": "sigmoid"}
    plain = architectures.build(kind, "some", shape, sizes)
    assert rearranged.outputs(plain) is plain.output
