"""Reading pickled images without trusting the pickle.

A pickle is a program, and an ordinary unpickler runs whatever it asks for. This one admits containers, text,
numbers and NumPy arrays, which is all that CIFAR-10's and the chapter's MNIST files consist of; it runs nothing,
and makes arrays itself from what the pickle says of them.
"""

from pathlib import Path

import numpy as np

from autoencoders.core.errors import InputError
from autoencoders.sources.operands import Damaged
from autoencoders.sources.recording import Refused, made
from autoencoders.sources.unpickling import interpret

N_CLASSES = 10


def labelled_images(
    content: bytes, file: Path | str, kind: str, images: str, labels: str, shape: tuple[int, ...]
) -> tuple[np.ndarray, np.ndarray]:
    """Return the images and labels of a pickled dictionary.

    Parameters
    ----------
    content : bytes
        The pickle, of any protocol, from Python 2 or 3.
    file : Path or str
        What to call it in messages.
    kind : str
        What it should be, for messages, such as "CIFAR-10 batch".
    images, labels : str
        The dictionary's keys, which may also be there as bytes.
    shape : tuple of int
        Shape of one image.

    Returns
    -------
    images : ndarray of uint8 [N, *shape], read-only
    labels : ndarray of int64 [N], values 0..9

    Raises
    ------
    InputError
        If it is damaged, asks for anything but containers, text, numbers and arrays, or does not hold this.
    """
    found = _mapping(content, file, kind)
    for key in (images, labels):
        if key not in found:
            raise _unusable(file, kind, f"it has no '{key}'")
    pixels = made(found[images])
    if pixels is None or pixels.dtype != np.uint8 or pixels.ndim == 0 or pixels.shape[1:] != shape:
        expected = ", ".join(["N", *map(str, shape)])
        raise _unusable(file, kind, f"its '{images}' is not an array of uint8 [{expected}]")
    return pixels, _labels(found[labels], len(pixels), file, kind, labels)


def class_names(content: bytes, file: Path | str, kind: str, key: str) -> list[str]:
    """Return the ten class names in a pickled dictionary, by label; parameters and errors as for `labelled_images`."""
    names = _mapping(content, file, kind).get(key)
    if (
        not isinstance(names, list)
        or not all(isinstance(name, str | bytes) for name in names)
        or len(names) != N_CLASSES
    ):
        raise _unusable(file, kind, f"its '{key}' is not a list of {N_CLASSES} names")
    return [_text(name) for name in names]


def _mapping(content: bytes, file: Path | str, kind: str) -> dict[str, object]:
    try:
        described = interpret(content)
    except Refused as error:
        raise _unusable(file, kind, f"its pickle asks for {error}, which could run code") from None
    except Damaged as error:
        raise _unusable(file, kind, f"its pickle is damaged ({error})") from None
    if not isinstance(described, dict):
        raise _unusable(file, kind, "it does not hold a dictionary")
    return {_text(key): value for key, value in described.items()}


def _text(value: str | bytes) -> str:
    # Python 2's strings are bytes.
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def _labels(values: object, count: int, file: Path | str, kind: str, key: str) -> np.ndarray:
    labels = made(values)
    # A truth value is an int for Python. NumPy would look for numbers in lists of lists, which may hold themselves.
    if isinstance(values, list | tuple) and all(type(value) is int for value in values):
        labels = np.array([value if 0 <= value < N_CLASSES else -1 for value in values], dtype=np.int64)
    if labels is None or labels.shape != (count,):
        raise _unusable(file, kind, f"its '{key}' are not {count} whole numbers, one for each image")
    if labels.min() < 0 or labels.max() >= N_CLASSES:
        raise _unusable(file, kind, f"its '{key}' are not all between 0 and {N_CLASSES - 1}")
    return labels.astype(np.int64)


def _unusable(file: Path | str, kind: str, what: str) -> InputError:
    return InputError(f"{file} is not a {kind}: {what}; replace it with the official file.")
