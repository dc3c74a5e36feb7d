"""Published files: fetching them from their mirrors, and telling them from damaged or foreign ones."""

import hashlib
import os
import stat
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import urlsplit

import pooch

from autoencoders.core.errors import InputError

HOME_VARIABLE = "AUTOENCODER_DATA_HOME"
TIMEOUT = 30
CHUNK = 2**18


def data_home(default: str) -> Path:
    """Return the folder of official files: that of the environment variable HOME_VARIABLE, or else `default`.

    Raises
    ------
    InputError
        If it begins with `~` and a user that there is not.
    """
    given = os.environ.get(HOME_VARIABLE) or default
    try:
        return Path(given).expanduser()
    except RuntimeError:
        raise InputError(f"{HOME_VARIABLE} is '{given}', a home folder that there is not; name another one.") from None


def is_file(path: Path) -> bool:
    """Return whether there is such a file.

    Raises
    ------
    InputError
        If that cannot be told: a folder above may not be entered, or the name is none.
    """
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(
            f"{path} cannot be looked for ({reason}); correct that, or name another folder in the environment "
            f"variable {HOME_VARIABLE}."
        ) from None


def fetch(
    name: str,
    folder: Path,
    addresses: Sequence[str],
    is_genuine: Callable[[Path], bool],
    log: Callable[[str], None],
) -> Path:
    """Download a file from the first of its mirrors that serves it unharmed, and return its path.

    A mirror gets one try, and 30 seconds for each answer. The file lies in `folder` only once it has passed
    `is_genuine`; what fails leaves nothing behind.

    Parameters
    ----------
    name : str
        The file's name in `folder`, which is made where it is missing.
    addresses : sequence of str
        The file's complete addresses, in the order in which to try them.
    is_genuine : callable
        Tells from the downloaded file whether it is the published one.
    log : callable
        Called with a line of text for each try.

    Raises
    ------
    InputError
        If every mirror fails: no connection, no such file, a wrong checksum, or a folder that is not writable; or if
        a folder is in the file's place.
    """
    if (folder / name).is_dir():
        raise InputError(f"{folder / name} is a folder in the place of a file; rename or remove it.")
    # pooch announces absolute paths and the sums of unchecked files; `log` says what there is to say.
    pooch.get_logger().setLevel("WARNING")
    reasons = []
    for address in addresses:
        log(f"Downloading {address}")
        try:
            # The check is part of the download, before pooch moves the file into place: a plain checksum
            # would refuse files that mirrors have packed anew.
            return Path(pooch.retrieve(address, None, fname=name, path=folder, downloader=_checked(is_genuine)))
        except (OSError, ValueError) as error:
            reasons.append(f"{urlsplit(address).netloc}: {_reason(error)}")
    raise InputError(
        f"{name} could not be downloaded ({'; '.join(reasons)}): put it into {folder} by hand, "
        f"or name a folder that holds it in the environment variable {HOME_VARIABLE}."
    )


def _checked(is_genuine: Callable[[Path], bool]) -> Callable:
    # Left to itself, a server may unpack a .gz file on the way.
    headers = {"Accept-Encoding": "identity"}
    progress = sys.stderr.isatty()
    http = pooch.HTTPDownloader(progressbar=progress, chunk_size=CHUNK, timeout=TIMEOUT, headers=headers)

    def download(address: str, file: str, manager: object) -> None:
        http(address, file, manager)
        if not is_genuine(Path(file)):
            raise ValueError("what it serves does not have the published checksum")

    return download


def _reason(error: Exception) -> str:
    response = getattr(error, "response", None)
    if response is not None:
        return f"it answers with the error {response.status_code}"
    if isinstance(error, OSError):
        return error.strerror or "there is no connection"
    return str(error)


def read(file: Path) -> bytes:
    """Return a file's content.

    Raises
    ------
    InputError
        If it cannot be read.
    """
    try:
        return file.read_bytes()
    except OSError as error:
        raise InputError(f"{file} cannot be read ({error.strerror}); correct that, or remove the file.") from None


def verify(content: bytes, sha256: str, file: Path | str) -> bytes:
    """Return `content` if its SHA-256 is the expected one; `file` names it to the reader.

    Raises
    ------
    InputError
        If the content is another.
    """
    if hashlib.sha256(content).hexdigest() != sha256:
        raise InputError(f"{file} does not have the published checksum; delete it, or put the official file there.")
    return content
