"""What `cluster` wrote into the working directory."""

import json
from pathlib import Path

import numpy as np
import pandas as pd


def assignments(name: str) -> pd.DataFrame:
    return pd.read_csv(f"data/clusters/{name}/assignments.csv")


def scores(name: str) -> pd.DataFrame:
    return pd.read_csv(f"data/clusters/{name}/scores.csv").set_index(["clustering", "images", "run"]).sort_index()


def centres(name: str) -> np.ndarray:
    return np.load(f"data/clusters/{name}/centres.npy")


def metrics(name: str) -> dict:
    return json.loads(Path("metrics/cluster", f"{name}.json").read_text(encoding="utf-8"))
