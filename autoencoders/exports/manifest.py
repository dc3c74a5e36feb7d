"""The manifest of an exported network: what it is, and the checksum of each of its files."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from autoencoders.core.rounding import rounded

# The version of the folder's form; a reader refuses another one.
FORMAT = 1
FILE = "manifest.json"


def code_hashes(codes: np.ndarray) -> list[str]:
    """Return the SHA-256 of each code's bytes, float32 [n, width], little-endian."""
    return [hashlib.sha256(code.tobytes()).hexdigest() for code in np.ascontiguousarray(codes, "<f4")]


def files_of(folder: Path) -> dict[str, dict[str, Any]]:
    """Return the `sha256` and the size in `bytes` of each file of a folder but the manifest, by name, sorted."""
    found = {}
    for path in sorted(folder.iterdir(), key=lambda path: path.name):
        if path.name != FILE:
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            found[path.name] = {"sha256": digest, "bytes": path.stat().st_size}
    return found


def write(folder: Path, facts: Mapping[str, Any]) -> None:
    """Write the manifest of a folder whose other files are written: the format, the facts and the files.

    Numbers are rounded to six digits; the same facts and files give the same bytes.
    """
    whole = {"format": FORMAT, **rounded(facts, 6), "files": files_of(folder)}  # type: ignore[dict-item]
    (folder / FILE).write_text(json.dumps(whole, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
