"""The settings that are tried, step by step: each step starts from what the steps before it chose."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

COLOUR, GREY = {"colour": "rgb", "patch_size": 6, "grid": 2}, {"colour": "grey", "patch_size": 8, "grid": 3}
GREY_QUADRANTS = {**GREY, "grid": 2}


@dataclass(frozen=True)
class Step:
    """A decision among settings.

    Attributes
    ----------
    title : str
    blocks : sequence of str
        Dotted keys of the blocks of params.yaml that each setting changes, in the same way.
    scored : sequence of str
        Classifiers or embeddings; a trial's scores are the means over them.
    settings : mapping of mapping
        Under each setting's name the values that it lays over the blocks.
    seeds, tolerance, growth_seeds
        As `Rule` takes them.
    grows : bool
        As `decide` takes it.
    """

    title: str
    blocks: tuple[str, ...]
    scored: tuple[str, ...]
    settings: Mapping[str, Mapping[str, Any]]
    seeds: tuple[int, ...] = (0, 1, 2)
    tolerance: float | None = None
    growth_seeds: int = 1
    grows: bool = False


def _each(words: str, **values: Any) -> Iterator[tuple[str, dict]]:
    """Yield the product of values, each combination under a name made by `words`."""
    for combination in product(*values.values()):
        chosen = dict(zip(values, combination, strict=True))
        yield words.format(**chosen), chosen


def _rates(name: str, rates: tuple[float, ...], decays: tuple[float, ...]) -> Step:
    return Step(
        f"{name}: learning rate and weight decay",
        (f"classifiers.{name}",),
        (name,),
        {
            f"rate {rate:g}, decay {decay:g}": {"learning_rate": rate, "optimizer_options": {"weight_decay": decay}}
            for rate, decay in product(rates, decays)
        },
        growth_seeds=3,
        grows=True,
    )


def _representation(name: str, what: str, settings: Mapping[str, Mapping], tolerance: float) -> Step:
    blocks, scored = (f"representations.{name}",), (f"{name}-spectral",)
    # A code takes minutes: one seed, and one on fewer images where that leaves several.
    return Step(f"{name}: {what}", blocks, scored, settings, (0,), tolerance)


def _graph(name: str, what: str, settings: Mapping[str, Mapping], grows: bool = False) -> Step:
    return Step(f"{name}: {what}", (f"embeddings.{name}",), (name,), settings, grows=grows)


# Two to three times the deviation of ARI between seeds of the dictionary, in trials before these.
PHOTOS, DIGITS = 0.01, 0.03
AS_BEFORE: dict = {}

STEPS = {
    "photos-classifier": [_rates("photos-classifier", (0.015, 0.03, 0.06), (0.3, 1.0, 3.0))],
    "digits-classifier": [_rates("digits-classifier", (0.003, 0.006, 0.012), (0.0, 1.0))],
    "photos": [
        _representation(
            "photos-patches",
            "kinds of patches",
            {
                "colour": {"windows": [COLOUR]},
                "grey": {"windows": [GREY]},
                "colour and grey": {"windows": [COLOUR, GREY]},
                "colour and grey, both over 2 × 2 cells": {"windows": [COLOUR, GREY_QUADRANTS]},
            },
            PHOTOS,
        ),
        _representation("photos-patches", "centres", dict(_each("{n_clusters}", n_clusters=(200, 400))), PHOTOS),
        _representation(
            "photos-patch-autoencoder",
            "kinds of patches",
            {
                "colour": {"windows": [COLOUR]},
                "grey": {"windows": [GREY]},
                "colour and grey": {"windows": [COLOUR, GREY]},
            },
            PHOTOS,
        ),
        # `defaults.spectral` gives the patch autoencoder's embedding, and that of pixels, the same.
        _graph(
            "photos-patches-spectral",
            "eigenvectors and neighbours",
            dict(_each("{n_components}, {n_neighbors}", n_components=(10, 13, 16), n_neighbors=(10, 20, 40))),
        ),
        _graph(
            "photos-patches-spectral",
            "weights and whitening",
            {
                "as before": AS_BEFORE,
                "diffusion 0": {"diffusion": 0},
                "all links alike": {"affinity": "connectivity"},
                "ridge 0.3": {"ridge": 0.3},
                "ridge 3": {"ridge": 3},
            },
            grows=True,
        ),
    ],
    "photos-noise": [
        _representation("photos-patch-autoencoder", "noise", dict(_each("{noise:g}", noise=(0, 1))), PHOTOS),
    ],
    "digits": [
        _representation(
            "digits-patches",
            "patches and cells",
            {
                f"{size} pixels, {grid} × {grid} cells": {
                    "windows": [{"colour": "grey", "patch_size": size, "grid": grid}]
                }
                for size, grid in ((7, 3), (9, 3), (11, 3))
            },
            DIGITS,
        ),
        _representation("digits-patches", "centres", dict(_each("{n_clusters}", n_clusters=(200, 400))), DIGITS),
        # `digits-pixels-spectral` takes the same eigenvectors, neighbours and weights.
        _graph(
            "digits-patches-spectral",
            "eigenvectors and neighbours",
            dict(_each("{n_components}, {n_neighbors}", n_components=(10, 12, 14), n_neighbors=(6, 10, 15))),
        ),
        _graph(
            "digits-patches-spectral",
            "weights and whitening",
            {
                "as before": AS_BEFORE,
                "self-tuning, diffusion 1": {"affinity": "self_tuning", "diffusion": 1},
                "ridge 1": {"ridge": 1},
                "400 components": {"pca": 400},
            },
            grows=True,
        ),
    ],
}
