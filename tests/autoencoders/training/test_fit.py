import functools
import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from small import ROOT

from autoencoders.core.errors import InputError
from autoencoders.core.rows import Rows
from autoencoders.images.preparation import Preparation, one_hot
from autoencoders.networks import architectures, runtime
from autoencoders.networks.runtime import keras
from autoencoders.training import batches, fit
from autoencoders.training.fit import Diverged, Progress, Training, kept_epoch
from autoencoders.uses.reconstruction import cross_entropy

RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.integers(0, 256, (50, 8, 8, 3), dtype=np.uint8)
LABELS = one_hot(RANDOM.integers(0, 3, 50), 3)
GREY, RGB = Preparation("grey", flat=True), Preparation("rgb", flat=False)
# Half of the images a batch: TensorFlow traces each size of its own, which takes longer than these trainings.
TRAINING = Training(loss="binary_crossentropy", optimizer="adam", learning_rate=0.01, batch_size=25, epochs=3, seed=0)


def autoencoder(activation="relu", output_activation="sigmoid"):
    runtime.deterministic(0)
    return architectures.dense("network", (64,), [16], activation, activation, output_activation)


def weights(model) -> bytes:
    return b"".join(array.tobytes() for array in model.get_weights())


def trained(images=IMAGES, **changes):
    """Return a new autoencoder after training, and the history."""
    model = autoencoder()
    return model, fit.fit(model, images, None, GREY, replace(TRAINING, **changes))


@functools.cache
def plainly_trained() -> bytes:
    """Return the weights after a training without any change; several tests compare theirs."""
    return weights(trained()[0])


@pytest.mark.slow
def test_training_lowers_the_loss_and_repeats_to_the_byte():
    (one, history), (other, again) = trained(noise=0.1), trained(noise=0.1)
    assert history["loss"][-1] < history["loss"][0]
    assert history == again and weights(one) == weights(other) != plainly_trained()


def test_images_prepared_beforehand_and_in_each_batch_train_to_the_same_bytes(monkeypatch):
    monkeypatch.setattr(batches, "PREPARED", 0)
    assert weights(trained()[0]) == plainly_trained()


# Chunks of many batches, and of one.
@pytest.mark.slow
@pytest.mark.parametrize("chunk", [2500, 16])
def test_every_epoch_takes_the_next_order_of_the_images(chunk, monkeypatch):
    monkeypatch.setattr(batches, "CHUNK", chunk)
    model = autoencoder()
    model.compile(keras.optimizers.Adam(0.01), "binary_crossentropy")
    made = batches.shuffled(IMAGES, None, GREY, 16, seed=0)
    for _ in range(3):
        for inputs, expected in made:
            model.train_on_batch(inputs, expected)
    ours, _ = trained(batch_size=16)
    for found, array in zip(ours.get_weights(), model.get_weights(), strict=True):
        assert found == pytest.approx(array, abs=1e-6)


def test_another_seed_gives_another_order():
    assert weights(trained(seed=1)[0]) != plainly_trained()


def test_the_loss_is_the_cross_entropy_of_the_networks_own_output():
    expected = cross_entropy(GREY(IMAGES), autoencoder()(GREY(IMAGES)).numpy()).mean()
    _, history = trained(learning_rate=1e-12, epochs=1)
    assert history["loss"][0] == pytest.approx(expected, rel=1e-5)


@pytest.mark.slow
def test_a_classifier_is_scored_on_validation_images_too():
    runtime.deterministic(0)
    model = architectures.classifier("network", (64,), [16], "relu", 3)
    training = replace(TRAINING, loss="categorical_crossentropy", epochs=60)
    history = fit.fit(model, IMAGES, LABELS, GREY, training, (IMAGES[:9], LABELS[:9]))
    assert set(history) == {"loss", "accuracy", "validation_loss", "validation_accuracy"}
    assert history["accuracy"][-1] > 0.6
    assert model(GREY(IMAGES)).numpy().sum(axis=1) == pytest.approx(1, abs=1e-5)


