"""Codes of new images, drawn by NumPy alone."""

import numpy as np

from applied.export import Export
from autoencoders.core.errors import ArgumentError, InputError
from autoencoders.sources.names import shown

SOURCES = ("mixture", "prior")


def codes(export: Export, n: int, seed: int, source: str | None = None) -> np.ndarray:
    """Draw codes, float32 [n, width]; the same for the same seed.

    Parameters
    ----------
    export : Export
    n : int
        At least 1.
    seed : int
        At least 0.
    source : {"mixture", "prior"}, optional
        The Gaussian mixture that was fitted to the training codes, or N(0, I), the prior of a variational network; by
        default the first of them that the export has.

    Raises
    ------
    InputError
        If the export has no such source, or an argument is out of range.
    """
    if n < 1:
        raise ArgumentError(f"n is {n}; ask for at least one image.")
    if seed < 0:
        raise ArgumentError(f"seed is {seed}; use 0 or more.")
    if source not in (None, *SOURCES):
        raise ArgumentError(f"source is '{source}'; use {' or '.join(SOURCES)}.")
    has = {"mixture": "mixture.npz" in export.manifest["files"], "prior": export.manifest["variational"]}
    there = [name for name in SOURCES if has[name] and source in (None, name)]
    if not there:
        missing = " or ".join([source] if source else SOURCES)
        raise InputError(f"{shown(export.folder)} has no {missing} to draw codes from; use a network that has one.")
    random = np.random.default_rng(seed)
    if there[0] == "prior":
        return random.standard_normal((n, export.manifest["code"]["width"]), dtype=np.float32)
    return _of_mixture(export.arrays("mixture.npz"), n, random)


def _of_mixture(mixture: dict[str, np.ndarray], n: int, random: np.random.Generator) -> np.ndarray:
    weights, means = mixture["weights"], mixture["means"]
    chosen = random.choice(len(weights), n, p=weights / weights.sum())
    normal = random.standard_normal((n, means.shape[1]))
    drawn = np.empty_like(normal)
    for component in np.unique(chosen):
        here = chosen == component
        drawn[here] = means[component] + _product(normal[here], mixture["factors"][component].T)
    if "components" in mixture:
        drawn = mixture["mean"] + _product(drawn, mixture["components"])
    return drawn.astype(np.float32)


def _product(vectors: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Return vectors [n, d] times a matrix [d, width], summed in one order whatever the number of threads."""
    found = np.zeros((len(vectors), matrix.shape[1]))
    for place, row in enumerate(matrix):
        found += vectors[:, place, np.newaxis] * row
    return found
