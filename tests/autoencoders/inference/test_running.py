import subprocess
import sys
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from small import ROOT

from autoencoders.core.errors import InputError
from autoencoders.inference.network import Network
from autoencoders.networks import storage
from autoencoders.networks.runtime import deterministic, keras
from autoencoders.networks.variational import Sampling
from stages.shared.settings.networks import Activation

layers = keras.layers
HALVING = {"strides": 2, "padding": "same"}


def save(folder: Path, *parts: layers.Layer, shape: tuple[int, ...], variational: bool = False) -> None:
    """Save a network of layers that follow each other, with weights and biases of ordinary size."""
    deterministic(0)
    inputs = x = keras.Input(shape, name="images")
    for part in parts:
        before, x = x, part(x)
        if variational and part.name == "code":
            x = Sampling(1.0, 0, name="sample")([x, layers.Dense(x.shape[-1], name="log_variance")(before)])
    model = keras.Model(inputs, x)
    random = np.random.default_rng(1)
    for weights in model.trainable_weights:
        weights.assign(random.normal(scale=0.3, size=weights.shape))
    storage.save(model, folder)


def save_dense(folder: Path, variational: bool = False) -> None:
    parts = [
        layers.Dense(8, "relu"),
        layers.Dense(5, name="code"),
        layers.Dense(8, "relu"),
        layers.Dense(12, "sigmoid"),
    ]
    save(folder, *parts, shape=(12,), variational=variational)


def save_classifier(folder: Path) -> None:
    save(folder, layers.Dense(9, "relu"), layers.Dense(4, "softmax"), shape=(12,))


def save_convolutional(folder: Path) -> None:
    parts = [
        layers.Conv2D(4, 3, padding="same", activation="relu"),
        layers.MaxPooling2D(2),
        layers.Conv2D(6, 3, padding="same", activation="relu"),
        layers.MaxPooling2D(2, name="code"),
        layers.Conv2D(6, 3, padding="same", activation="relu"),
        layers.UpSampling2D(2),
        layers.Conv2D(4, 3, padding="same", activation="relu"),
        layers.UpSampling2D(2),
        layers.Conv2D(3, 3, padding="same", activation="sigmoid"),
    ]
    save(folder, *parts, shape=(12, 8, 3))


def save_strided(folder: Path, variational: bool = False) -> None:
    parts = [
        layers.Conv2D(4, 3, activation="relu", **HALVING),
        layers.Conv2D(6, 3, activation="relu", **HALVING),
        layers.Flatten(),
        layers.Dense(5, name="code"),
        layers.Dense(36, activation="relu"),
        layers.Reshape((3, 2, 6)),
        layers.Conv2DTranspose(4, 3, activation="relu", **HALVING),
        layers.Conv2DTranspose(3, 3, activation="sigmoid", **HALVING),
    ]
    save(folder, *parts, shape=(12, 8, 3), variational=variational)


AUTOENCODERS = {
    "dense": (save_dense, (12,), (5,)),
    "convolutional": (save_convolutional, (12, 8, 3), (3, 2, 6)),
    "strided": (save_strided, (12, 8, 3), (5,)),
    "variational": (lambda folder: save_dense(folder, variational=True), (12,), (5,)),
    "strided variational": (lambda folder: save_strided(folder, variational=True), (12, 8, 3), (5,)),
}


def uniform(*shape: int) -> np.ndarray:
    return np.random.default_rng(2).random(shape, dtype=np.float32)


def assert_as_keras(found: np.ndarray, expected) -> None:
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, np.asarray(expected), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("kind", AUTOENCODERS)
def test_an_autoencoder_gives_what_it_gives_in_keras(tmp_path, kind):
    write, input_shape, code_shape = AUTOENCODERS[kind]
    write(tmp_path)
    network, model = Network(tmp_path), storage.load(tmp_path)
    assert (network.input_shape, network.code_shape) == (input_shape, code_shape)
    images, codes = uniform(7, *input_shape), uniform(7, *code_shape)
    assert_as_keras(network.predict(images), model(images))
    assert_as_keras(network.encode(images), keras.Model(model.input, model.get_layer("code").output)(images))
    names = [layer.name for layer in model.layers]
    x = codes
    for layer in model.layers[names.index("sample" if "sample" in names else "code") + 1 :]:
        x = layer(x)
    assert_as_keras(network.decode(codes), x)
    assert_as_keras(network.predict(images), network.decode(network.encode(images)))


def test_a_classifier_gives_the_probabilities_that_it_gives_in_keras(tmp_path):
    save_classifier(tmp_path)
    network, images = Network(tmp_path), uniform(7, 12)
    assert (network.input_shape, network.code_shape) == ((12,), None)
    assert_as_keras(network.predict(images), storage.load(tmp_path)(images))


