"""Cluster the codes of an autoencoder, or another representation, in every form that `cluster.clusterings` names."""

from functools import partial
from types import SimpleNamespace

import numpy as np
import pandas as pd

from autoencoders.clustering import clusterers, out_of_core
from autoencoders.clustering.scores import central_images, cluster_class_matrix, cluster_means
from autoencoders.core.rows import Rows
from autoencoders.inference.codec import Codec
from autoencoders.inference.network import Network
from autoencoders.pages import figures
from autoencoders.scaling.pooling import pool
from autoencoders.scaling.scaler import scaler
from stages.shared import codes, files, prepared
from stages.shared.parameters import read
from stages.shared.progress import watched
from stages.shared.running import run

# Those that papers give, and that go into the small file.
MAIN = ("accuracy", "nmi", "ari")


def main(name: str) -> None:
    in_memory, cluster = read("in_memory", "cluster")
    about = codes.describe(name)
    described = prepared.describe(about.dataset)
    splits = prepared.parts(about.parameters, about.protocol)
    labels = {part: prepared.labels(about.dataset, *names) for part, names in splits.items()}
    vectors = {part: codes.rows(name, *names) for part, names in splits.items()}
    if not (in_parts := 4 * np.prod(vectors["training"].shape) > in_memory * 2**20):
        vectors = {part: codes.read(name, *names) for part, names in splits.items()}

    found, rows = {}, None
    for form in cluster.clusterings:
        if in_parts:
            features, results = _cluster_in_parts(name, vectors, labels, about.shape, cluster, form, in_memory)
        else:
            features, results = _cluster(vectors, labels, about.shape, cluster, form)
        found[form] = results
        if rows is None:
            first = results[0]
            rows = central_images(
                features["training"], first.assignments["training"], first.centres, cluster.central_images
            )
    scores = pd.concat([_scores(form, results) for form, results in found.items()])
    matched = "held_out" if "held_out" in splits else "training"

    folders = files.data("clusters", name), files.plots("cluster", name), files.metrics("cluster", f"{name}.json")
    with files.whole(*folders) as (folder, plots, metrics):
        summary = {form: _mean_and_deviation(scores, form, matched) for form in found}
        files.write_json(metrics, {"source": described["source"], "scored": matched, **summary})
        scores.to_csv(folder / "scores.csv", index=False, float_format="%.6g")
        np.save(folder / "centres.npy", first.centres)
        _assignments(about.dataset, splits, first.assignments).to_csv(folder / "assignments.csv", index=False)
        shown = _central(about, splits["training"], rows)
        captions = ["nearest images"]
        if hasattr(about, "network"):
            means = cluster_means(vectors["training"], first.assignments["training"], cluster.n_clusters)
            shown = _with_decoded_centres(name, about.parameters, means, shown)
            captions = ["decoded centre", *captions]
        figures.save(figures.image_rows(shown, captions, f"{name}: clusters"), plots / "central-images.png")
        counts = cluster_class_matrix(
            labels[matched], first.assignments[matched], cluster.n_clusters, len(described["classes"])
        )
        title = f"{name}: {'test' if matched == 'held_out' else 'all'} images by cluster and class"
        figure = figures.matrix(counts, list(shown), described["classes"], "class", "cluster", title)
        figures.save(figure, plots / "classes.png")


def _cluster(
    vectors: dict[str, np.ndarray], labels: dict[str, np.ndarray], shape: list[int], cluster, form: str
) -> tuple[dict[str, np.ndarray], list[clusterers.Clustering]]:
    """Return the features that one form of clustering makes of the codes, and a clustering of them for each seed."""
    how = cluster.clusterings[form]
    features = {part: pool(values, tuple(shape), how.pooling) for part, values in vectors.items()}
    fitted = scaler(features["training"], **_scaling(cluster, form))
    if fitted is not None:
        features = {part: fitted.transform(values).astype(np.float32) for part, values in features.items()}
    seeds = range(cluster.seed, cluster.seed + cluster.seeds)
    return features, [clusterers.cluster(features, labels, **_settings(cluster, form), seed=seed) for seed in seeds]


