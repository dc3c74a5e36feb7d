"""The folder of an exported network: its manifest, and its files as they were written."""

import hashlib
import json
import os
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from autoencoders.core.errors import InputError
from autoencoders.inference.running import Graph
from autoencoders.sources.folder import SYSTEM
from autoencoders.sources.names import shown

# The version of the manifest that this module reads.
FORMAT = 1
MANIFEST = "manifest.json"
# What is read of a manifest, and the type that JSON gives it.
READ = {
    "network": str,
    "kind": str,
    "images": dict,
    "network_colour": str,
    "code": dict,
    "classes": list,
    "clusters": dict,
    "anomaly": dict,
    "generates": bool,
    "denoises": bool,
    "variational": bool,
    "probes": dict,
    "files": dict,
}
# And of its parts.
PARTS: dict[str, dict[str, type | tuple[type, ...]]] = {
    "images": {
        "height": int,
        "width": int,
        "channels": int,
        "fit": str,
        "colour": str,
        "max_pixels": int,
        "deskew": bool,
    },
    "code": {"width": int},
    "clusters": {"by": (str, type(None)), "neighbours": (int, type(None))},
    "anomaly": {"score": str},
    "probes": {"codes_sha256": list},
}


class Export:
    """The files of an exported network.

    Attributes
    ----------
    folder : Path
    manifest : dict
    """

    def __init__(self, folder: Path, manifest: dict[str, Any]):
        self.folder, self.manifest = folder, manifest

    @classmethod
    def read(cls, folder: Path, verify: bool = True) -> "Export":
        """Return the export that lies in a folder.

        Raises
        ------
        InputError
            If it is none, of another format version, or (with `verify`) not what was written.
        """
        export = cls(folder, _manifest(folder))
        if verify:
            export.check_files()
        return export

    def check_files(self) -> None:
        """Compare every file with the manifest.

        Raises
        ------
        InputError
            If one is missing, changed or more than the manifest names; the sentence names the first.
        """
        named = self.manifest["files"]
        for name in sorted(_files(self.folder) - {MANIFEST} - named.keys()):
            self._differs(name, "is not named in")
        for name, facts in named.items():
            try:
                with (self.folder / name).open("rb") as file:
                    digest = hashlib.file_digest(file, "sha256").hexdigest()
            except OSError:
                self._differs(name, "is missing, but named in")
            if digest != facts["sha256"]:
                self._differs(name, "has other content than is named in")

    def graph(self, name: str) -> Graph:
        """Return one of the network's graphs by its file's name."""
        self._check_named(name)
        try:
            return Graph(self.folder / name)
        except InputError:
            raise InputError(f"{shown(self.folder / name)} is no graph that can be run; export it again.") from None

    def array(self, name: str, mapped: bool = False) -> np.ndarray:
        """Return an array by its file's name; memory-mapped, if that is asked for."""
        self._check_named(name)
        try:
            return np.load(self.folder / name, mmap_mode="r" if mapped else None, allow_pickle=False)
        except (OSError, ValueError, EOFError):
            raise InputError(f"{shown(self.folder / name)} holds no array; export it again.") from None

    def arrays(self, name: str) -> dict[str, np.ndarray]:
        """Return the arrays of an .npz file by their names."""
        self._check_named(name)
        try:
            with np.load(self.folder / name, allow_pickle=False) as stored:
                return dict(stored)
        except Exception:
            # A damaged archive lets zipfile, zlib and NumPy raise a dozen kinds of errors.
            raise InputError(f"{shown(self.folder / name)} holds no arrays; export it again.") from None

    @cached_property
    def quantiles(self) -> dict[str, np.ndarray]:
        """Ascending quantiles of scores and distances, float64 [1001] or [n_clusters, 1001], by name."""
        return self.arrays("quantiles.npz")

    def _check_named(self, name: str) -> None:
        if name not in self.manifest["files"]:
            raise InputError(f"{shown(self.folder)} has no {name}; export a network that has it.")

    def _differs(self, name: str, how: str) -> None:
        raise InputError(f"{shown(self.folder / name)} {how} {MANIFEST}; copy or export the folder again.")


def _manifest(folder: Path) -> dict[str, Any]:
    file = folder / MANIFEST
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise InputError(f"{shown(folder)} is no export: it has no {MANIFEST}; name a folder of exports/.") from None
    except OSError as error:
        raise InputError(f"{shown(file)} cannot be read ({error.strerror}); correct that.") from None
    except (ValueError, RecursionError):
        raise InputError(f"{shown(file)} is no JSON; copy or export the folder again.") from None
    if not isinstance(found, dict) or "format" not in found:
        raise InputError(f"{shown(file)} names no format; name the folder of an export.")
    if found["format"] != FORMAT:
        raise InputError(
            f"{shown(folder)} has format {shown(found['format'])}, but this program reads format {FORMAT}; install the "
            "version of autoencoder-pipeline that wrote it, or export it again."
        )
    wrong = [key for key, kind in READ.items() if not isinstance(found.get(key), kind)]
    if not wrong:
        wrong = [
            f"{part}.{key}"
            for part, kinds in PARTS.items()
            for key, kind in kinds.items()
            if not isinstance(found[part].get(key, ...), kind)
        ]
        wrong += [
            f"files.{name}"
            for name, facts in found["files"].items()
            if not isinstance(facts, dict) or not isinstance(facts.get("sha256"), str)
        ]
    if wrong:
        raise InputError(f"{shown(file)} has no valid {wrong[0]}; copy or export the folder again.")
    return found


def _files(folder: Path) -> set[str]:
    """Return the names of the files in a folder at any depth, but for hidden ones and those that systems leave."""
    return {
        (Path(place) / name).relative_to(folder).as_posix()
        for place, _, names in os.walk(folder)
        for name in names
        if not name.startswith(".") and name.casefold() not in SYSTEM
    }
