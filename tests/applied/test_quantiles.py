"""Shares by quantiles."""

import numpy as np

from applied.quantiles import share_above, share_below


def test_shares_are_those_of_the_values_that_the_quantiles_are_of():
    values = np.random.default_rng(0).normal(size=5000)
    quantiles = np.quantile(values, np.linspace(0, 1, 1001))
    asked = np.linspace(-5, 5, 41)
    np.testing.assert_allclose(share_below(quantiles, asked), (values < asked[:, np.newaxis]).mean(axis=1), atol=1e-3)
    np.testing.assert_allclose(share_above(quantiles, asked), (values > asked[:, np.newaxis]).mean(axis=1), atol=1e-3)


def test_values_that_are_equal_are_neither_below_nor_above():
    quantiles = np.repeat([0.0, 1.0, 2.0], [250, 501, 250])
    assert share_below(quantiles, np.array([1.0]))[0] == 0.25
    assert share_above(quantiles, np.array([1.0]))[0] == 0.25
    assert share_below(quantiles, np.array([0.0, 3.0])).tolist() == [0, 1]
    assert share_above(quantiles, np.array([-1.0, 2.0])).tolist() == [1, 0]


def test_where_there_are_no_quantiles_there_is_no_share():
    assert np.isnan(share_above(np.full(1001, np.nan), np.array([0.0, np.inf]))).all()