def _cluster_in_parts(
    name: str,
    vectors: dict[str, Rows],
    labels: dict[str, np.ndarray],
    shape: list[int],
    cluster,
    form: str,
    in_memory: float,
) -> tuple[dict[str, np.ndarray | Rows], list[clusterers.Clustering]]:
    """Do the same with codes that are larger than `in_memory`, and say so."""
    how, memory = cluster.clusterings[form], int(in_memory * 2**20)

    def watch(slices, n, what):
        return watched(slices, n, f"{name}: {form}: {what}")

    features = {part: rows.map(partial(pool, shape=tuple(shape), grid=how.pooling)) for part, rows in vectors.items()}
    fitted = out_of_core.scaler(features["training"], **_scaling(cluster, form), memory=memory, watch=watch)
    if fitted is not None:
        features = {part: rows.map(fitted) for part, rows in features.items()}
    features = out_of_core.hold(features, memory, watch)
    n, width = vectors["training"].shape
    method = out_of_core.method(features["training"], how.clusterer, cluster.n_clusters, memory)
    print(f"{name}: {form}: {n:,} vectors of {width} numbers are more than in_memory ({in_memory:g} MiB): {method}")
    settings = {**_settings(cluster, form), "mini_batches": cluster.mini_batch_kmeans.model_dump()}
    seeds = range(cluster.seed, cluster.seed + cluster.seeds)
    return features, [
        out_of_core.cluster(features, labels, **settings, seed=seed, memory=memory, watch=watch) for seed in seeds
    ]


def _scaling(cluster, form: str) -> dict:
    how = cluster.clusterings[form]
    kept = {"scaling": how.scaling, "shrinkage": how.shrinkage, "unit_length": how.unit_length}
    return {**kept, "n_components": how.pca, "seed": cluster.seed}


def _settings(cluster, form: str) -> dict:
    clusterer = cluster.clusterings[form].clusterer
    options = {"clusterer": clusterer, "options": getattr(cluster, clusterer).model_dump()}
    return {**options, "n_clusters": cluster.n_clusters, "silhouette_sample": cluster.silhouette_sample}


def _scores(form: str, results: list[clusterers.Clustering]) -> pd.DataFrame:
    """Return every score: a row for each part of the images and seed, counted from 0."""
    rows = [
        {"clustering": form, "width": result.centres.shape[1], "images": part, "run": run, **result.scores[part]}
        for run, result in enumerate(results)
        for part in result.scores
    ]
    return pd.DataFrame(rows)


def _mean_and_deviation(scores: pd.DataFrame, form: str, part: str) -> dict[str, float]:
    """Return the main scores of one form on one part of the images: mean and standard deviation over the seeds."""
    chosen = scores[(scores["clustering"] == form) & (scores["images"] == part)]
    summary = {"width": int(chosen["width"].iloc[0])}
    for score in MAIN:
        summary[score] = chosen[score].mean()
        # Rounded, since what adding equal numbers leaves over is no deviation.
        summary[f"{score}_std"] = round(float(chosen[score].std(ddof=0)), 6)
    return summary


def _assignments(dataset: str, splits: dict[str, tuple[str, ...]], assignments: dict[str, np.ndarray]) -> pd.DataFrame:
    """Return the listing of the images that were clustered, and the cluster of each."""
    tables = [
        prepared.listing(dataset, *names).drop(columns="class").assign(cluster=assignments[part])
        for part, names in splits.items()
    ]
    return pd.concat(tables)


def _central(about: SimpleNamespace, splits: tuple[str, ...], rows: list[np.ndarray]) -> dict[str, np.ndarray]:
    """Return each cluster's most central images, by its number."""
    images = prepared.image_rows(about.dataset, *splits)
    as_image = prepared.preparation(about.parameters)._replace(flat=False)
    return {str(number): as_image(images[members]) for number, members in enumerate(rows)}


def _with_decoded_centres(
    name: str, block: SimpleNamespace, means: np.ndarray, shown: dict[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """Put before each cluster's images what the network makes of the mean of its codes."""
    shape = next(iter(shown.values())).shape[1:]
    decoded = Codec(Network(files.models(name)), prepared.preparation(block), shape).decode(means)
    return {number: np.concatenate([decoded[int(number)][np.newaxis], images]) for number, images in shown.items()}


if __name__ == "__main__":
    run(main)
