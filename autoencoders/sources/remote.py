"""Folders in stores (S3, Google Cloud Storage, Azure, HTTP, …): what lies there, and the content of files.

fsspec reads them. Packages of protocols (s3fs, gcsfs, adlfs) are the user's to install and take credentials from the
environment; no address, message or inventory holds any.
"""

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from autoencoders.core import addresses
from autoencoders.core.errors import InputError
from autoencoders.sources import stores
from autoencoders.sources.names import shown
from autoencoders.sources.stores import Listed

# A larger file is not fetched, since it would be held in memory.
MOST_BYTES = 2**30


class Remote(NamedTuple):
    """A folder or a file in a store; `/` joins a name to a folder, as with a path."""

    address: str

    def __truediv__(self, name: str) -> "Remote":
        return Remote(f"{self.address.rstrip('/')}/{name}")

    def __str__(self) -> str:
        return self.address


class Inventory(NamedTuple):
    """What lies in a folder of a store.

    Attributes
    ----------
    root : Remote
    files : dict
        Size and version of each file, at any depth, by its name relative to the folder.
    """

    root: Remote
    files: Listed

    def state(self, names: Iterable[str]) -> Listed:
        """Return what is known of files by their names; None where there is no such file."""
        return {name: self.files.get(name) for name in names}

    def again(self) -> "Inventory":
        """Return what lies there now."""
        return Inventory(self.root, listed(self.root.address))


def local(address: str) -> Path | None:
    """Return the path of an address of this machine's files; None for other addresses."""
    if addresses.protocol(address) not in addresses.LOCAL:
        return None
    from fsspec.implementations.local import LocalFileSystem

    return Path(LocalFileSystem._strip_protocol(address))


def listed(address: str, subject: str | None = None) -> Listed:
    """Return sizes and versions of all files in a folder, at any depth, without reading them.

    Parameters
    ----------
    address : str
        `protocol://…`, of a store or of this machine.
    subject : str, optional
        How a sentence about it begins; by default with the address.

    Raises
    ------
    InputError
        If the protocol or its package is not there, the store cannot be reached or may not be read, or holds no file
        there.
    """
    subject = subject or shown(address)
    if mistake := addresses.mistake(address):
        raise InputError(f"The address of a folder cannot be used: {mistake}.")
    try:
        folder = local(address)
        found = stores.files(*stores.opened(address)) if folder is None else _walked(folder)
    except Exception as error:
        raise _failure(subject, address, error) from None
    if not found:
        raise InputError(f"{subject} holds no file; name a folder that does.")
    if "" in found:
        raise InputError(f"{subject} is a file; name the folder that it lies in.")
    return dict(sorted(found.items()))


def contents(root: Remote, names: Sequence[str]) -> Iterator[bytes | None]:
    """Yield the content of files, several of which are fetched at once; None where there is no such file.

    Raises
    ------
    InputError
        If the store cannot be reached or may not be read, or a connection breaks.
    """
    try:
        fs, path = stores.opened(root.address)
    except Exception as error:
        raise _failure(shown(root), root.address, error) from None
    results = stores.each(fs, "cat_file", (stores.joined(fs, path, name) for name in names))
    for name, result in zip(names, results, strict=True):
        if isinstance(result, FileNotFoundError):
            yield None
        elif isinstance(result, Exception):
            raise _failure(shown(root / name), root.address, result)
        else:
            yield result


def content(file: Remote) -> bytes:
    """Return the content of one file.

    Raises
    ------
    InputError
        If there is no such file, too; see `contents`.
    """
    folder, _, name = file.address.rpartition("/")
    for found in contents(Remote(folder), [name]):
        if found is not None:
            return found
    raise InputError(f"{shown(file)} is not there; run it again when nothing writes there.")


def _walked(folder: Path) -> Listed:
    def stop(error: OSError) -> None:
        raise error

    if not folder.is_dir():
        raise NotADirectoryError if folder.exists() else FileNotFoundError
    found: Listed = {}
    for parent, _, names in os.walk(folder, onerror=stop):
        for name in names:
            file = Path(parent, name)
            # A link that leads nowhere has a state of its own.
            status = file.stat() if file.exists() else file.lstat()
            found[file.relative_to(folder).as_posix()] = status.st_size, status.st_mtime_ns
    return found


def _failure(subject: str, address: str, error: Exception) -> InputError:
    """Return the sentence for what fsspec or a package of a protocol raised."""
    if isinstance(error, InputError):
        return error
    protocol = addresses.protocol(address)
    if isinstance(error, ImportError):
        package = _package(protocol, error)
        return InputError(
            f"{subject} is read by the package {package}, which is not installed; run `pip install {package}`."
        )
    if isinstance(error, ValueError) and "Protocol not known" in str(error):
        return InputError(f"{subject} has the protocol '{protocol}', which fsspec does not know; correct it.")
    if isinstance(error, FileNotFoundError):
        return InputError(f"{subject} is not there; correct the address.")
    if isinstance(error, NotADirectoryError):
        return InputError(f"{subject} is no folder; name the folder that holds the pictures.")
    reason, status = _reason(error), getattr(error, "status", None) or getattr(error, "code", None)
    if isinstance(error, PermissionError) or status in (401, 403) or "credential" in reason.lower():
        return InputError(
            f"{subject} may not be read ({reason}); give credentials in the environment, as the package of "
            f"{protocol}:// takes them, or correct the address."
        )
    return InputError(f"{subject} cannot be read ({reason}); look at the connection, and run it again.")


def _package(protocol: str, error: ImportError) -> str:
    from fsspec.registry import known_implementations

    package = known_implementations.get(protocol, {}).get("class", "").partition(".")[0]
    if package in ("", "fsspec"):
        # A module of fsspec itself that imports another package.
        package = getattr(error.__cause__ or error, "name", None) or protocol
    return package.partition(".")[0]


def _reason(error: Exception) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    # Addresses of endpoints and signed links may hold what nobody else should read.
    text = re.sub(r"://[^/\s]*@", "://", text)
    text = re.sub(r"\?[^\s\"')]*", "", text).rstrip(".")
    return shown(text if len(text) <= 200 else f"{text[:200]}…")
