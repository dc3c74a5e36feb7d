import numpy as np
import pytest

from autoencoders.core.rows import Rows
from autoencoders.images.preparation import Preparation, one_hot
from autoencoders.training import batches
from autoencoders.training.batches import in_order, shuffled

RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.integers(0, 256, (50, 8, 8, 3), dtype=np.uint8)
LABELS = one_hot(RANDOM.integers(0, 3, 50), 3)
GREY = Preparation("grey", flat=True)


def epochs(made, n: int) -> list[list[tuple[np.ndarray, np.ndarray]]]:
    """Return the batches of `n` epochs."""
    return [[(inputs.numpy(), targets.numpy()) for inputs, targets in made] for _ in range(n)]


@pytest.mark.parametrize("most", [0, batches.PREPARED])
@pytest.mark.parametrize("colour", ["grey", "rgb"])
@pytest.mark.parametrize("flat", [True, False])
def test_batches_hold_what_the_preparation_gives_in_numpy(colour, flat, most, monkeypatch):
    monkeypatch.setattr(batches, "PREPARED", most)
    form = Preparation(colour, flat)
    (found,) = epochs(shuffled(IMAGES, None, form, 16, seed=0), 1)
    assert [len(inputs) for inputs, _ in found] == [16, 16, 16, 2]
    inputs = np.concatenate([inputs for inputs, _ in found])
    assert inputs.dtype == np.float32
    expected = form(IMAGES)
    order = [np.abs(expected - image).sum(axis=tuple(range(1, expected.ndim))).argmin() for image in inputs]
    assert sorted(order) == list(range(50))
    assert np.allclose(inputs, expected[order], atol=1e-7)
    assert np.array_equal(inputs, np.concatenate([targets for _, targets in found]))


@pytest.mark.parametrize(("n", "batch_size", "chunk", "sizes"), [
    (50, 16, 1000, [16, 16, 16, 2]),
    (50, 16, 20, [16, 16, 16, 2]),
    (50, 10, 25, [10] * 5),
    (48, 16, 1, [16, 16, 16]),
    (5, 16, 1000, [5]),
])  # fmt: skip
def test_all_batches_but_the_last_are_whole_whatever_the_chunks(n, batch_size, chunk, sizes):
    (found,) = epochs(shuffled(IMAGES[:n], None, GREY, batch_size, seed=0, chunk=chunk), 1)
    assert [len(inputs) for inputs, _ in found] == sizes


def test_each_epoch_has_its_own_order_and_labels_stay_with_their_images():
    (first,), (second,) = epochs(shuffled(IMAGES, LABELS, GREY, 50, seed=0), 2)
    assert not np.array_equal(first[0], second[0])
    expected = {image.tobytes(): label.tolist() for image, label in zip(GREY(IMAGES), LABELS, strict=True)}
    for inputs, labels in (first, second):
        assert len({image.tobytes() for image in inputs}) == 50
        assert all(expected[image.tobytes()] == label.tolist() for image, label in zip(inputs, labels, strict=True))


def test_the_seed_gives_the_order():
    orders = [epochs(shuffled(IMAGES, None, GREY, 50, seed=seed), 1)[0][0][0] for seed in (0, 0, 1)]
    assert np.array_equal(orders[0], orders[1])
    assert not np.array_equal(orders[0], orders[2])


def test_noise_is_on_the_inputs_alone_of_the_stated_size_and_new_each_time():
    middle = np.full((40, 8, 8, 1), 128, np.uint8)
    (first, other), (second, _) = epochs(shuffled(middle, None, GREY, 20, seed=0, noise=0.1), 2)
    assert np.ptp(first[1]) == 0
    assert np.std(first[0] - first[1]) == pytest.approx(0.1, rel=0.05)
    assert not np.array_equal(first[0], other[0])
    assert not np.array_equal(first[0], second[0])
    ((strong, _),) = epochs(shuffled(middle, None, GREY, 40, seed=0, noise=1.0), 1)[0]
    assert np.min(strong) == 0 and np.max(strong) == 1


class Counted:
    """Images that count how many of them were read at once, at most."""

    def __init__(self, images):
        self.images, self.most = images, 0
        self.shape, self.dtype = images.shape, images.dtype

    def __getitem__(self, rows):
        self.most = max(self.most, len(self.images[rows]))
        return self.images[rows]


def test_stored_images_come_in_as_many_batches_each_once_an_epoch_with_their_labels(monkeypatch):
    monkeypatch.setattr("autoencoders.core.rows.RUN", 4)
    monkeypatch.setattr("autoencoders.core.rows.RUNS_AT_A_TIME", 3)
    stored = Counted(IMAGES)
    found = epochs(shuffled(Rows(stored), LABELS, GREY, 16, seed=0, chunk=16), 2)
    assert [len(inputs) for inputs, _ in found[0]] == [16, 16, 16, 2]
    orders = [np.concatenate([inputs for inputs, _ in epoch]) for epoch in found]
    assert sorted(map(bytes, orders[0])) == sorted(map(bytes, orders[1])) == sorted(map(bytes, GREY(IMAGES)))
    assert not np.array_equal(*orders)
    expected = {image.tobytes(): label.tolist() for image, label in zip(GREY(IMAGES), LABELS, strict=True)}
    for inputs, labels in found[0]:
        assert all(expected[image.tobytes()] == label.tolist() for image, label in zip(inputs, labels, strict=True))
    assert stored.most == 4


@pytest.mark.parametrize("images", [IMAGES, Rows(IMAGES)])
def test_images_for_validation_come_in_their_order(images):
    found = [(inputs.numpy(), targets.numpy()) for inputs, targets in in_order(images, None, GREY, 16)]
    assert [len(inputs) for inputs, _ in found] == [16, 16, 16, 2]
    assert np.allclose(np.concatenate([inputs for inputs, _ in found]), GREY(IMAGES), atol=1e-7)
    assert all(np.array_equal(inputs, targets) for inputs, targets in found)
    labels = np.concatenate([targets for _, targets in in_order(images, LABELS, GREY, 16)])
    assert np.array_equal(labels, LABELS)
