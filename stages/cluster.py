"""K-means on an autoencoder's codes, and beside it on the pixels and on as many principal components."""

import numpy as np
import pandas as pd

from autoencoders import clustering, figures
from autoencoders.decoding import decode
from autoencoders.preparation import Preparation
from stages import files, prepared
from stages.parameters import read
from stages.running import run


def main(name: str) -> None:
    cluster, network = read("cluster", f"autoencoders.{name}")
    described = prepared.describe(network.dataset)
    classes = described["classes"]
    splits = {"training": prepared.training_splits(network), "held_out": ("test",)}
    if network.validation:
        splits["validation"] = ("validation",)
    images = {part: prepared.read(network.dataset, "images", *names) for part, names in splits.items()}
    labels = {part: prepared.read(network.dataset, "labels", *names) for part, names in splits.items()}
    codes = {part: _codes(name, names) for part, names in splits.items()}
    flat = prepared.preparation(network)._replace(flat=True)
    pixels = {part: flat(pixels) for part, pixels in images.items()}

    settings = cluster.model_dump(exclude={"central_images"})
    components = clustering.principal_components(pixels, codes["training"].shape[1])
    found = {
        "code": clustering.cluster(codes, labels, **settings),
        "pixels": clustering.cluster(pixels, labels, **settings),
    }
    found["pca"] = found["pixels"] if components is pixels else clustering.cluster(components, labels, **settings)
    mine = found["code"]

    folders = files.outputs("cluster", name), files.plots("cluster", name), files.metrics("cluster", f"{name}.json")
    with files.whole(*folders) as (folder, plots, metrics):
        files.write_json(metrics, {"source": described["source"], **_held_out(found)})
        _all_scores(found).to_csv(folder / "scores.csv", index=False, float_format="%.6g")
        np.save(folder / "centres.npy", mine.centres)
        _assignments(network.dataset, splits, mine.assignments).to_csv(folder / "assignments.csv", index=False)
        rows = clustering.central_images(
            codes["training"], mine.assignments["training"], mine.centres, cluster.central_images
        )
        shape = files.read_json(files.outputs("encode", name, "code.json"))["shape"]
        decoded = decode(files.outputs("train", name), mine.centres.reshape(-1, *shape))
        shown = _central(prepared.preparation(network), images["training"], rows, decoded)
        captions = ["decoded centre"] * (decoded is not None) + ["nearest images"]
        figures.save(figures.image_rows(shown, captions, f"{name}: clusters"), plots / "central-images.png")
        counts = clustering.cluster_class_matrix(
            labels["held_out"], mine.assignments["held_out"], cluster.n_clusters, len(classes)
        )
        title = f"{name}: test images by cluster and class"
        figures.save(figures.matrix(counts, list(shown), classes, "class", "cluster", title), plots / "classes.png")


def _held_out(found: dict[str, clustering.Clustering]) -> dict[str, float]:
    """Return what belongs into a small file: the codes' scores, and those to compare with on pixels and components."""
    scores = {kind: result.scores["held_out"] for kind, result in found.items()}
    compared = {
        f"{kind}_{score}": scores[kind][score] for kind in ("pixels", "pca") for score in ("accuracy", "nmi", "ari")
    }
    return scores["code"] | compared


def _all_scores(found: dict[str, clustering.Clustering]) -> pd.DataFrame:
    """Return every score: a row for the codes, the pixels and the components, for each part of the images."""
    rows = [
        {"features": kind, "width": result.centres.shape[1], "images": part, **result.scores[part]}
        for kind, result in found.items()
        for part in result.scores
    ]
    return pd.DataFrame(rows)


def _codes(name: str, splits: tuple[str, ...]) -> np.ndarray:
    """Read the exported codes of one split, memory-mapped, or of several, joined."""
    arrays = [files.read_array(files.outputs("encode", name, f"{split}.npy")) for split in splits]
    return arrays[0] if len(arrays) == 1 else np.concatenate(arrays)


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


def _central(
    preparation: Preparation, images: np.ndarray, rows: list[np.ndarray], decoded: np.ndarray | None
) -> dict[str, np.ndarray]:
    """Return each cluster's row of the figure: its decoded centre, where there is one, and its most central images."""
    as_image = preparation._replace(flat=False)
    shown = {}
    for number, members in enumerate(rows):
        nearest = as_image(images[members])
        if decoded is not None:
            nearest = np.concatenate([decoded[number].reshape(1, *nearest.shape[1:]), nearest])
        shown[str(number)] = nearest
    return shown


if __name__ == "__main__":
    run(main)