# Even windows, odd images and windows smaller than the stride show on which side the padding falls.
@pytest.mark.parametrize("size", [(7, 6), (8, 9)])
@pytest.mark.parametrize("kernel", [1, 2, 3, 4, (5, 2)])
def test_windows_of_any_size_meet_the_pixels_that_they_meet_in_keras(tmp_path, kernel, size):
    parts = [
        layers.Conv2D(4, kernel, padding="same"),
        layers.Conv2D(5, kernel, **HALVING),
        layers.Conv2DTranspose(3, kernel, **HALVING),
        layers.MaxPooling2D(2),
        layers.Conv2DTranspose(2, kernel, padding="same"),
    ]
    save(tmp_path, *parts, shape=(*size, 3))
    images = uniform(2, *size, 3)
    assert_as_keras(Network(tmp_path).predict(images), storage.load(tmp_path)(images))


@pytest.mark.parametrize("activation", [*get_args(Activation), "softmax"])
def test_every_activation_that_the_parameters_allow_is_that_of_keras(tmp_path, activation):
    save(tmp_path, layers.Dense(12, activation), shape=(12,))
    model = storage.load(tmp_path)
    model.layers[-1].set_weights([np.eye(12, dtype=np.float32), np.zeros(12)])
    storage.save(model, tmp_path)
    values = np.array([-1e4, -200, -20, -3, -1, -1e-3, 0, 1e-3, 1, 3, 20, 200], dtype=np.float32)
    inputs = np.random.default_rng(0).permuted(np.tile(values, (5, 1)), axis=1)
    with np.errstate(over="raise", invalid="raise"):
        assert_as_keras(Network(tmp_path).predict(inputs), model(inputs))


@pytest.mark.parametrize("kind", AUTOENCODERS)
def test_outputs_do_not_depend_on_how_many_images_are_run_at_once(tmp_path, monkeypatch, kind):
    write, input_shape, code_shape = AUTOENCODERS[kind]
    write(tmp_path)
    images = uniform(7, *input_shape)
    whole = Network(tmp_path)
    monkeypatch.setattr("autoencoders.inference.network.BLOCK_VALUES", 1)
    single = Network(tmp_path)
    for network in (whole, single):
        np.testing.assert_allclose(network.predict(images), whole.predict(images), atol=1e-6)
        alone = [network.encode(image[None])[0] for image in images]
        np.testing.assert_allclose(network.encode(images), alone, atol=1e-6)
        assert network.encode(images[:0]).shape == (0, *code_shape)


def test_images_are_left_as_they_are(tmp_path):
    save(tmp_path, layers.Reshape((12,)), layers.Dense(12, "relu"), shape=(3, 4))
    images = uniform(7, 3, 4) - 0.5
    before = images.copy()
    Network(tmp_path).predict(images)
    assert np.array_equal(images, before)


@pytest.mark.parametrize("name", [storage.ARCHITECTURE, storage.WEIGHTS])
@pytest.mark.parametrize("damage", ["missing", "cut", "empty"])
def test_a_missing_or_damaged_file_is_one_sentence(tmp_path, name, damage):
    save_dense(tmp_path)
    file = tmp_path / name
    content = file.read_bytes()
    file.unlink()
    if damage != "missing":
        file.write_bytes(content[: len(content) // 2] if damage == "cut" else b"{}")
    with pytest.raises(InputError, match=f"^{tmp_path} holds no readable network .*; delete it and train again"):
        Network(tmp_path)


def test_weights_of_another_network_are_one_sentence(tmp_path):
    save_dense(tmp_path)
    weights = (tmp_path / storage.WEIGHTS).read_bytes()
    save_classifier(tmp_path)
    (tmp_path / storage.WEIGHTS).write_bytes(weights)
    with pytest.raises(InputError, match=f"^{tmp_path} holds no readable network "):
        Network(tmp_path)


@pytest.mark.parametrize(
    ("part", "named"),
    [
        (layers.Dense(12, "softplus", name="last"), "activation softplus of its layer last"),
        (layers.LayerNormalization(name="last"), "class LayerNormalization of its layer last"),
        (layers.Dense(12, use_bias=False, name="last"), "use_bias=False of its layer last"),
    ],
)
def test_what_numpy_cannot_run_is_named_instead_of_run_wrongly(tmp_path, part, named):
    save(tmp_path, layers.Dense(12), part, shape=(12,))
    with pytest.raises(InputError, match=f"holds no readable network .*{named} is unknown"):
        Network(tmp_path)


def test_the_stages_that_only_run_networks_do_not_wait_for_tensorflow():
    program = "import sys, stages.cluster, stages.encode, stages.evaluate; sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=False).returncode == 0
