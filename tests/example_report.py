"""A small report with everything in it."""

import io

import matplotlib.image
import numpy as np
import pandas as pd

from autoencoders.pages.map import page
from autoencoders.pages.report.page import Block, Finding, Picture, Report, Table

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
N = 20


def png(width: int = 8, height: int = 4) -> bytes:
    file = io.BytesIO()
    matplotlib.image.imsave(file, np.random.default_rng(0).random((height, width, 3)), format="png")
    return file.getvalue()


def latent_map(title: str) -> str:
    numbers = np.arange(N)
    known = page.Shown(
        images=np.broadcast_to(np.linspace(0, 1, N, dtype=np.float32)[:, None, None, None], (N, 4, 4, 1)),
        numbers=numbers,
        labels=numbers % 2,
        classes=["round", "</script><!--"],
        clusters=numbers // 5,
    )
    points = np.stack([numbers % 5, numbers // 5], axis=1).astype(np.float32)
    return page.page(points, known, page.sprite(known.images), title)


def report(**changes) -> Report:
    long = pd.DataFrame({"name": ["a-network-of-a-rather-long-name"], **{f"parameter {n}": [n] for n in range(30)}})
    pictures = [Picture(png(), "What it shows", "wide: what it shows"), Picture(png(1500, 300), "A broad one", "Broad")]
    values = {
        "title": "Results & more",
        "conditions": "By the recipe “fast”.",
        "data": Table("The data", pd.DataFrame({"data set": ["photos"], "origin": ["http-less words " * 12]})),
        "findings": [
            Finding("Clustering: photos", "0.5 ± 0.1", "accuracy", "pixels, kmeans", verdict, "Below it by 0.1.")
            for verdict in ("learned", "close", "baseline", "alone")
        ],
        "tables": [Table("Networks", MEASURED)],
        "unofficial": ["photos"],
        "networks": [Block(name, "autoencoder", "21 dB", pictures, latent_map(name)) for name in ("wide", "narrow")],
        "representations": [Block("pixels", "baseline", "", pictures[:1])],
        "stages": [Block("neuron", "stage", "", pictures[1:])],
        "parameters": [Table("autoencoders", long)],
        "sources": ["photos: crops"],
        "versions": Table("Versions", pd.DataFrame({"package": ["numpy"], "version": ["2.0"]})),
    }
    return Report(**{**values, **changes})
