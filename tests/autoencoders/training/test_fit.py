import io

import numpy as np
import pytest
from tqdm import tqdm

from autoencoders.core.errors import InputError
from autoencoders.core.rows import Rows
from autoencoders.images.preparation import Preparation, one_hot
from autoencoders.networks import architectures, runtime
from autoencoders.networks.runtime import keras
from autoencoders.training import batches, fit
from autoencoders.training.fit import Progress, train
from autoencoders.uses.reconstruction import cross_entropy

RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.integers(0, 256, (50, 8, 8, 3), dtype=np.uint8)
LABELS = one_hot(RANDOM.integers(0, 3, 50), 3)
GREY = Preparation("grey", flat=True)
SETTINGS = {
    "loss": "binary_crossentropy",
    "optimizer": "adam",
    "learning_rate": 0.01,
    "schedule": "constant",
    "warmup": 0.0,
    "batch_size": 16,
    "epochs": 3,
    "seed": 0,
}


def autoencoder():
    runtime.deterministic(0)
    return architectures.dense("network", (64,), [16], "relu", "relu", "sigmoid")


def weights(model) -> bytes:
    return b"".join(array.tobytes() for array in model.get_weights())


def test_training_lowers_the_loss_and_repeats_to_the_byte():
    models = [autoencoder(), autoencoder()]
    histories = [train(model, IMAGES, None, GREY, **SETTINGS, noise=0.1) for model in models]
    assert histories[0]["loss"][-1] < histories[0]["loss"][0]
    assert histories[0] == histories[1]
    assert weights(models[0]) == weights(models[1])


def test_images_prepared_beforehand_and_in_each_batch_train_to_the_same_bytes(monkeypatch):
    first = weights(_trained())
    monkeypatch.setattr(batches, "PREPARED", 0)
    assert weights(_trained()) == first


def test_another_seed_gives_another_order():
    assert weights(_trained(seed=0)) != weights(_trained(seed=1))


def _trained(**changes):
    model = autoencoder()
    train(model, IMAGES, None, GREY, **{**SETTINGS, **changes})
    return model


def test_the_loss_is_the_cross_entropy_of_the_networks_own_output():
    model = autoencoder()
    expected = cross_entropy(GREY(IMAGES), model(GREY(IMAGES)).numpy()).mean()
    history = train(model, IMAGES, None, GREY, **{**SETTINGS, "learning_rate": 1e-12, "epochs": 1})
    assert history["loss"][0] == pytest.approx(expected, rel=1e-5)


def test_a_classifier_is_scored_on_validation_images_too():
    runtime.deterministic(0)
    model = architectures.classifier("network", (64,), [16], "relu", 3)
    settings = {**SETTINGS, "loss": "categorical_crossentropy", "epochs": 60}
    history = train(model, IMAGES, LABELS, GREY, **settings, validation=(IMAGES[:9], LABELS[:9]))
    assert set(history) == {"loss", "accuracy", "validation_loss", "validation_accuracy"}
    assert history["accuracy"][-1] > 0.6
    assert model(GREY(IMAGES)).numpy().sum(axis=1) == pytest.approx(1, abs=1e-5)


def test_a_cosine_schedule_rises_over_its_warm_up_and_ends_at_zero():
    schedule = fit._rate(0.01, "cosine", 0.25, steps=100)
    values = [float(schedule(step)) for step in (0, 10, 25, 60, 100)]
    assert values[0] == 0 and values[2] == pytest.approx(0.01) and values[4] == pytest.approx(0, abs=1e-8)
    assert values[0] < values[1] < values[2] > values[3] > values[4]
    assert float(fit._rate(0.01, "cosine", 0.0, steps=100)(0)) == pytest.approx(0.01)
    assert fit._rate(0.01, "constant", 0.0, steps=100) == 0.01


def test_the_schedule_covers_the_whole_training():
    # A rate that were still high at the end would move the weights in a last epoch as much as in the first.
    last = {**SETTINGS, "schedule": "cosine", "epochs": 40}
    losses = train(autoencoder(), IMAGES, None, GREY, **last)["loss"]
    assert abs(losses[-1] - losses[-2]) < 0.02 * abs(losses[1] - losses[0])


def test_options_reach_the_optimizer_and_unknown_ones_are_named():
    assert weights(_trained(optimizer_options={"beta_2": 0.9})) != weights(_trained())
    with pytest.raises(InputError, match="optimizer_options {'beta_3': 1} are not what Keras's optimizer 'adam' takes"):
        _trained(optimizer_options={"beta_3": 1})


