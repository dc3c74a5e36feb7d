import numpy as np
import pytest

from autoencoders.core.rows import Rows
from autoencoders.core.sampling import sample, sampled, varied


def test_a_sample_is_drawn_by_its_seed():
    rows = sample(100, 20, seed=3)
    assert len(set(rows.tolist())) == 20
    assert rows.tolist() == sorted(rows.tolist()) == sample(100, 20, seed=3).tolist()
    assert 0 <= rows.min() <= rows.max() < 100
    assert rows.tolist() != sample(100, 20, seed=4).tolist()


@pytest.mark.parametrize("size", [None, 5, 6])
def test_a_sample_as_large_as_the_whole_is_the_whole(size):
    assert sample(5, size, seed=0).tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("size", [7, 40, 99])
def test_sampled_vectors_are_those_of_the_sample_from_an_array_or_from_rows(monkeypatch, size):
    monkeypatch.setattr("autoencoders.core.rows.BLOCK_SIZE", 4)
    vectors = np.arange(80, dtype=np.float32).reshape(40, 2)
    for given in (vectors, Rows(vectors[:9], vectors[9:])):
        assert np.array_equal(sampled(given, size, seed=1), vectors[sample(40, size, seed=1)])


@pytest.mark.parametrize(("n", "positions"), [(2, [2, 0]), (5, [2, 0, 4, 1, 3]), (9, [2, 0, 4, 1, 3, 5])])
def test_varied_positions_take_turns_among_the_classes(n, positions):
    assert varied(np.array([5, 5, 0, 5, 0, 5]), n, 6).tolist() == positions


@pytest.mark.parametrize(("n", "positions"), [(2, [0, 1]), (9, [0, 1, 2, 3])])
def test_without_labels_varied_positions_are_the_first(n, positions):
    assert varied(None, n, 4).tolist() == positions
