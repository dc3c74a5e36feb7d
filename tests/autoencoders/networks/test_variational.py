from dataclasses import replace

import numpy as np
import pytest

from autoencoders.images.preparation import Preparation
from autoencoders.networks import architectures, runtime, storage
from autoencoders.training.fit import Training, fit
from autoencoders.uses.reconstruction import cross_entropy

RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.integers(0, 256, (40, 8, 8, 1), dtype=np.uint8)
SIZES = {
    "dense": {"units": [16, 4]},
    "strided": {"filters": [4], "kernel_size": 3, "units": [4]},
}
TRAINING = Training(loss="binary_crossentropy", optimizer="adam", learning_rate=0.01, batch_size=40, epochs=2, seed=0)


def preparation(kind: str) -> Preparation:
    return Preparation("grey", flat=kind == "dense")


def network(kind: str, kl_weight: float = 1.0, seed: int = 0):
    runtime.deterministic(0)
    shape = preparation(kind).shape(IMAGES.shape[1:])
    activations = {"activation": "relu", "code_activation": "linear", "output_activation": "sigmoid"}
    return architectures.build(
        kind, "mine", shape, {**SIZES[kind], **activations, "kl_weight": kl_weight, "seed": seed}
    )


def weights(model) -> bytes:
    return b"".join(array.tobytes() for array in model.get_weights())


def distributions(model, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the means and the logarithms of the variances that the encoder gives."""
    layers = [model.get_layer(name).output for name in ("code", "log_variance")]
    return tuple(values.numpy() for values in runtime.keras.Model(model.input, layers)(images))


@pytest.mark.parametrize("kind", SIZES)
def test_codes_are_drawn_in_training_only_with_the_encoders_mean_and_deviation(kind):
    model = network(kind)
    image = preparation(kind)(IMAGES[:1])
    drawing = runtime.keras.Model(model.input, model.get_layer("sample").output)
    mean, log_variance = distributions(model, image)
    repeated = np.repeat(image, 5000, axis=0)
    drawn = drawing(repeated, training=True).numpy()
    np.testing.assert_allclose(drawn.mean(axis=0), mean[0], atol=0.1)
    np.testing.assert_allclose(drawn.std(axis=0), np.exp(log_variance[0] / 2), rtol=0.05)
    assert np.array_equal(drawing(image, training=False), mean)


@pytest.mark.parametrize("kind", SIZES)
@pytest.mark.parametrize("kl_weight", [1.0, 4.0])
def test_the_loss_is_the_reconstructions_and_the_divergence_per_pixel(kind, kl_weight):
    model = network(kind, kl_weight)
    # Codes far from the prior, whose divergence is not a small part of the loss.
    model.get_layer("log_variance").bias.assign([1.0, -1.0, 2.0, -2.0])
    images = preparation(kind)(IMAGES)
    mean, log_variance = distributions(model, images)
    variance = np.exp(log_variance)
    divergence = 0.5 * (mean**2 + variance - 1 - np.log(variance)).sum(axis=1).mean()
    reconstruction = cross_entropy(images, model(images, training=False).numpy()).mean()
    model.compile(loss="binary_crossentropy")
    found = model.evaluate(images, images, batch_size=40, verbose=0)
    assert found == pytest.approx(reconstruction + kl_weight * divergence / 64, rel=1e-4)


@pytest.mark.slow
def test_training_repeats_to_the_byte_and_draws_by_its_seed():
    # A dense one repeats below, after it was loaded.
    kind, trained = "strided", {}
    for run, seed in (("first", 0), ("again", 0), ("other", 1)):
        model = network(kind, seed=seed)
        fit(model, IMAGES, None, preparation(kind), TRAINING)
        trained[run] = weights(model)
    assert trained["first"] == trained["again"] != trained["other"]


@pytest.mark.slow
def test_a_greater_weight_brings_the_codes_nearer_to_the_prior():
    sizes = []
    for kl_weight in (0.01, 100.0):
        model = network("dense", kl_weight)
        fit(model, IMAGES, None, preparation("dense"), replace(TRAINING, epochs=40))
        sizes.append(np.abs(distributions(model, preparation("dense")(IMAGES))[0]).mean())
    assert sizes[1] < sizes[0] / 2


@pytest.mark.parametrize("kind", SIZES)
def test_a_weight_of_zero_is_the_plain_network(kind):
    model = network(kind, kl_weight=0)
    assert not {"sample", "log_variance"} & {layer.name for layer in model.layers}
    images = preparation(kind)(IMAGES)
    assert np.array_equal(model(images, training=True), model(images, training=False))


@pytest.mark.slow
def test_a_loaded_network_goes_on_as_the_saved_one_would(tmp_path):
    model = network("dense")
    storage.save(model, tmp_path)
    loaded = storage.load(tmp_path)
    for each in (model, loaded):
        fit(each, IMAGES, None, preparation("dense"), TRAINING)
    assert weights(loaded) == weights(model)
