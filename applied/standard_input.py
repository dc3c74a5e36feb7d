"""What standard input holds where a path is -: the bytes of one picture, or a list of paths."""

import io
import sys

from PIL import Image

from autoencoders.core.errors import InputError
from autoencoders.images.pictures import FORMATS


def named(paths: list[str]) -> list[str | bytes]:
    """Return paths with what standard input holds in place of -.

    What Pillow takes for a picture is one. Other input is a list of paths, one a line; where it holds bytes of value 0,
    these divide the paths, as `find -print0` writes them.

    Raises
    ------
    InputError
        If - stands twice, or standard input is empty or holds neither.
    """
    if paths.count("-") > 1:
        raise InputError("- stands for standard input, which can be read once; name it once.")
    found: list[str | bytes] = []
    for path in paths:
        found += _read() if path == "-" else [path]
    return found


def _read() -> list[str | bytes]:
    if sys.stdin is None or sys.stdin.isatty():
        raise InputError("Standard input is the terminal; pass a list of paths or a picture's bytes to it, or no -.")
    content = sys.stdin.buffer.read()
    if not content:
        raise InputError("Standard input is empty; pass a list of paths or a picture's bytes to it.")
    if _is_picture(content):
        return [content]
    try:
        text = content.decode("utf-8", "strict" if b"\0" not in content else "surrogateescape")
    except UnicodeDecodeError:
        raise InputError("Standard input holds neither a picture nor a list of paths in UTF-8; pass one.") from None
    listed = text.split("\0") if "\0" in text else text.splitlines()
    names = [name for name in listed if name.strip()]
    if not names or any(len(name) > 4096 for name in names):
        raise InputError("Standard input holds neither a picture nor a list of paths; pass one.")
    return list(names)


def _is_picture(content: bytes) -> bool:
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS):
            return True
    except Exception:
        # What is no picture lets Pillow raise nearly anything.
        return False
