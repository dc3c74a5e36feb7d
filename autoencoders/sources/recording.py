"""What a pickle says of NumPy's arrays, recorded; and arrays made from such records, once these are checked.

NumPy trusts what it is given when it unpickles: a file could make it take bytes of the file for pointers. So NumPy sees
nothing of a pickle but bytes, a type that `TYPES` and `ORDERS` name and a shape that fits them.
"""

import math
from dataclasses import dataclass
from enum import Enum, auto
from typing import TypeGuard

import numpy as np

SHOWN_OF_NAME = 60
MOST_AXES = 8
TYPES = {f"{kind}{size}" for kind in "iu" for size in (1, 2, 4, 8)}
ORDERS = {"<", ">", "|", "="}


class Refused(Exception):
    """The pickle asks for a function or class that is not admitted; the text is its name, in ASCII."""


class Name(Enum):
    """The functions and classes that a pickle may ask for."""

    NDARRAY = auto()
    DTYPE = auto()
    RECONSTRUCT = auto()
    FROMBUFFER = auto()
    ENCODE = auto()
    BYTES = auto()


ADMITTED = {
    ("numpy", "ndarray"): Name.NDARRAY,
    ("numpy", "dtype"): Name.DTYPE,
    ("numpy._core.multiarray", "_reconstruct"): Name.RECONSTRUCT,
    # Arrays in protocol 5, Python's default from 3.14.
    ("numpy._core.numeric", "_frombuffer"): Name.FROMBUFFER,
    # Python 3's bytes in the protocols 0 to 2, which have text alone; and empty bytes, by their module's old name.
    ("_codecs", "encode"): Name.ENCODE,
    ("__builtin__", "bytes"): Name.BYTES,
}


@dataclass(slots=True, eq=False, repr=False)
class Dtype:
    """What a pickle says of a type of numbers, unchecked: `name` should be such as "u1", `order` "<", ">" or "|"."""

    name: object
    order: object = "="


@dataclass(slots=True, eq=False, repr=False)
class Array:
    """What a pickle says of an array, unchecked.

    `shape` should be a tuple of int, `dtype` a `Dtype`, `content` the values as bytes, and `order` "C", "F", or "K"
    for an array that is transposed by `axes`, a tuple of int, after it has got its shape.
    """

    shape: object = None
    dtype: object = None
    order: object = None
    content: object = None
    axes: object = None


def named(module: str, name: str) -> Name:
    """Return what stands for a function or class.

    Raises
    ------
    Refused
        If it is not admitted.
    """
    # NumPy 2 has moved `numpy.core`, and files keep the name of their time.
    current = module.replace("core", "_core", 1) if module.startswith("numpy.core.") else module
    if (current, name) not in ADMITTED:
        # Escaped, so that a file cannot write control characters to the terminal.
        raise Refused(ascii(f"{current[:SHOWN_OF_NAME]}.{name[:SHOWN_OF_NAME]}").strip("'\""))
    return ADMITTED[current, name]


def called(function: object, arguments: object) -> Array | Dtype | bytes:
    """Return what stands for the result of a call.

    Raises
    ------
    TypeError, ValueError
        If `function` is not a `Name` that can be called, or `arguments` is not a tuple of the right length, or text
        cannot be encoded.
    """
    if not isinstance(arguments, tuple):
        raise TypeError
    match function:
        case Name.RECONSTRUCT:
            # An empty array: its state follows.
            return Array()
        case Name.FROMBUFFER:
            content, dtype, shape, order, *axes = arguments
            return Array(shape, dtype, order, content, *axes[:1])
        case Name.DTYPE:
            return Dtype(*arguments[:1])
        case Name.ENCODE:
            text, encoding = arguments
            if not isinstance(text, str) or encoding != "latin1":
                raise TypeError
            return text.encode("latin1")
        case Name.BYTES if not arguments:
            return b""
    raise TypeError


def given_state(target: object, state: object) -> None:
    """Record the state that a pickle gives to an array or a type of numbers.

    Raises
    ------
    TypeError, ValueError
        If `target` is neither, or `state` is not a tuple of the right length.
    """
    if not isinstance(state, tuple):
        raise TypeError
    if isinstance(target, Array):
        _, target.shape, target.dtype, fortran, target.content = state
        target.order = "F" if fortran is True else "C"
    elif isinstance(target, Dtype):
        _, target.order, *_ = state
    else:
        raise TypeError


def made(record: object) -> np.ndarray | None:
    """Return the array of whole numbers that a record describes, or None where it describes none.

    Parameters
    ----------
    record : object
        An `Array`, whose members may be anything, or anything else.

    Returns
    -------
    ndarray of int8 to int64 or uint8 to uint64, of any byte order, read-only, with at least one element; or None
    """
    if not isinstance(record, Array) or not isinstance(record.dtype, Dtype) or not isinstance(record.content, bytes):
        return None
    name, order, shape = _text(record.dtype.name), _text(record.dtype.order), record.shape
    if name not in TYPES or order not in ORDERS or not _are_numbers(shape) or len(shape) > MOST_AXES:
        return None
    dtype = np.dtype(order + name)
    if min(shape, default=1) < 1 or math.prod(shape) * dtype.itemsize != len(record.content):
        return None
    array = np.frombuffer(record.content, dtype)
    if _text(record.order) != "K":
        return array.reshape(shape, order="F" if _text(record.order) == "F" else "C")
    axes = record.axes
    if not _are_numbers(axes) or len(axes) != len(shape) or set(axes) != set(range(len(shape))):
        return None
    return array.reshape(shape).transpose(axes)


def _text(value: object) -> str | None:
    """Return text, which is bytes in Python 2's pickles, and None for anything else.

    Other values must not be compared or hashed: Python recurses into tuples, and crashes where they are too deep.
    """
    if isinstance(value, bytes):
        return value.decode("latin1")
    return value if isinstance(value, str) else None


def _are_numbers(values: object) -> TypeGuard[tuple[int, ...]]:
    # A truth value is an int for Python.
    return isinstance(values, tuple) and all(type(value) is int for value in values)
