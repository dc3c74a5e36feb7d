"""Where images come from: what installed packages ship, CIFAR-10, MNIST, and the user's own.

`stream` is the way in. The module of a source is imported when that source is asked for, so that reading one
does not pay for the imports of another.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from autoencoders.core.errors import ArgumentError, InputError
from autoencoders.sources.remote import Inventory
from autoencoders.sources.streams import Stream, of_arrays

__all__ = ["SOURCES", "Stream", "stream"]

SOURCES = ("bundled_photos", "bundled_digits", "cifar10", "mnist", "folder", "table", "arrays", "idx")


def stream(
    source: str, options: Mapping[str, Any], *, path: Path | Inventory, home: Path, log: Callable[[str], None] = print
) -> Stream:
    """Begin to read the images of a source.

    Parameters
    ----------
    source : str
        One of `SOURCES`: crops of ten photographs; scikit-learn's handwritten digits; the official files; a folder of
        pictures; pictures that a table lists; arrays in NumPy's files; the files of MNIST's format.
    options : mapping
        The other arguments of the source's function: `crops`, `test_share`, `seed`, `limit` (`bundled.photos`),
        `test_share`, `seed`, `limit` (`bundled.digits`, `mnist.load`), with them `batches` (`cifar10.load`), or what
        the `stream` of the modules `folder`, `table`, `arrays` and `idx` takes.
    path : Path or Inventory
        Of the user's own images; other sources ignore it. What lies in a folder of a store: `folder` and `table` alone.
    home : Path
        Folder of the official files. What is missing there is downloaded into it; other sources ignore it.
    log : callable
        Called with a line of text for each download and each decision taken for the reader.

    Raises
    ------
    InputError
        If the source is unknown; a file is missing and cannot be downloaded, is not the official one, or cannot be
        read; or the numbers leave no image to train on or to test on. What is read block by block raises it there.
    """
    match source:
        case "bundled_photos":
            from autoencoders.sources import bundled

            found = bundled.photos(**options)
        case "bundled_digits":
            from autoencoders.sources import bundled

            found = bundled.digits(**options)
        case "cifar10":
            from autoencoders.sources import cifar10

            found = cifar10.load(home, log=log, **options)
        case "mnist":
            from autoencoders.sources import mnist

            found = mnist.load(home, log=log, **options)
        case "folder":
            from autoencoders.sources import folder

            return folder.stream(path, log=log, **options)
        case "table":
            from autoencoders.sources import table

            return table.stream(path, log=log, **options)
        case "arrays":
            from autoencoders.sources import arrays

            return arrays.stream(_here(path, source), log=log, **options)
        case "idx":
            from autoencoders.sources import idx

            return idx.stream(_here(path, source), log=log, **options)
        case _:
            raise InputError(f"There is no source '{source}'; use {' or '.join(SOURCES)}.")
    parts = {"train": (found.train.images, found.train.labels), "test": (found.test.images, found.test.labels)}
    return of_arrays(found.classes, found.origin, parts)


def _here(path: Path | Inventory, source: str) -> Path:
    if isinstance(path, Inventory):
        raise ArgumentError(
            f"source is '{source}', which reads files of this machine alone; copy those of {path.root} to it, and name "
            "the copy."
        )
    return path