def test_early_stopping_goes_back_to_the_best_epoch():
    model = autoencoder()
    patience = {"patience": 2, "min_delta": 10.0}
    history = train(model, IMAGES, None, GREY, **{**SETTINGS, "epochs": 30}, early_stopping=patience)
    assert len(history["loss"]) == 3
    assert weights(model) == weights(_trained(epochs=1))


def test_a_loss_that_is_no_longer_finite_ends_training():
    settings = {**SETTINGS, "loss": "mean_squared_error", "optimizer": "sgd", "learning_rate": 1e30, "epochs": 9}
    model = architectures.dense("network", (64,), [16], "linear", "linear", "linear")
    history = train(model, IMAGES, None, GREY, **settings)
    assert len(history["loss"]) < 9
    assert not np.isfinite(history["loss"][-1])


def test_a_log_gets_a_line_an_epoch_with_speed_and_time_left(capsys):
    clock = iter([10.0, 12.0, 14.0])
    progress = Progress(n_images=100, per_portion=40, epochs=4, clock=lambda: next(clock))
    progress.on_train_begin()
    progress.on_epoch_end(0, {"loss": 0.5})
    progress.on_epoch_end(1, {"loss": 0.25, "val_loss": 0.3})
    progress.on_train_end()
    first, second = capsys.readouterr().out.splitlines()
    assert first == "epoch 1/4  loss 0.5000  50 images/s  6 s left"
    assert second == "epoch 2/4  loss 0.2500  validation_loss 0.3000  50 images/s  4 s left"


@pytest.fixture
def small_windows(monkeypatch):
    monkeypatch.setattr("autoencoders.core.rows.RUN", 4)
    monkeypatch.setattr("autoencoders.core.rows.RUNS_AT_A_TIME", 3)


def test_training_on_stored_images_repeats_to_the_byte_and_comes_as_far(small_windows):
    models = [autoencoder() for _ in range(3)]
    settings = {**SETTINGS, "epochs": 20}
    losses = [
        train(model, images, None, GREY, **settings)["loss"]
        for model, images in zip(models, (Rows(IMAGES), Rows(IMAGES), IMAGES), strict=True)
    ]
    assert losses[0] == losses[1] and weights(models[0]) == weights(models[1])
    assert losses[0][-1] == pytest.approx(losses[2][-1], rel=0.01)


def test_the_bar_counts_the_images_of_portions_of_which_the_last_is_smaller():
    progress = Progress(n_images=100, per_portion=60, epochs=2, clock=lambda: 0.0)
    progress.on_train_begin()
    # Where there is no terminal the bar counts nothing.
    progress.bar = tqdm(total=200, file=io.StringIO())
    counts = []
    for epoch in (0, 1):
        progress.on_epoch_begin(epoch)
        for number in (0, 1):
            progress.on_train_batch_end(number)
            counts.append(progress.bar.n)
    progress.on_train_end()
    assert counts == [60, 100, 160, 200]


@pytest.mark.parametrize("n", [50, 48, 5])
@pytest.mark.parametrize("jit_compile", [False, True])
def test_training_is_that_of_keras_on_the_same_batches(n, jit_compile):
    ours, plain = autoencoder(), autoencoder()
    # All images alike, so that their order does not matter; 16 a batch leave 2, none and all 5 for the last one.
    images = np.broadcast_to(IMAGES[:1], (n, 8, 8, 3)).copy()
    history = train(ours, images, None, GREY, **SETTINGS, jit_compile=jit_compile)
    plain.compile(optimizer=keras.optimizers.Adam(0.01), loss="binary_crossentropy")
    expected = plain.fit(GREY(images), GREY(images), batch_size=16, epochs=3, shuffle=False, verbose=0).history
    assert history["loss"] == pytest.approx(expected["loss"], rel=1e-5)
    for found, array in zip(ours.get_weights(), plain.get_weights(), strict=True):
        assert found == pytest.approx(array, abs=1e-5)


def test_portions_of_any_size_train_to_the_same_but_for_the_order_of_images(monkeypatch):
    images = np.broadcast_to(IMAGES[:1], (50, 8, 8, 3)).copy()
    expected = autoencoder()
    train(expected, images, None, GREY, **SETTINGS)
    monkeypatch.setattr(batches, "PORTION", 20)
    found = autoencoder()
    train(found, images, None, GREY, **SETTINGS)
    for array, wanted in zip(found.get_weights(), expected.get_weights(), strict=True):
        assert array == pytest.approx(wanted, abs=1e-6)


