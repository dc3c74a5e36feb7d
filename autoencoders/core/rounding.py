"""Numbers as they are written to files that people compare."""

from collections.abc import Mapping

import numpy as np


def rounded(value: object, digits: int) -> object:
    """Return a value for JSON with its floats rounded to so many significant digits.

    Mappings, lists and tuples (as lists) are gone through; NumPy's numbers become Python's; other values stay.
    """
    if isinstance(value, Mapping):
        return {key: rounded(inner, digits) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [rounded(inner, digits) for inner in value]
    if isinstance(value, (float, np.floating)):
        return float(f"{value:.{digits}g}")
    if isinstance(value, np.integer):
        return int(value)
    return value
