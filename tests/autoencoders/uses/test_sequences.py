import numpy as np
import pytest
from halves import decoder, encoder
from scipy.spatial.distance import cdist

from autoencoders.core.errors import ArgumentError
from autoencoders.images.preparation import Preparation
from autoencoders.networks import recurrent, runtime, storage
from autoencoders.training.fit import Training, fit
from autoencoders.uses import sequences

RGB = Preparation("rgb", flat=False)


def images(n: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (n, 6, 5, 3), dtype=np.uint8)


def test_images_are_cut_below_the_given_rows():
    stored = images(4)
    given, hidden = sequences.split(stored, 2)
    assert given.shape == (4, 2, 5, 3) and hidden.shape == (4, 4, 5, 3)
    assert np.array_equal(np.concatenate([given, hidden], axis=1), stored)
    assert np.shares_memory(given, stored) and np.shares_memory(hidden, stored)


@pytest.mark.parametrize("rows", [0, 6, 28])
def test_rows_that_leave_nothing_to_read_or_to_predict_are_refused(rows):
    sentence = rf"^rows is {rows}, but the images have 6 rows; give 1 to 5\.$"
    with pytest.raises(ArgumentError, match=sentence):
        sequences.split(images(4), rows)


def test_the_baselines_repeat_average_and_look_up():
    (given, hidden), (asked, _) = sequences.split(RGB(images(30)), 2), sequences.split(RGB(images(7, seed=1)), 2)
    found = sequences.baselines(asked, given, hidden)
    assert list(found) == ["last_row", "mean_image", "nearest_image"]
    assert all(predicted.shape == (7, 4, 5, 3) and predicted.dtype == np.float32 for predicted in found.values())
    for row in range(4):
        assert np.array_equal(found["last_row"][:, row], asked[:, -1])
    for predicted in found["mean_image"]:
        np.testing.assert_allclose(predicted, hidden.mean(axis=0), atol=1e-6)
    nearest = cdist(asked.reshape(7, -1), given.reshape(30, -1)).argmin(axis=1)
    assert np.array_equal(found["nearest_image"], hidden[nearest])


def test_scores_are_means_over_the_images():
    hidden = np.zeros((2, 3, 4, 1), np.float32)
    predicted = np.stack([np.full((3, 4, 1), 0.1, np.float32), np.full((3, 4, 1), 0.01, np.float32)])
    found = sequences.scores(hidden, predicted)
    assert found == {
        "mean_squared_error": pytest.approx((0.01 + 0.0001) / 2),
        "binary_crossentropy": pytest.approx(-(np.log(0.9) + np.log(0.99)) / 2),
        "psnr": pytest.approx((20 + 40) / 2),
    }


def test_a_single_row_can_be_scored():
    hidden = RGB(images(3))[:, :1]
    assert sequences.scores(hidden, hidden)["mean_squared_error"] == 0


def predictor():
    runtime.deterministic(0)
    return recurrent.predictor("network", (2, 5, 3), 4, 8)


def test_the_network_goes_from_given_rows_to_those_below_through_its_code():
    network = predictor()
    given = RGB(images(7))[:, :2]
    found = network.predict(given, verbose=0)
    assert found.shape == (7, 4, 5, 3) and found.dtype == np.float32
    assert found.min() >= 0 and found.max() <= 1
    codes = encoder(network).predict(given, verbose=0)
    assert codes.shape == (7, 8)
    np.testing.assert_allclose(decoder(network).predict(codes, verbose=0), found, atol=1e-6)


def test_the_network_is_the_same_when_it_is_read_again(tmp_path):
    network = predictor()
    storage.save(network, tmp_path)
    given = RGB(images(7))[:, :2]
    found = storage.load(tmp_path).predict(given, verbose=0)
    assert np.array_equal(found, network.predict(given, verbose=0))


@pytest.mark.slow
def test_the_network_is_trained_as_any_other_and_to_the_same_bytes():
    given, hidden = sequences.split(images(40), 2)
    settings = {"loss": "binary_crossentropy", "optimizer": "muon", "learning_rate": 0.05, "schedule": "cosine"}
    training = Training(**settings, batch_size=20, epochs=2, seed=0)
    found = []
    for _ in range(2):
        network = predictor()
        losses = fit(network, given, RGB(hidden), RGB, training)
        found.append((losses["loss"], b"".join(array.tobytes() for array in network.get_weights())))
    assert found[0] == found[1]
    assert found[0][0][1] < found[0][0][0]