# The last batch has 2 images, too few for three parts, or 5.
@pytest.mark.parametrize("n", [50, 37])
def test_a_batch_in_parts_trains_to_the_same_but_for_rounding(n):
    def network():
        runtime.deterministic(0)
        return architectures.convolutional("network", (8, 8, 3), [4], 3, "relu", "sigmoid")

    whole, *parts = network(), network(), network()
    images = IMAGES[:n]
    expected = train(whole, images, None, Preparation("rgb", flat=False), **SETTINGS)
    histories = [train(each, images, None, Preparation("rgb", flat=False), **SETTINGS, parts=3) for each in parts]
    assert histories[0] == histories[1] and weights(parts[0]) == weights(parts[1])
    assert histories[0]["loss"] == pytest.approx(expected["loss"], rel=1e-5)
    for found, array in zip(parts[0].get_weights(), whole.get_weights(), strict=True):
        assert found == pytest.approx(array, abs=1e-4)


@pytest.mark.parametrize("kl_weight", [0.0, 1.0])
def test_compiled_training_is_the_same_but_for_roundings_and_repeats_to_the_byte(kl_weight):
    def network():
        runtime.deterministic(0)
        return architectures.dense("network", (64,), [16, 4], "relu", "linear", "sigmoid", kl_weight, seed=3)

    plain, *compiled = network(), network(), network()
    expected = train(plain, IMAGES, None, GREY, **SETTINGS)
    histories = [train(model, IMAGES, None, GREY, **SETTINGS, jit_compile=True) for model in compiled]
    assert histories[0] == histories[1]
    assert weights(compiled[0]) == weights(compiled[1])
    # A variational network draws other numbers from the same seed.
    assert histories[0]["loss"] == pytest.approx(expected["loss"], rel=0.01 if kl_weight else 1e-4)
    assert weights(compiled[0]) != weights(autoencoder())


@pytest.mark.parametrize("jit_compile", [False, True])
def test_bfloat16_comes_as_far_and_leaves_a_float32_network(jit_compile):
    plain, *narrow = autoencoder(), autoencoder(), autoencoder()
    # Of one brightness each, which a few steps learn.
    images = np.broadcast_to(RANDOM.integers(0, 256, (50, 1, 1, 1), dtype=np.uint8), (50, 8, 8, 3)).copy()
    settings = {**SETTINGS, "epochs": 30}
    expected = train(plain, images, None, GREY, **settings)
    options = {"precision": "bfloat16", "jit_compile": jit_compile}
    histories = [train(model, images, None, GREY, **settings, **options) for model in narrow]
    assert histories[0] == histories[1]
    assert weights(narrow[0]) == weights(narrow[1]) != weights(plain)
    assert expected["loss"][-1] < expected["loss"][0] - 0.05
    assert histories[0]["loss"][-1] == pytest.approx(expected["loss"][-1], abs=0.005)
    assert {str(array.dtype) for array in narrow[0].get_weights()} == {"float32"}
    # What is saved is the network that was given, with what was learned.
    scored = cross_entropy(GREY(images), narrow[0].predict(GREY(images), verbose=0)).mean()
    assert scored == pytest.approx(expected["loss"][-1], abs=0.02)


def test_compiling_changes_bfloat16_in_roundings_only_and_ends_with_the_training():
    plain, compiled = autoencoder(), autoencoder()
    expected = train(plain, IMAGES, None, GREY, **SETTINGS, precision="bfloat16")
    history = train(compiled, IMAGES, None, GREY, **SETTINGS, precision="bfloat16", jit_compile=True)
    assert history["loss"] == pytest.approx(expected["loss"], rel=1e-3)
    assert weights(compiled) != weights(plain)
    assert runtime.tf.config.optimizer.get_jit() == ""


def test_a_classifier_learns_in_bfloat16_too():
    runtime.deterministic(0)
    model = architectures.classifier("network", (64,), [16], "relu", 3)
    settings = {**SETTINGS, "loss": "categorical_crossentropy", "epochs": 40}
    history = train(model, IMAGES, LABELS, GREY, **settings, precision="bfloat16", jit_compile=True)
    assert history["accuracy"][-1] > history["accuracy"][0] + 0.1
    assert model.layers[-1].activation.__name__ == "softmax"
