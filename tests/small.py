"""The pipeline's own parameters, with little data and few epochs."""

from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]


def small_parameters() -> dict:
    """Return the content of `params.yaml`, every network in it, shrunk to run in seconds."""
    values = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    values["datasets"]["photos"]["crops"] = 10
    values["datasets"]["digits"]["limit"] = 90
    for network in (*values["classifiers"].values(), *values["autoencoders"].values()):
        network["epochs"] = 2
    values["learning-rate"] |= {"epochs": 2, "rates": [0.1, 0.01]}
    values["cluster"] |= {"n_init": 1, "silhouette_sample": 50}
    values["search"]["queries"] = 15
    values["view"] |= {"sample": 20, "perplexity": 5, "max_iter": 250}
    return values


def write_parameters(folder: Path, values: dict) -> None:
    """Write `values` as the `params.yaml` of `folder`."""
    (folder / "params.yaml").write_text(yaml.safe_dump(values, sort_keys=False), encoding="utf-8")
