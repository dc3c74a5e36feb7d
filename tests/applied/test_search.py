"""Search by code: the exact search of the library, with its arguments checked."""

import numpy as np
import pytest

from applied import search
from autoencoders.core.errors import InputError


@pytest.mark.parametrize("metric", search.METRICS)
def test_a_code_is_its_own_nearest_one(metric):
    index = np.random.default_rng(0).normal(size=(700, 9)).astype(np.float32)
    found = search.nearest(index, index[:20], 3, metric)
    assert found.rows[:, 0].tolist() == list(range(20)) and (found.distances[:, 0] == 0).all()
    assert (np.diff(found.distances) >= 0).all() and (found.distances[:, 1:] > 0).all()


def test_the_metric_is_cosine_unless_said():
    index = np.array([[1, 0], [0, 1], [-1, 0]], np.float32)
    found = search.nearest(index, index[:1] * 5, 3)
    assert (found.rows.tolist(), found.distances.tolist()) == ([[0, 1, 2]], [[0, 1, 2]])


@pytest.mark.parametrize(
    ("k", "metric", "sentence"),
    [(0, "cosine", "k is 0"), (4, "cosine", "k is 4, but is to lie in 1 to 3"), (1, "manhattan", "metric is")],
)
def test_wrong_arguments_are_said(k, metric, sentence):
    with pytest.raises(InputError, match=sentence):
        search.nearest(np.eye(3, dtype=np.float32), np.eye(3, dtype=np.float32), k, metric)


def test_no_queries_have_no_neighbours():
    found = search.nearest(np.eye(3, dtype=np.float32), np.empty((0, 3), np.float32), 2)
    assert found.rows.shape == found.distances.shape == (0, 2)
