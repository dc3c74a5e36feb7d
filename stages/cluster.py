"""Cluster the codes of an autoencoder, or another representation, in every form that `cluster.clusterings` names."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd

from autoencoders.clustering import graphs
from autoencoders.clustering.clusterers import CLUSTERERS, Clusterer, Clustering, Settings, cluster
from autoencoders.clustering.scores import central_images, cluster_class_matrix, cluster_means, summary
from autoencoders.core.errors import arguments_of
from autoencoders.core.rows import Rows, all_in_memory
from autoencoders.inference.codec import Codec
from autoencoders.pages import figures
from autoencoders.scaling.scaler import Scaler
from stages.shared import codes, files, prepared
from stages.shared.parameters import read
from stages.shared.progress import remarks, watched
from stages.shared.running import run


@arguments_of("cluster")
def main(name: str) -> None:
    """Read codes and the listing of their images; write clusters of the first form, and scores and figures of all.

    Where the images have no labels, there are neither scores nor a figure by class.
    """
    in_memory, parameters = read("in_memory", "cluster")
    about = codes.describe(name)
    described = prepared.describe(about.dataset)
    splits = prepared.parts(about.parameters, about.protocol)
    labels = {part: prepared.labels(about.dataset, *names) for part, names in splits.items()}
    stored = {part: codes.rows(name, *names) for part, names in splits.items()}
    vectors = all_in_memory(stored, int(in_memory * 2**20))

    results: dict[str, list[Clustering]] = {}
    for form in parameters.clusterings:
        with remarks(f"{name}: {form}"):
            scaler, features, results[form] = _clustered(
                name, form, vectors, labels, about.shape, parameters, in_memory
            )
        if len(results) == 1:
            first = results[form][0]
            of_training = features["training"], first.assignments["training"], first.centres
            central = central_images(*of_training, parameters.central_images)
            graph = graphs.build(name, scaler.affine(), first.model)
    matched = "held_out" if "held_out" in splits else "training"

    folders = files.data("clusters", name), files.plots("cluster", name), files.metrics("cluster", f"{name}.json")
    with files.whole(*folders) as (folder, plots, metrics):
        scored = {form: _summary(runs, matched) for form, runs in results.items()}
        files.write_json(metrics, {"source": described["source"], "scored": matched, **scored})
        _scores(results).to_csv(folder / "scores.csv", index=False, float_format="%.6g")
        np.save(folder / "centres.npy", first.centres)
        (folder / "clusters.onnx").write_bytes(graph.SerializeToString(deterministic=True))
        files.write_json(folder / "clusters.json", _described(parameters))
        _assignments(about.dataset, splits, first.assignments).to_csv(folder / "assignments.csv", index=False)
        shown, captions = _central_images(about, splits["training"], central), ["nearest images"]
        if hasattr(about, "network"):
            means = cluster_means(vectors["training"], first.assignments["training"], parameters.n_clusters)
            decoded = Codec(files.models(name)).decode(means)
            shown = {number: np.concatenate([decoded[[int(number)]], images]) for number, images in shown.items()}
            captions = ["decoded centre", *captions]
        figures.save(figures.image_rows(shown, captions, f"{name}: clusters"), plots / "central-images.png")
        if (of := labels[matched]) is not None:
            sizes = parameters.n_clusters, len(described["classes"])
            counts = cluster_class_matrix(of, first.assignments[matched], *sizes)
            title = f"{name}: {'test' if matched == 'held_out' else 'all'} images by cluster and class"
            figure = figures.matrix(counts, list(shown), described["classes"], "class", "cluster", title)
            figures.save(figure, plots / "classes.png")


def _clustered(
    name: str, form: str, vectors: dict, labels: dict, shape: list[int], parameters, in_memory: float
) -> tuple[Scaler, dict[str, np.ndarray | Rows], list[Clustering]]:
    """Return what scales codes in one form, the features, and a clustering for each seed.

    `in_memory` is in MiB; it is said if codes exceed it.
    """
    how, memory, seed = parameters.clusterings[form], int(in_memory * 2**20), parameters.seed

    def watch(slices, n, what):
        return watched(slices, n, f"{name}: {form}: {what}")

    scaler = Scaler(**how.model_dump(exclude={"clusterer"}), shape=tuple(shape), seed=seed, memory=memory, watch=watch)
    scaler.fit(vectors["training"])
    features = {part: scaler.transform(values) for part, values in vectors.items()}
    features = all_in_memory(features, memory, watch, "scaling")
    options = parameters.model_dump(include=set(CLUSTERERS))
    settings = Settings(how.clusterer, parameters.n_clusters, options, parameters.silhouette_sample, seed)
    if isinstance(vectors["training"], Rows):
        n, width = vectors["training"].shape
        method = Clusterer(settings, memory).method(features["training"])
        print(f"{name}: {form}: {n:,} vectors of {width} numbers are more than in_memory ({in_memory:g} MiB): {method}")
    # Only codes larger than `in_memory` bound what is computed with them.
    bound = memory if isinstance(vectors["training"], Rows) else None
    every = (replace(settings, seed=seed + run) for run in range(parameters.seeds))
    return scaler, features, [cluster(features, labels, settings, bound, watch) for settings in every]


def _described(parameters) -> dict:
    """Return what `clusters.json` says of the form whose clusters are kept."""
    form, how = next(iter(parameters.clusterings.items()))
    return {"form": form, **how.model_dump(), "n_clusters": parameters.n_clusters, "seed": parameters.seed}


def _summary(runs: list[Clustering], part: str) -> dict[str, float]:
    """Return the width of the vectors that were clustered, and the main scores of one part of the images."""
    assignments = [run.assignments[part] for run in runs]
    return {"width": runs[0].centres.shape[1], **summary([run.scores[part] for run in runs], assignments)}


def _scores(results: dict[str, list[Clustering]]) -> pd.DataFrame:
    """Return every score: a row for each form, each part of the images and each seed, counted from 0."""
    return pd.DataFrame(
        {"clustering": form, "width": result.centres.shape[1], "images": part, "run": run, **scores}
        for form, runs in results.items()
        for run, result in enumerate(runs)
        for part, scores in result.scores.items()
    )


def _assignments(dataset: str, splits: dict[str, tuple[str, ...]], assignments: dict[str, np.ndarray]) -> pd.DataFrame:
    """Return which images were clustered, and the cluster of each."""
    tables = [prepared.naming(dataset, *names).assign(cluster=assignments[part]) for part, names in splits.items()]
    return pd.concat(tables)


def _central_images(
    about: SimpleNamespace, splits: tuple[str, ...], central: list[np.ndarray]
) -> dict[str, np.ndarray]:
    """Return each cluster's most central images, by its number."""
    images = prepared.image_rows(about.dataset, *splits)
    as_image = prepared.image_preparation(about.parameters)
    return {str(number): as_image(images[members]) for number, members in enumerate(central)}


if __name__ == "__main__":
    run(main)
