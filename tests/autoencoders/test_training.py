import io

import numpy as np
import pytest
from tqdm import tqdm

from autoencoders import preparation, training
from autoencoders.errors import InputError
from autoencoders.networks import architectures, runtime
from autoencoders.preparation import Preparation, Rows, one_hot
from autoencoders.reconstruction import cross_entropy
from autoencoders.training import Progress, batches, train

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


@pytest.mark.parametrize("most", [0, training.PREPARED])
@pytest.mark.parametrize("colour", ["grey", "rgb"])
@pytest.mark.parametrize("flat", [True, False])
def test_batches_hold_what_the_preparation_gives_in_numpy(colour, flat, most, monkeypatch):
    monkeypatch.setattr(training, "PREPARED", most)
    preparation = Preparation(colour, flat)
    found = [(inputs.numpy(), targets.numpy()) for inputs, targets in batches(IMAGES, None, preparation, 16)]
    assert [len(inputs) for inputs, _ in found] == [16, 16, 16, 2]
    inputs = np.concatenate([inputs for inputs, _ in found])
    assert inputs.dtype == np.float32
    assert np.allclose(inputs, preparation(IMAGES), atol=1e-7)
    assert np.array_equal(inputs, np.concatenate([targets for _, targets in found]))


def test_with_a_seed_each_epoch_has_its_own_order_and_labels_stay_with_their_images():
    data = batches(IMAGES, LABELS, GREY, 50, seed=0)
    (first, first_labels), (second, _) = next(iter(data)), next(iter(data))
    assert not np.array_equal(first, second)
    expected = {image.tobytes(): label.tolist() for image, label in zip(GREY(IMAGES), LABELS, strict=True)}
    assert all(
        expected[row.tobytes()] == label.tolist()
        for row, label in zip(first.numpy(), first_labels.numpy(), strict=True)
    )


def test_noise_is_on_the_inputs_alone_of_the_stated_size_and_new_each_epoch():
    middle = np.full((40, 8, 8, 1), 128, np.uint8)
    data = batches(middle, None, GREY, 40, seed=0, noise=0.1)
    (first, clean), (second, _) = next(iter(data)), next(iter(data))
    assert np.ptp(clean) == 0
    assert np.std(first - clean) == pytest.approx(0.1, rel=0.05)
    assert not np.array_equal(first, second)
    strong, _ = next(iter(batches(middle, None, GREY, 40, seed=0, noise=1.0)))
    assert np.min(strong) == 0 and np.max(strong) == 1


def test_training_lowers_the_loss_and_repeats_to_the_byte():
    models = [autoencoder(), autoencoder()]
    histories = [train(model, IMAGES, None, GREY, **SETTINGS, noise=0.1) for model in models]
    assert histories[0]["loss"][-1] < histories[0]["loss"][0]
    assert histories[0] == histories[1]
    assert weights(models[0]) == weights(models[1])


def test_images_prepared_beforehand_and_in_each_batch_train_to_the_same_bytes(monkeypatch):
    first = weights(_trained())
    monkeypatch.setattr(training, "PREPARED", 0)
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
    schedule = training._rate(0.01, "cosine", 0.25, steps=100)
    values = [float(schedule(step)) for step in (0, 10, 25, 60, 100)]
    assert values[0] == 0 and values[2] == pytest.approx(0.01) and values[4] == pytest.approx(0, abs=1e-8)
    assert values[0] < values[1] < values[2] > values[3] > values[4]
    assert float(training._rate(0.01, "cosine", 0.0, steps=100)(0)) == pytest.approx(0.01)
    assert training._rate(0.01, "constant", 0.0, steps=100) == 0.01


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
    progress = Progress(n_images=100, n_batches=5, epochs=4, clock=lambda: next(clock))
    progress.on_train_begin()
    progress.on_epoch_end(0, {"loss": 0.5})
    progress.on_epoch_end(1, {"loss": 0.25, "val_loss": 0.3})
    progress.on_train_end()
    first, second = capsys.readouterr().out.splitlines()
    assert first == "epoch 1/4  loss 0.5000  50 images/s  6 s left"
    assert second == "epoch 2/4  loss 0.2500  validation_loss 0.3000  50 images/s  4 s left"


class Counted:
    """Images that count how many of them were read at once, at most."""

    def __init__(self, images):
        self.images, self.most = images, 0
        self.shape, self.dtype = images.shape, images.dtype

    def __getitem__(self, rows):
        self.most = max(self.most, len(self.images[rows]))
        return self.images[rows]


@pytest.fixture
def small_windows(monkeypatch):
    monkeypatch.setattr(preparation, "RUN", 4)
    monkeypatch.setattr(preparation, "RUNS_AT_A_TIME", 3)


def test_stored_images_come_in_as_many_batches_each_once_an_epoch_with_their_labels(small_windows):
    stored = Counted(IMAGES)
    data = batches(Rows(stored), LABELS, GREY, 16, seed=0)
    epochs = [list(data), list(data)]
    assert [len(inputs) for inputs, _ in epochs[0]] == [16, 16, 16, 2]
    orders = [np.concatenate([inputs for inputs, _ in epoch]) for epoch in epochs]
    assert sorted(map(bytes, orders[0])) == sorted(map(bytes, orders[1])) == sorted(map(bytes, GREY(IMAGES)))
    assert not np.array_equal(*orders)
    expected = {image.tobytes(): label.tolist() for image, label in zip(GREY(IMAGES), LABELS, strict=True)}
    for inputs, labels in epochs[0]:
        found = zip(inputs.numpy(), labels.numpy(), strict=True)
        assert all(expected[image.tobytes()] == label.tolist() for image, label in found)
    assert stored.most == 4


def test_without_a_seed_stored_images_come_in_their_order(small_windows):
    found = np.concatenate([inputs for inputs, _ in batches(Rows(IMAGES), None, GREY, 16)])
    assert np.array_equal(found, np.concatenate([inputs for inputs, _ in batches(IMAGES, None, GREY, 16)]))


def test_training_on_stored_images_repeats_to_the_byte_and_comes_as_far(small_windows):
    models = [autoencoder() for _ in range(3)]
    settings = {**SETTINGS, "epochs": 20}
    losses = [
        train(model, images, None, GREY, **settings)["loss"]
        for model, images in zip(models, (Rows(IMAGES), Rows(IMAGES), IMAGES), strict=True)
    ]
    assert losses[0] == losses[1] and weights(models[0]) == weights(models[1])
    assert losses[0][-1] == pytest.approx(losses[2][-1], rel=0.01)


def test_the_bar_counts_batches_whether_they_come_one_by_one_or_several_at_once():
    progress = Progress(n_images=100, n_batches=5, epochs=2, clock=lambda: 0.0)
    progress.on_train_begin()
    # Where there is no terminal the bar counts nothing.
    progress.bar = tqdm(total=10, file=io.StringIO())
    counts = []
    for epoch in (0, 1):
        progress.on_epoch_begin(epoch)
        for last in (2, 4):
            progress.on_train_batch_end(last)
            counts.append(progress.bar.n)
    progress.on_train_end()
    assert counts == [3, 5, 8, 10]


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


def test_a_classifier_learns_in_bfloat16_too():
    runtime.deterministic(0)
    model = architectures.classifier("network", (64,), [16], "relu", 3)
    settings = {**SETTINGS, "loss": "categorical_crossentropy", "epochs": 40}
    history = train(model, IMAGES, LABELS, GREY, **settings, precision="bfloat16", jit_compile=True)
    assert history["accuracy"][-1] > history["accuracy"][0] + 0.1
    assert model.layers[-1].activation.__name__ == "softmax"
