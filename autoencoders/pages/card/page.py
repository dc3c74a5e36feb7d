"""The model card of an exported network, in Markdown."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

# What the files of an export are.
FILES = {
    "approximate.npz": "lists of the index's codes, of which an approximate search compares few",
    "central.npy": "rows of the index: the most central images of each cluster",
    "clusters.npy": "cluster of each row of the index",
    "clusters.onnx": "graph from `code` to the `distances` to each cluster",
    "decoder.onnx": "graph from `code` to the `reconstruction`",
    "denoiser.onnx": "graph from noisy `images` to the `reconstruction`",
    "encoder.onnx": "graph from `images` to their `code`",
    "index.csv": "listing of the training images",
    "index.npy": "codes of the training images",
    "mixture.npz": "Gaussian mixture of the codes, to draw new ones from",
    "probes.npz": "test images and their codes, to compare machines by",
    "quantiles.npz": "usual errors and distances",
    "thumbnails.npy": "small pictures of the training images",
}


def render(manifest: Mapping[str, Any], files: Mapping[str, Mapping[str, Any]], n: Mapping[str, int]) -> str:
    """Return the card.

    Parameters
    ----------
    manifest : mapping
        As `manifest.json` has it.
    files : mapping
        `bytes` of each file, by name.
    n : mapping
        Numbers of images: `training` and `test`.
    """
    folder = FileSystemLoader(Path(__file__).parent)
    page = Environment(loader=folder, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    page.filters |= {"size": _size, "cell": _cell}
    listed = [(name, _size(facts["bytes"]), FILES[name]) for name, facts in files.items() if name in FILES]
    every = ((stage, _flat(found)) for stage, found in manifest["metrics"].items())
    scores = [
        (stage, name, value) for stage, found in every for name, value in found.items() if not isinstance(value, str)
    ]
    return page.get_template("card.md").render(m=manifest, files=listed, scores=scores, n=n) + "\n"


def _flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, Mapping):
            found |= _flat(value, f"{prefix}{key}, ")
        else:
            found[prefix + key] = value
    return found


def _size(n: int) -> str:
    return f"{n / 1e6:,.1f} MB" if n >= 1e6 else f"{n / 1e3:,.1f} kB"


def _cell(value: object) -> str:
    """Return a value as a cell of a table shows it."""
    shown = f"{value:.6g}" if isinstance(value, float) else value if isinstance(value, str) else json.dumps(value)
    return " ".join(shown.replace("|", "\\|").split())