def test_a_cosine_schedule_rises_over_its_warm_up_and_ends_at_zero():
    cosine = replace(TRAINING, schedule="cosine")
    schedule = fit._rate(replace(cosine, warmup=0.25), 100)
    values = [float(schedule(step)) for step in (0, 10, 25, 60, 100)]
    assert values[0] == 0 and values[2] == pytest.approx(0.01) and values[4] == pytest.approx(0, abs=1e-8)
    assert values[0] < values[1] < values[2] > values[3] > values[4]
    assert float(fit._rate(cosine, 100)(0)) == pytest.approx(0.01)
    assert fit._rate(TRAINING, 100) == 0.01


@pytest.mark.slow
def test_the_schedule_covers_the_whole_training():
    # A rate that were still high at the end would move the weights in a last epoch as much as in the first.
    _, history = trained(schedule="cosine", epochs=40)
    losses = history["loss"]
    assert abs(losses[-1] - losses[-2]) < 0.02 * abs(losses[1] - losses[0])


def test_options_reach_the_optimizer_and_unknown_ones_are_named():
    assert weights(trained(optimizer_options={"beta_2": 0.9})[0]) != plainly_trained()
    with pytest.raises(InputError, match="optimizer_options {'beta_3': 1} are not what Keras's optimizer 'adam' takes"):
        trained(optimizer_options={"beta_3": 1})
    with pytest.raises(InputError, match="^optimizer_options has a learning_rate, which would replace learning_rate;"):
        trained(optimizer_options={"learning_rate": 1})


@pytest.mark.slow
def test_early_stopping_goes_back_to_the_best_epoch():
    model, history = trained(epochs=30, early_stopping={"patience": 2, "min_delta": 10.0})
    assert len(history["loss"]) == 3
    assert weights(model) == weights(trained(epochs=1)[0])


@pytest.mark.parametrize(("stopping", "kept"), [(None, 2), ({"patience": 1, "min_delta": 0.0}, 1)])
def test_the_scores_kept_are_those_of_the_epoch_whose_weights_are(stopping, kept):
    history = {"loss": [3.0, 2.0, 1.0], "validation_loss": [3.0, 1.0, 2.0]}
    found = kept_epoch(history, replace(TRAINING, early_stopping=stopping))
    assert found == {key: values[kept] for key, values in history.items()}


@pytest.mark.parametrize(
    ("rate", "epochs", "finite"), [(1e30, 9, False), pytest.param(1e41, 1, True, id="only the last step breaks it")]
)
def test_a_training_that_diverges_ends_and_says_so(rate, epochs, finite):
    training = replace(TRAINING, loss="mean_squared_error", optimizer="sgd", learning_rate=rate, epochs=epochs)
    model = autoencoder("linear", "linear")
    with pytest.raises(Diverged) as raised:
        fit.fit(model, IMAGES, None, GREY, replace(training, batch_size=50))
    losses = raised.value.history["loss"]
    assert len(losses) < 9 and np.isfinite(losses[-1]) == finite
    wanted = f"the training of network diverged by epoch {len(losses)}; lower learning_rate, which is {rate:g}."
    assert str(raised.value) == wanted
    assert raised.value.sentence("mine", "my.rate") == wanted.replace("network", "mine").replace("learning_", "my.")


def test_training_options_are_taken_from_settings_and_the_rest_is_left():
    settings = {"loss": "mean_squared_error", "optimizer": "sgd", "learning_rate": 1.0, "batch_size": 2, "units": [3]}
    found = Training.of(settings, learning_rate=0.5, epochs=4, seed=7)
    assert (found.loss, found.learning_rate, found.epochs) == ("mean_squared_error", 0.5, 4)
    with pytest.raises(TypeError, match="epochs"):
        Training.of(settings, seed=7)


