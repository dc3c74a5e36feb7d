"""A trial of a patch representation: codes, their spectral embedding and its clusters, scored by validation images."""

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from autoencoders.clustering.clusterers import Settings, cluster
from autoencoders.clustering.scores import MAIN, mean_and_deviation
from autoencoders.embeddings.spectral import Spectral
from autoencoders.representations.patches import PatchAutoencoder, PatchFeatures
from autoencoders.scaling.scaler import Scaler
from benchmarks.choices.images import Images

REPRESENTATIONS = {"patches": PatchFeatures, "patch_autoencoder": PatchAutoencoder}
SCALING = ("pooling", "scaling", "ridge", "pca", "unit_length")
GRAPH = ("n_components", "n_neighbors", "metric", "affinity", "diffusion")
# The silhouette, which nothing here shows, is taken over so few vectors that there is none.
NO_SILHOUETTE = 2

Parts = tuple[np.ndarray, np.ndarray]


class Trials:
    """Trials on the images of one data set.

    Codes are the dear part. Those of each kind of patches are made once and kept as files in `cache`; several kinds
    stand side by side as in `Patches.transform`.

    Parameters
    ----------
    images : Images
    cluster : mapping
        The section `cluster` of params.yaml.
    cache : Path
        A folder for codes, of several GB on the official data.
    """

    def __init__(self, images: Images, cluster: Mapping[str, Any], cache: Path):
        self.images, self.cluster, self.cache = images, cluster, cache

    def scores(
        self, representation: Mapping[str, Any], embedding: Mapping[str, Any], n: int, seed: int
    ) -> dict[str, float]:
        """Fit to the first `n` training images and return accuracy, NMI and ARI on the validation images.

        Each is a mean over the seeds of K-means that `cluster` names.

        Parameters
        ----------
        representation, embedding : mapping
            Blocks of params.yaml, whole.
        n : int
        seed : int
            Takes the place of the representation's.
        """
        fitted, scored = self._scaled({**representation, "seed": seed}, {key: embedding[key] for key in SCALING}, n)
        spectral = Spectral(**{key: embedding[key] for key in GRAPH})
        features = {"training": spectral.fit_transform(fitted), "validation": spectral.transform(scored)}
        labels = {"training": self.images.train_labels[:n], "validation": self.images.validation_labels}
        n_clusters, options, first = (
            self.cluster["n_clusters"],
            {"kmeans": self.cluster["kmeans"]},
            self.cluster["seed"],
        )
        runs = [
            cluster(features, labels, Settings("kmeans", n_clusters, options, NO_SILHOUETTE, first + run))
            for run in range(self.cluster["seeds"])
        ]
        found = mean_and_deviation([run.scores["validation"] for run in runs])
        return {name: found[name] for name in MAIN}

    def codes(self, representation: Mapping[str, Any], n: int) -> Parts:
        """Return codes of the first `n` training images and of the validation images, float32 [n, width] each."""
        windows = representation["windows"]
        share = np.float32(len(windows) ** -0.5)
        each = [self._window({**representation, "windows": [window]}, n) for window in windows]
        fitted, scored = (share * np.concatenate(codes, axis=1) for codes in zip(*each, strict=True))
        return fitted, scored

    def _window(self, representation: Mapping[str, Any], n: int) -> Parts:
        settings = {key: value for key, value in representation.items() if key not in ("kind", "dataset", "colour")}

        def make() -> Parts:
            training = self.images.train[:n]
            fitted = REPRESENTATIONS[representation["kind"]](**settings).fit(training)
            return fitted.transform(training), fitted.transform(self.images.validation)

        return self._kept({"kind": representation["kind"], **settings, "images": n}, make)

    def _scaled(self, representation: Mapping[str, Any], scaling: Mapping[str, Any], n: int) -> Parts:
        def make() -> Parts:
            fitted, scored = self.codes(representation, n)
            scaler = Scaler(**scaling, shape=fitted.shape[1:]).fit(fitted)
            return scaler.transform(fitted), scaler.transform(scored)

        return self._kept({"of": representation, **scaling, "images": n}, make)

    def _kept(self, asked: Mapping[str, Any], make: Callable[[], Parts]) -> Parts:
        """Return what lies in the cache for what is asked, made now if it does not."""
        name = hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:16]
        files = [self.cache / f"{name}-{part}.npy" for part in ("train", "validation")]
        if not files[-1].is_file():
            for file, vectors in zip(files, make(), strict=True):
                # Aside first: what lies there is whole.
                aside = file.with_suffix(".partial.npy")
                np.save(aside, vectors)
                aside.rename(file)
        fitted, scored = (np.load(file) for file in files)
        return fitted, scored
