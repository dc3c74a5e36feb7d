import numpy as np

from autoencoders.core.rounding import rounded


def test_floats_are_rounded_wherever_they_lie_and_numbers_become_pythons():
    values = {"a": [1 / 3, (np.float32(2 / 3), np.int64(7))], "b": {"c": 123456.7}, "d": None, "e": "x", "f": True}
    found = rounded(values, 3)
    assert found == {"a": [0.333, [0.667, 7]], "b": {"c": 123000.0}, "d": None, "e": "x", "f": True}
    assert type(found["a"][1][0]) is float and type(found["a"][1][1]) is int