def test_each_epoch_is_a_line_with_speed_and_time_left(capsys):
    clock = iter([10.0, 12.0, 14.0])
    progress = Progress(n_images=100, epochs=4, clock=lambda: next(clock))
    progress.on_train_begin()
    progress.on_epoch_end(0, {"loss": 0.5})
    progress.on_epoch_end(1, {"loss": 0.25, "val_loss": 0.3})
    first, second = capsys.readouterr().out.splitlines()
    assert first == "epoch 1/4  loss 0.5000  50 images/s  6 s left"
    assert second == "epoch 2/4  loss 0.2500  validation_loss 0.3000  50 images/s  4 s left"


@pytest.mark.slow
def test_training_on_stored_images_repeats_to_the_byte_and_comes_as_far(monkeypatch):
    monkeypatch.setattr("autoencoders.core.rows.RUN", 4)
    monkeypatch.setattr("autoencoders.core.rows.RUNS_AT_A_TIME", 3)
    runs = [trained(images, epochs=20) for images in (Rows(IMAGES), Rows(IMAGES), IMAGES)]
    (one, history), (other, again), (_, held) = runs
    assert history == again and weights(one) == weights(other)
    assert history["loss"][-1] == pytest.approx(held["loss"][-1], rel=0.01)


# 16 a batch leave 2 of 50, none of 48 and all 5 for the last batch; 20 images a chunk make the last chunk smaller.
@pytest.mark.slow
@pytest.mark.parametrize(("n", "chunk"), [(50, 2500), (50, 20), (48, 2500), (5, 2500)])
def test_training_is_that_of_keras_on_the_same_batches(n, chunk, monkeypatch):
    # All images alike, so that their order does not matter.
    images = np.broadcast_to(IMAGES[:1], (n, 8, 8, 3)).copy()
    monkeypatch.setattr(batches, "shuffled", functools.partial(batches.shuffled, chunk=chunk))
    ours, history = trained(images, batch_size=16)
    plain = autoencoder()
    plain.compile(optimizer=keras.optimizers.Adam(0.01), loss="binary_crossentropy")
    expected = plain.fit(GREY(images), GREY(images), batch_size=16, epochs=3, shuffle=False, verbose=0).history
    assert history["loss"] == pytest.approx(expected["loss"], rel=1e-5)
    for found, array in zip(ours.get_weights(), plain.get_weights(), strict=True):
        assert found == pytest.approx(array, abs=1e-5)


PROGRAM = """
import os, sys, hashlib
if sys.argv[1] == "one":
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
import numpy as np
from autoencoders.images.preparation import Preparation
from autoencoders.networks import architectures, runtime
from autoencoders.training.fit import Training, fit
settings = {"units": [256], "filters": [16], "kernel_size": 3, "activation": "relu", "code_activation": "relu"}
settings |= {"output_activation": "sigmoid", "loss": "binary_crossentropy", "optimizer": "adam"}
settings |= {"learning_rate": 0.01, "batch_size": 250, "epochs": 2, "seed": 0}
images = np.random.default_rng(0).integers(0, 256, (600, 32, 32, 1), dtype=np.uint8)
found = hashlib.sha256()
for kind in ("dense", "convolutional"):
    preparation = Preparation("grey", flat=kind == "dense")
    runtime.deterministic(0)
    network = architectures.build(kind, "network", preparation.shape(images.shape[1:]), settings)
    fit(network, images, None, preparation, Training.of(settings))
    for array in network.get_weights():
        found.update(array.tobytes())
print(found.hexdigest())
"""


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system cannot hide its cores")
def test_the_bytes_do_not_depend_on_the_number_of_cores():
    found = {}
    for cores in ("one", "all"):
        command = [sys.executable, "-c", PROGRAM, cores]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        found[cores] = done.stdout.splitlines()[-1]
    assert found["one"] == found["all"]
