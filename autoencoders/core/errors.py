"""Exceptions that are meant for the reader of the terminal."""

from collections.abc import Iterator
from contextlib import contextmanager


class InputError(ValueError):
    """Something the user gave (a parameter, a file, a network) cannot be used.

    The message is one sentence that names the parameter or file, says what is wrong and what to do.
    """


class ArgumentError(InputError):
    """An argument of a library function cannot be used.

    The message is one sentence that begins with the argument's name. Who read the argument from a file puts the place
    in the file before it, by `arguments_of`.
    """


@contextmanager
def arguments_of(place: str) -> Iterator[None]:
    """Name the place that arguments were read from in the messages about them.

    Stands in a `with` statement, or as a decorator: under `@arguments_of("cluster")` the `ArgumentError` "n_clusters is
    11, …" becomes the `InputError` "cluster.n_clusters is 11, …".
    """
    try:
        yield
    except ArgumentError as error:
        raise InputError(f"{place}.{error}") from None
