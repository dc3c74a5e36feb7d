"""The pipeline's own parameters: one entry of each kind, with little data and few epochs."""

import json
from pathlib import Path

from kinds import one_of_each_kind

from stages.shared.parameters import load
from stages.shared.settings.layers import with_defaults

ROOT = Path(__file__).resolve().parents[1]
# Batch sizes without a remainder, by whether validation images are held out: TensorFlow traces each size of its own,
# which takes longer than these trainings.
BATCHES = {True: {"photos": 28, "digits": 25}, False: {"photos": 20, "digits": 24}}


def small_parameters() -> dict:
    """Return the content of `params.yaml` with one entry of each kind, shrunk to run in seconds.

    The defaults are laid under networks and embeddings, so that a test finds all of one's settings in its own mapping.
    """
    # Through JSON, so that no two of them share a mapping.
    values = json.loads(json.dumps(one_of_each_kind(with_defaults(load(ROOT / "params.yaml")))))
    values["datasets"]["photos"]["crops"] = 10
    values["datasets"]["digits"]["limit"] = 90
    for network in (*values["classifiers"].values(), *values["autoencoders"].values()):
        network |= {"epochs": 2, "batch_size": BATCHES[network["kind"] == "classifier"][network["dataset"]]}
        if "filters" in network:
            network["filters"] = [width // 2 for width in network["filters"]]
    for representation in values["representations"].values():
        if representation["kind"] == "patches":
            representation |= {"n_patches": 500, "n_clusters": 20}
        if representation["kind"] == "patch_autoencoder":
            representation |= {"n_patches": 500, "units": 20, "epochs": 2}
    for embedding in values["embeddings"].values():
        embedding |= {"n_components": 4, "n_neighbors": 8}
        if embedding["kind"] == "umap":
            embedding["n_epochs"] = 20
    values["learning_rates"]["photos-rates"] |= {
        "epochs": 2,
        "batch_size": BATCHES[True]["photos"],
        "rates": [0.1, 0.01],
    }
    values["cluster"] |= {"silhouette_sample": 50, "seeds": 2, "central_images": 3}
    for clusterer in ("kmeans", "mini_batch_kmeans", "gaussian_mixture"):
        values["cluster"][clusterer]["n_init"] = 1
    values["cluster"]["gaussian_mixture"]["reg_covar"] = 1e-3
    values["search"] |= {"queries": 15, "shown": 3}
    values["generate"]["networks"]["digits-simple"] = {"dataset": "digits", "classifier": "digits-classifier"}
    values["generate"] |= {"samples": 30, "shown": 12, "components": [1, 2, 4], "pairs": 3, "steps": 3}
    values["denoise"] |= {"levels": [0.2, 0.5], "images": 12, "shown": 4, "tuning": 6, "median_size": [3, 5]}
    values["denoise"]["nlm"]["h"] = [0.6, 0.8]
    values["sequence"]["digits-rows"] |= {"batch_size": BATCHES[False]["digits"], "units": 8, "epochs": 2, "shown": 4}
    values["map"] |= {"sample": 20, "perplexity": 5, "max_iter": 250}
    return values


def write_parameters(folder: Path, values: dict) -> None:
    """Write `values` as the `params.yaml` of `folder`; as JSON, which is YAML too."""
    (folder / "params.yaml").write_text(json.dumps(values, indent=2, ensure_ascii=False), encoding="utf-8")
