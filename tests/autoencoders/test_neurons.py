import warnings

import numpy as np
import pytest

from autoencoders import neurons


def test_sigmoid_is_stable_and_silent_far_from_zero():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = neurons.sigmoid(np.array([-1000.0, 0.0, 1000.0]))
    assert found.tolist() == [0.0, 0.5, 1.0]
    assert neurons.sigmoid(-1000.0) == 0.0


def test_relu_works_on_arrays_and_numbers():
    assert neurons.relu(np.array([[-1.0, 2.0], [0.0, -3.0]])).tolist() == [[0, 2], [0, 0]]
    assert neurons.relu(-4) == 0


def test_a_larger_theta_is_steeper_at_zero():
    x = np.linspace(-5, 5, 100)
    rises = [np.diff(neurons.response(x, theta, neurons.sigmoid))[49] for theta in (0.2, 1, 5)]
    assert rises == sorted(rises)
    assert np.allclose(neurons.response(x, 5, neurons.relu), 5 * neurons.relu(x))


def test_the_chapters_pooling_and_up_sampling_example():
    assert neurons.max_pool(np.array([[1, 1], [1, 2]])).tolist() == [[2]]
    assert neurons.up_sample(np.array([[1, 2]])).tolist() == [[1, 1, 2, 2], [1, 1, 2, 2]]


def test_pooling_takes_the_maximum_of_each_window():
    x = np.arange(24).reshape(4, 6)
    assert neurons.max_pool(x).tolist() == [[7, 9, 11], [19, 21, 23]]
    with pytest.raises(ValueError, match="3×4"):
        neurons.max_pool(np.zeros((3, 4)))
