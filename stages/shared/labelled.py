"""Classes and labels for what learns or scores them: a data set without any is refused."""

import numpy as np

from autoencoders.core.errors import InputError
from stages.shared import prepared


def classes(dataset: str, key: str) -> list[str]:
    """Return the names of a data set's classes, two at least.

    Parameters
    ----------
    dataset : str
    key : str
        The parameter that names the data set, for the sentence.

    Raises
    ------
    InputError
        If the data set has no labels, or only one class.
    """
    found = prepared.describe(dataset)["classes"]
    if len(found) < 2:
        raise _refused(dataset, key, "only one class" if found else "no labels")
    return found


def labels(dataset: str, key: str, *splits: str) -> np.ndarray:
    """Return the labels of the images of the splits, int64 [n]; `key` as `classes` takes it.

    Raises
    ------
    InputError
        If the data set has no labels.
    """
    found = prepared.labels(dataset, *splits)
    if found is None:
        raise _refused(dataset, key, "no labels")
    return found


def _refused(dataset: str, key: str, lacks: str) -> InputError:
    return InputError(
        f"{key} is {dataset}, which has {lacks}; name a data set of two classes or more, or remove the entry."
    )
