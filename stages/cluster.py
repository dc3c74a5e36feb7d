"""Cluster the codes of an autoencoder, or another representation, in every form that `cluster.clusterings` names."""

from types import SimpleNamespace

import numpy as np
import pandas as pd

from autoencoders import clustering, figures
from autoencoders.encoding import Codec
from autoencoders.inference import Network
from autoencoders.scaling import pool, scaler
from stages.shared import codes, files, prepared
from stages.shared.parameters import read
from stages.shared.running import run

# Those that papers give, and that go into the small file.
MAIN = ("accuracy", "nmi", "ari")


def main(stage: str, name: str) -> None:
    (cluster,) = read("cluster")
    about = codes.describe(stage, name)
    described = prepared.describe(about.dataset)
    splits = prepared.parts(about.parameters, about.protocol)
    labels = {part: prepared.read(about.dataset, "labels", *names) for part, names in splits.items()}
    vectors = {part: codes.read(stage, name, *names) for part, names in splits.items()}

    found = {form: _cluster(vectors, labels, about.shape, cluster, form) for form in cluster.clusterings}
    features, first = next(iter(found.values()))
    first = first[0]
    scores = pd.concat([_scores(form, results) for form, (_, results) in found.items()])
    matched = "held_out" if "held_out" in splits else "training"

    folders = files.outputs("cluster", name), files.plots("cluster", name), files.metrics("cluster", f"{name}.json")
    with files.whole(*folders) as (folder, plots, metrics):
        summary = {form: _mean_and_deviation(scores, form, matched) for form in found}
        files.write_json(metrics, {"source": described["source"], "scored": matched, **summary})
        scores.to_csv(folder / "scores.csv", index=False, float_format="%.6g")
        np.save(folder / "centres.npy", first.centres)
        _assignments(about.dataset, splits, first.assignments).to_csv(folder / "assignments.csv", index=False)
        rows = clustering.central_images(
            features["training"], first.assignments["training"], first.centres, cluster.central_images
        )
        shown = _central(about, splits["training"], rows)
        captions = ["nearest images"]
        if stage == "encode":
            means = clustering.cluster_means(vectors["training"], first.assignments["training"], cluster.n_clusters)
            shown = _with_decoded_centres(name, about.parameters, means, shown)
            captions = ["decoded centre", *captions]
        figures.save(figures.image_rows(shown, captions, f"{name}: clusters"), plots / "central-images.png")
        counts = clustering.cluster_class_matrix(
            labels[matched], first.assignments[matched], cluster.n_clusters, len(described["classes"])
        )
        title = f"{name}: {'test' if matched == 'held_out' else 'all'} images by cluster and class"
        figure = figures.matrix(counts, list(shown), described["classes"], "class", "cluster", title)
        figures.save(figure, plots / "classes.png")


def _cluster(
    vectors: dict[str, np.ndarray], labels: dict[str, np.ndarray], shape: list[int], cluster, form: str
) -> tuple[dict[str, np.ndarray], list[clustering.Clustering]]:
    """Return the features that one form of clustering makes of the codes, and a clustering of them for each seed."""
    how = cluster.clusterings[form]
    features = {part: pool(values, tuple(shape), how.pooling) for part, values in vectors.items()}
    fitted = scaler(
        features["training"],
        scaling=how.scaling,
        shrinkage=how.shrinkage,
        n_components=how.pca,
        unit_length=how.unit_length,
        seed=cluster.seed,
    )
    if fitted is not None:
        features = {part: fitted.transform(values).astype(np.float32) for part, values in features.items()}
    results = [
        clustering.cluster(
            features,
            labels,
            clusterer=how.clusterer,
            n_clusters=cluster.n_clusters,
            options=getattr(cluster, how.clusterer).model_dump(),
            silhouette_sample=cluster.silhouette_sample,
            seed=seed,
        )
        for seed in range(cluster.seed, cluster.seed + cluster.seeds)
    ]
    return features, results


def _scores(form: str, results: list[clustering.Clustering]) -> pd.DataFrame:
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
    """Return a row an image: split, row there, number in the source, label, cluster."""
    tables = []
    for part, names in splits.items():
        starts = np.cumsum([len(prepared.read(dataset, "labels", split)) for split in names])[:-1]
        for split, clusters in zip(names, np.split(assignments[part], starts), strict=True):
            columns = {
                "image": prepared.read(dataset, "numbers", split),
                "label": prepared.read(dataset, "labels", split),
            }
            tables.append(pd.DataFrame({"split": split, "row": range(len(clusters)), **columns, "cluster": clusters}))
    return pd.concat(tables)


def _central(about: SimpleNamespace, splits: tuple[str, ...], rows: list[np.ndarray]) -> dict[str, np.ndarray]:
    """Return each cluster's most central images, by its number."""
    images = prepared.read(about.dataset, "images", *splits)
    as_image = prepared.preparation(about.parameters)._replace(flat=False)
    return {str(number): as_image(images[members]) for number, members in enumerate(rows)}


def _with_decoded_centres(
    name: str, block: SimpleNamespace, means: np.ndarray, shown: dict[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """Put before each cluster's images what the network makes of the mean of its codes."""
    shape = next(iter(shown.values())).shape[1:]
    decoded = Codec(Network(files.outputs("train", name)), prepared.preparation(block), shape).decode(means)
    return {number: np.concatenate([decoded[int(number)][np.newaxis], images]) for number, images in shown.items()}


if __name__ == "__main__":
    run(main)
