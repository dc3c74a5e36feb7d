import numpy as np
import pytest

from autoencoders.scaling.pooling import cells, pool


def test_quadrants_are_averaged_filter_by_filter():
    # Rows, columns and filters of one code; the filters differ by 100.
    places = np.arange(16, dtype=np.float32).reshape(4, 4)
    codes = np.stack([places, places + 100], axis=-1).reshape(1, -1)
    found = pool(codes, (4, 4, 2), 2)
    assert found.dtype == np.float32
    assert found.tolist() == [[2.5, 102.5, 4.5, 104.5, 10.5, 110.5, 12.5, 112.5]]


def test_a_grid_that_does_not_divide_the_positions_leaves_none_out_and_takes_none_twice():
    codes = np.eye(15, dtype=np.float32)
    cells = pool(codes, (5, 3, 1), 2) > 0
    assert cells.sum(axis=1).tolist() == [1] * 15
    assert sorted(cells.sum(axis=0).tolist()) == [2, 3, 4, 6]


@pytest.mark.parametrize(("shape", "grid"), [((12,), 2), ((2, 3, 2), None), ((2, 3, 2), 2), ((2, 3, 2), 5)])
def test_codes_stay_where_there_is_nothing_to_pool(shape, grid):
    codes = np.arange(36, dtype=np.float32).reshape(3, 12)
    assert pool(codes, shape, grid) is codes


@pytest.mark.parametrize("grid", [1, 2, 3])
def test_pooling_is_a_product_with_shares_of_the_positions(grid):
    shape = (7, 5, 3)
    codes = np.random.default_rng(0).normal(size=(4, 105)).astype(np.float32)
    shares = cells(shape, grid)
    assert shares.shape == (grid**2, 35)
    found = np.einsum("cp,npf->ncf", shares, codes.reshape(4, 35, 3)).reshape(4, -1)
    np.testing.assert_allclose(found, pool(codes, shape, grid), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("shape", "grid"), [((12,), 2), ((4, 4, 2), None), ((4, 6, 2), 4)])
def test_where_nothing_is_pooled_there_are_no_shares(shape, grid):
    assert cells(shape, grid) is None
