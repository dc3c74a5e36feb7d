"""Reading pickled images without trusting the pickle.

A pickle is a program, and an ordinary unpickler runs whatever it asks for. This one admits containers, text,
numbers and NumPy arrays, which is all that CIFAR-10's and the chapter's MNIST files consist of.
"""

import io
import pickle
from pathlib import Path

import numpy as np

from autoencoders.core.errors import InputError

N_CLASSES = 10
ADMITTED = {
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
    ("numpy._core.multiarray", "_reconstruct"),
    # Arrays in pickles of protocol 5, Python's default from 3.14.
    ("numpy._core.numeric", "_frombuffer"),
}


class _Refused(Exception):
    """The pickle asks for something that is not admitted."""


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> object:
        # NumPy 2 has moved `numpy.core`, and files keep the name of their time.
        if module == "numpy.core" or module.startswith("numpy.core."):
            module = module.replace("core", "_core", 1)
        if (module, name) not in ADMITTED:
            raise _Refused(ascii(f"{module}.{name}").strip("'\""))
        return super().find_class(module, name)


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
    images : ndarray of uint8 [N, *shape]
    labels : ndarray of int64 [N], values 0..9

    Raises
    ------
    InputError
        If it is damaged, asks for anything but containers, text, numbers and arrays, or does not hold this.
    """
    content = _mapping(content, file, kind)
    for key in (images, labels):
        if key not in content:
            raise _unusable(file, kind, f"it has no '{key}'")
    pixels = content[images]
    if not isinstance(pixels, np.ndarray) or pixels.dtype != np.uint8 or pixels.shape[1:] != shape or not len(pixels):
        expected = ", ".join(["N", *map(str, shape)])
        raise _unusable(file, kind, f"its '{images}' is not an array of uint8 [{expected}]")
    return pixels, _labels(content[labels], len(pixels), file, kind, labels)


def class_names(content: bytes, file: Path | str, kind: str, key: str) -> list[str]:
    """Return the ten class names in a pickled dictionary, by label; parameters and errors as for `labelled_images`."""
    names = _mapping(content, file, kind).get(key)
    if not isinstance(names, list) or len(names) != N_CLASSES:
        raise _unusable(file, kind, f"its '{key}' is not a list of {N_CLASSES} names")
    return [_text(name) for name in names]


def _mapping(content: bytes, file: Path | str, kind: str) -> dict:
    try:
        # Python 2's strings are bytes: file names and keys, and the pixels themselves.
        loaded = _Unpickler(io.BytesIO(content), encoding="bytes").load()
    except _Refused as error:
        raise _unusable(file, kind, f"its pickle asks for {error}, which could run code") from None
    except Exception as error:  # A damaged pickle can raise nearly anything, as the module's documentation says.
        raise _unusable(file, kind, f"its pickle is damaged ({type(error).__name__})") from None
    if not isinstance(loaded, dict):
        raise _unusable(file, kind, "it does not hold a dictionary")
    return {_text(key): value for key, value in loaded.items()}


def _text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _labels(values: object, count: int, file: Path | str, kind: str, key: str) -> np.ndarray:
    try:
        labels = np.asarray(values)
    except ValueError:
        labels = np.empty(0)
    if labels.dtype.kind not in "iu" or labels.shape != (count,):
        raise _unusable(file, kind, f"its '{key}' are not {count} whole numbers, one for each image")
    if labels.min() < 0 or labels.max() >= N_CLASSES:
        raise _unusable(file, kind, f"its '{key}' are not all between 0 and {N_CLASSES - 1}")
    return labels.astype(np.int64)


def _unusable(file: Path | str, kind: str, what: str) -> InputError:
    return InputError(f"{file} is not a {kind}: {what}; replace it with the official file.")
