"""A map of an autoencoder's codes: figures, a page to explore, and files for TensorBoard's Embedding Projector."""

import numpy as np

from autoencoders import figures, viewing
from stages.shared import codes, files, prepared
from stages.shared.parameters import read
from stages.shared.running import run


def main(name: str) -> None:
    (view,) = read("view")
    network = codes.describe("encode", name).parameters
    classes = prepared.describe(network.dataset)["classes"]
    vectors = codes.read("encode", name, "test")
    rows = np.sort(np.random.default_rng(view.seed).permutation(len(vectors))[: view.sample])
    vectors = vectors[rows]
    shown = viewing.Shown(
        images=prepared.preparation(network)._replace(flat=False)(
            prepared.read(network.dataset, "images", "test")[rows]
        ),
        numbers=prepared.read(network.dataset, "numbers", "test")[rows],
        labels=prepared.read(network.dataset, "labels", "test")[rows],
        classes=classes,
        clusters=_clusters(name)[rows],
    )
    picture = viewing.sprite(shown.images)
    points = viewing.positions(vectors, perplexity=view.perplexity, max_iter=view.max_iter, seed=view.seed)

    with files.whole(files.outputs("view", name), files.plots("view", name)) as (folder, plots):
        title = f"{name}: {len(vectors)} test images by their codes"
        (folder / "map.html").write_text(viewing.page(points, shown, picture, title), encoding="utf-8")
        (folder / "projector").mkdir()
        viewing.write_projector(folder / "projector", name, vectors, shown, picture)
        figures.save(viewing.scatter(points, shown.labels, classes, "class", title), plots / "classes.png")
        clusters = [str(number) for number in range(shown.clusters.max() + 1)]
        figures.save(viewing.scatter(points, shown.clusters, clusters, "cluster", title), plots / "clusters.png")


def _clusters(name: str) -> np.ndarray:
    """Read the cluster of each test image, in the test images' order."""
    found = files.read_table(files.outputs("cluster", name, "assignments.csv"))
    return found.loc[found["split"] == "test", "cluster"].to_numpy()


if __name__ == "__main__":
    run(main)
