"""The operands of a pickle's instructions: numbers, text and bytes that follow an instruction in the file.

Every length is compared with the file before anything is allocated.
"""

import codecs
import struct
import warnings
from collections.abc import Callable
from typing import TypeVar

# Python reads digits in quadratic time.
LONGEST_NUMBER = 30


class Damaged(Exception):
    """The pickle cannot be interpreted; the text is a clause that says why."""


class Reader:
    """A file and the position up to which it has been read.

    Parameters
    ----------
    file : bytes
        The whole file.
    """

    def __init__(self, file: bytes):
        self.file = file
        self.size = len(file)
        self.position = 0

    def require(self, length: int) -> None:
        """Raise `Damaged` for a length that goes beyond the end of the file."""
        left = self.size - self.position
        if length > left:
            raise Damaged(f"byte {self.position} should be followed by {length} more, and the file ends after {left}")

    def take(self, length: int) -> bytes:
        """Read so many bytes."""
        begin = self.position
        end = begin + length
        if end > self.size:
            self.require(length)
        self.position = end
        return self.file[begin:end]

    def number(self, width: int) -> int:
        """Read a number of so many bytes, without sign: a negative length becomes one that is too large."""
        return int.from_bytes(self.take(width), "little")

    def line(self, longest: int | None = None) -> bytes:
        """Read up to the end of the line, which is left out; raise `Damaged` if none ends, or it is too long."""
        begin = self.position
        end = self.file.find(b"\n", begin)
        if end < 0:
            raise Damaged(f"a line begins at byte {begin} and does not end")
        if longest is not None and end - begin > longest:
            raise Damaged(f"the line at byte {begin} has more than {longest} characters")
        self.position = end + 1
        return self.file[begin:end]


Value = TypeVar("Value")
# Each of these returns a function that reads one operand, which raises `Damaged` or ValueError.
Operand = Callable[[Reader], Value]


def constant(value: Value) -> Operand[Value]:
    """Read nothing."""
    return lambda reader: value


def new(kind: type[Value]) -> Operand[Value]:
    """Read nothing, and make an empty container each time."""
    return lambda reader: kind()


def number(width: int) -> Operand[int]:
    """Read a number of so many bytes, without sign."""
    return lambda reader: int.from_bytes(reader.take(width), "little")


def signed(width: int) -> Operand[int]:
    """Read a number of so many bytes, of which half are negative."""
    return lambda reader: integer(reader.take(width))


def raw(width: int) -> Operand[bytes]:
    """Read a length of so many bytes, then as many bytes as it says."""
    return lambda reader: reader.take(int.from_bytes(reader.take(width), "little"))


def sized(width: int, make: Callable[[bytes], Value]) -> Operand[Value]:
    """Read a length of so many bytes, then as many bytes as it says, and make something of these."""
    return lambda reader: make(reader.take(reader.number(width)))


def line(make: Callable[[bytes], Value], longest: int | None = None) -> Operand[Value]:
    """Read a line and make something of it."""
    return lambda reader: make(reader.line(longest))


def float64(reader: Reader) -> float:
    """Read a number of eight bytes."""
    return struct.unpack(">d", reader.take(8))[0]


def integer(content: bytes) -> int:
    """Return a number of any length, of which half are negative."""
    return int.from_bytes(content, "little", signed=True)


def utf8(content: bytes) -> str:
    """Return text in the encoding of the later protocols."""
    return content.decode("utf-8")


def escaped(content: bytes) -> str:
    """Return text in the encoding of protocol 0."""
    return content.decode("raw-unicode-escape")


def digits(content: bytes) -> int | bool:
    """Return a number in digits, or a truth value, which the protocols 0 and 1 write as a number of two digits."""
    return content == b"01" if content in (b"00", b"01") else int(content)


def long_digits(content: bytes) -> int:
    """Return a number in digits, with the L that Python 2 adds to long ones."""
    return int(content.removesuffix(b"L"))


def quoted(content: bytes) -> bytes:
    """Return one of Python 2's strings, written as in a program."""
    if len(content) < 2 or content[:1] not in (b"'", b'"') or content[:1] != content[-1:]:
        raise ValueError
    with warnings.catch_warnings():
        # Python warns of a backslash that escapes nothing, and keeps it.
        warnings.simplefilter("ignore")
        return codecs.escape_decode(content[1:-1])[0]
