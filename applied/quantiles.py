"""Which share of values lies below or above others, from quantiles of the values."""

import numpy as np


def share_below(quantiles: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return the share of a distribution below each value, float64 [n] in 0 to 1, interpolated between quantiles.

    Parameters
    ----------
    quantiles : ndarray of shape (m,), float64
        Ascending, at equal steps of probability, from the least value to the largest. NaN where there is none.
    values : ndarray of shape (n,)
    """
    return _shares(quantiles, np.asarray(values, np.float64), "left")


def share_above(quantiles: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return the share above each value; see `share_below`. Values that equal one are not above it."""
    return 1 - _shares(quantiles, np.asarray(values, np.float64), "right")


def _shares(quantiles: np.ndarray, values: np.ndarray, side: "str") -> np.ndarray:
    if np.isnan(quantiles).any():
        return np.full(len(values), np.nan)
    steps = len(quantiles) - 1
    after = np.searchsorted(quantiles, values, side=side)  # type: ignore[call-overload]
    inner = (after > 0) & (after <= steps)
    low, high = quantiles[np.maximum(after - 1, 0)], quantiles[np.minimum(after, steps)]
    width = np.where(inner, high - low, 1.0)
    within = np.where(inner & (width > 0), (values - low) / np.where(width > 0, width, 1.0), 0.0)
    found = np.where(after == 0, 0.0, np.where(inner, (after - 1 + within) / steps, 1.0))
    # Beyond all: 0 or 1, whatever the infinities of a damaged value give between.
    return np.clip(found, 0.0, 1.0)
