"""Parts of which to put a pickle together, and honest pickles made by Python.

Each function that returns bytes returns instructions, which leave one value on the stack.
"""

import pickle
from functools import cache

import numpy as np

SHAPE = (2, 3)
IMAGES, LABELS, NAMES = "data", "labels", "label_names"


def text(value: str) -> bytes:
    content = value.encode("utf-8", "surrogatepass")
    return pickle.BINUNICODE + len(content).to_bytes(4, "little") + content


def raw(value: bytes) -> bytes:
    return pickle.BINBYTES + len(value).to_bytes(4, "little") + value


def number(value: int) -> bytes:
    content = value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)
    return pickle.LONG1 + bytes([len(content)]) + content


def sequence(*values: bytes) -> bytes:
    return pickle.MARK + b"".join(values) + pickle.TUPLE


def named(module: str, name: str) -> bytes:
    return text(module) + text(name) + pickle.STACK_GLOBAL


def dtype(name: bytes, order: bytes = text("|"), *rest: bytes) -> bytes:
    """Return a type of numbers; `rest` is what its state holds after the order, an honest one's if nothing is given."""
    rest = rest or (pickle.NONE, pickle.NONE, pickle.NONE, number(-1), number(-1), number(0))
    call = named("numpy", "dtype") + sequence(name, pickle.NEWFALSE, pickle.NEWTRUE) + pickle.REDUCE
    return call + sequence(number(3), order, *rest) + pickle.BUILD


def array(shape: bytes, kind: bytes, content: bytes, fortran: bytes = pickle.NEWFALSE) -> bytes:
    """Return an array as in the protocols before 5."""
    call = named("numpy.core.multiarray", "_reconstruct")
    call += sequence(named("numpy", "ndarray"), sequence(number(0)), raw(b"b")) + pickle.REDUCE
    return call + sequence(number(1), shape, kind, fortran, content) + pickle.BUILD


def buffered(content: bytes, kind: bytes, shape: bytes, order: bytes, *axes: bytes) -> bytes:
    """Return an array as in protocol 5."""
    return named("numpy._core.numeric", "_frombuffer") + sequence(content, kind, shape, order, *axes) + pickle.REDUCE


def whole(value: bytes, before: bytes = b"") -> bytes:
    """Return a pickle of a value, with other instructions before it."""
    return pickle.PROTO + b"\x04" + before + value + pickle.STOP


def dictionary(
    images: bytes = pickle.NONE, labels: bytes = pickle.NONE, names: bytes = pickle.NONE, *, before: bytes = b""
) -> bytes:
    """Return a pickle of a dictionary of images, labels and class names, each None if nothing is given."""
    pairs = zip((IMAGES, LABELS, NAMES), (images, labels, names), strict=True)
    items = b"".join(text(key) + value for key, value in pairs)
    return whole(pickle.EMPTY_DICT + pickle.MARK + items + pickle.SETITEMS, before)


@cache
def honest() -> list[bytes]:
    """Return pickles as Python 2 and 3 write them, in all protocols: two images of `SHAPE`, labels and class names."""
    made = []
    images = np.arange(12, dtype=np.uint8).reshape(2, *SHAPE)
    names = [f"class {label}" for label in range(10)]
    for labels in ([3, 9], np.array([3, 9]), np.array([3, 9], ">u2")):
        content = {IMAGES: images, LABELS: labels, NAMES: names, b"other": (None, True, 0.5, -1, 2**70, {"x": b"\\"})}
        for kept in (images, np.asfortranarray(images), images.transpose(0, 2, 1).copy().transpose(0, 2, 1)):
            made += [pickle.dumps(content | {IMAGES: kept}, protocol) for protocol in range(6)]
    # Python 2 in the protocols 2 and 0.
    made.append(
        b"\x80\x02}q\x01(U\x04dataq\x02cnumpy.core.multiarray\n_reconstruct\nq\x03cnumpy\nndarray\nq\x04K\x00\x85U\x01b\x87R"
        b"(K\x01K\x02K\x02K\x03\x87cnumpy\ndtype\nq\x05U\x02u1K\x00K\x01\x87R(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff"
        b"\xffK\x00tb\x89T\x0c\x00\x00\x00abcdefghijkltbU\x06labelsr\x06\x01\x00\x00](K\x03K\x09eU\x0blabel_names]q\x07("
        + 10 * b"U\x03one"
        + b"eu."
    )
    made.append(
        b"(dp1\nS'data'\np2\ncnumpy.core.multiarray\n_reconstruct\np3\n(cnumpy\nndarray\np4\n(I0\ntS'b'\ntR(I1\n(I2\nI2\nL3L\n"
        b"tcnumpy\ndtype\n(S'u1'\nI0\nI1\ntR(I3\nS'|'\nNNNI-1\nI-1\nI0\ntbI00\nS'\\x00\\'\\n456789abc'\ntbsS'labels'\n"
        b"(lI3\naL9L\nasS'label_names'\n(l" + 10 * b"S'one'\na" + b"s."
    )
    return made
