"""Labels as arrays store them, as rows in a list of classes."""

from collections.abc import Sequence

import numpy as np

from autoencoders.core.errors import ArgumentError, InputError
from autoencoders.sources.names import MISSING, in_order, shown


def of_arrays(
    file: str, stored: Sequence[np.ndarray], names: np.ndarray | None = None
) -> tuple[list[str], list[list[int]]]:
    """Return the classes, and for each array of labels their rows in the classes.

    Whole numbers are rows in `names`; without names the different numbers are the classes, in their order. Text names
    the classes, which come in the order of `names`, or else of their own.

    Parameters
    ----------
    file : str
        Where they are from, for sentences.
    stored : sequence of ndarray
        Labels [n] of each part.
    names : ndarray of text, optional

    Raises
    ------
    InputError
        If labels are of another kind or missing, have no name, or are all the same.
    """
    if names is not None and names.dtype.kind not in "US":
        raise InputError(f"{file} has classes of {names.dtype}; save them as text.")
    texts = all(labels.dtype.kind in "US" for labels in stored)
    if not texts and not all(labels.dtype.kind in "bui" for labels in stored):
        kinds = ", ".join(sorted({str(labels.dtype) for labels in stored}))
        raise InputError(f"{file} has labels of {kinds}; save them as whole numbers or as text.")
    values = [_texts(labels) if texts else labels.tolist() for labels in stored]
    different = set().union(*values)
    if texts and (missing := sorted(different & MISSING)):
        raise InputError(f"{file} has an image with the label '{missing[0]}'; name a class, or set labels to none.")
    if len(different) == 1:
        label = shown(different.pop())
        raise ArgumentError(f"labels is 'stored', but all images of {file} have one, '{label}'; set labels to none.")
    classes = _texts(names) if names is not None else None
    if classes is None:
        keys: list = in_order(different) if texts else sorted(different)
        classes = [str(key) for key in keys]
    else:
        if len(set(classes)) < len(classes):
            raise InputError(f"{file} has classes of the same name; rename one.")
        keys = classes if texts else list(range(len(classes)))
    rows = {key: row for row, key in enumerate(keys)}
    if unnamed := different - rows.keys():
        raise InputError(f"{file} has the label {shown(min(unnamed))}, which its {len(classes)} classes do not name.")
    return classes, [[rows[value] for value in part] for part in values]


def _texts(labels: np.ndarray) -> list[str]:
    if labels.dtype.kind == "S":
        return [value.decode("utf-8", "backslashreplace") for value in labels.tolist()]
    return labels.tolist()
