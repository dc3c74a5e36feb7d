"""Numbers as they are written to files that people compare."""

from collections.abc import Mapping
from numbers import Integral, Real


def rounded(value: object, digits: int) -> object:
    """Return a value for JSON with its floats rounded to so many significant digits.

    Mappings, lists and tuples (as lists) are gone through; NumPy's numbers become Python's; other values stay.
    """
    if isinstance(value, Mapping):
        return {key: rounded(inner, digits) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [rounded(inner, digits) for inner in value]
    if isinstance(value, bool):
        return value
    # NumPy registers its numbers with these classes, so that it need not be imported here.
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        return float(f"{value:.{digits}g}")
    return value
