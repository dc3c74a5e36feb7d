"""A small report with everything in it."""

import numpy as np
import pandas as pd
from example_map import N, shown, spread

from autoencoders.pages import figures
from autoencoders.pages.map import page as map_page
from autoencoders.pages.report.page import Picture, Report, Section
from autoencoders.pages.summary.findings import Finding
from autoencoders.pages.summary.table import Table

__all__ = ["MEASURED", "N", "png", "report"]
MEASURED = pd.DataFrame(
    {
        "network": ["wide", "narrow", "deep", "<b>odd</b>"],
        "dataset": ["photos", "photos", "digits", "digits"],
        "parameters": [9000, 10, 200, 1000000],
        "PSNR": [9.5, 21.25, None, 30.0],
        "spread": [0.5, 0.25, None, 1.0],
        "nothing": [None] * 4,
    }
)


def png(width: int = 8, height: int = 4) -> bytes:
    return figures.png(np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8))


def report(**changes) -> Report:
    latent_map = map_page.render(spread(), shown(), "A map")
    long = pd.DataFrame({"name": ["a-network-of-a-rather-long-name"], **{f"parameter {n}": [n] for n in range(30)}})
    pictures = [Picture(png(), "What it shows", "wide: what it shows"), Picture(png(1500, 300), "A broad one", "Broad")]
    values = {
        "title": "Results & more",
        "conditions": "By the recipe “fast”.",
        "data": Table("The data", pd.DataFrame({"data set": ["photos"], "origin": ["http-less words " * 12]})),
        "findings": [
            Finding("Clustering", "photos", "0.5 ± 0.1", "accuracy", "pixels, kmeans", verdict, "Below it by 0.1.")
            for verdict in ("learned", "close", "baseline", "alone")
        ],
        "tables": [Table("Networks", MEASURED)],
        "published": True,
        "unofficial": ["photos"],
        "networks": [Section(name, "autoencoder", "21 dB", pictures, latent_map) for name in ("wide", "narrow")],
        "representations": [Section("pixels", "baseline", "", pictures[:1])],
        "stages": [Section("neuron", "stage", "", pictures[1:])],
        "parameters": [Table("autoencoders", long)],
        "sources": ["photos: crops"],
        "versions": Table("Versions", pd.DataFrame({"package": ["numpy"], "version": ["2.0"]})),
    }
    return Report(**{**values, **changes})
