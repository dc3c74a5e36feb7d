"""A map of an autoencoder's codes: figures, a page to explore, and files for TensorBoard's Embedding Projector."""

import numpy as np

from autoencoders.pages import figures
from autoencoders.pages.map import page
from stages.shared import codes, files, prepared
from stages.shared.parameters import read
from stages.shared.running import run


def main(name: str) -> None:
    (settings,) = read("map")
    network = codes.describe(name).parameters
    classes = prepared.describe(network.dataset)["classes"]
    vectors = codes.read(name, "test")
    rows = np.sort(np.random.default_rng(settings.seed).permutation(len(vectors))[: settings.sample])
    vectors = vectors[rows]
    shown = page.Shown(
        images=prepared.preparation(network)._replace(flat=False)(prepared.images(network.dataset, "test")[rows]),
        numbers=prepared.numbers(network.dataset, "test")[rows],
        labels=prepared.labels(network.dataset, "test")[rows],
        classes=classes,
        clusters=_clusters(name)[rows],
    )
    picture = page.sprite(shown.images)
    points = page.positions(vectors, perplexity=settings.perplexity, max_iter=settings.max_iter, seed=settings.seed)

    with files.whole(files.data("maps", name), files.plots("map", name)) as (folder, plots):
        title = f"{name}: {len(vectors)} test images by their codes"
        (folder / "map.html").write_text(page.page(points, shown, picture, title), encoding="utf-8")
        (folder / "projector").mkdir()
        page.write_projector(folder / "projector", name, vectors, shown, picture)
        figures.save(page.scatter(points, shown.labels, classes, "class", title), plots / "classes.png")
        clusters = [str(number) for number in range(shown.clusters.max() + 1)]
        figures.save(page.scatter(points, shown.clusters, clusters, "cluster", title), plots / "clusters.png")


def _clusters(name: str) -> np.ndarray:
    """Read the cluster of each test image, in the test images' order."""
    found = files.read_table(files.data("clusters", name, "assignments.csv"))
    return found.loc[found["split"] == "test", "cluster"].to_numpy()


if __name__ == "__main__":
    run(main)
