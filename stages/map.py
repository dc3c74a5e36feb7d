"""A map of the codes of one autoencoder: figures, and a page to explore."""

import numpy as np

from autoencoders.core.sampling import sample
from autoencoders.pages import figures
from autoencoders.pages.map import page
from stages.shared import codes, files, prepared
from stages.shared.parameters import read
from stages.shared.running import run


def main(name: str) -> None:
    """Read `data/codes/<name>/`, `data/clusters/<name>/` and `data/prepared/<dataset>/`; write a map, and figures.

    They go to `data/maps/<name>/` and `plots/map/<name>/`. Dots have the colours of clusters and, where the images have
    labels, of classes.

    Raises
    ------
    InputError
        If `map.perplexity` is not below the number of images, `map.sample` gives more than a page holds, or a file is
        missing or damaged.
    """
    (settings,) = read("map")
    network = codes.describe(name).parameters
    vectors = codes.read(name, "test")
    index = sample(len(vectors), settings.sample, settings.seed)
    named = prepared.naming(network.dataset, "test").iloc[index]
    shown = page.Shown(
        images=prepared.preparation(network)._replace(flat=False)(prepared.images(network.dataset, "test")[index]),
        numbers=named["image"].to_numpy(),
        clusters=_clusters(name)[index],
        labels=named["label"].to_numpy() if "label" in named else None,
        classes=prepared.describe(network.dataset)["classes"],
        files=named["file"].tolist() if "file" in named else None,
    )
    points = page.positions(
        vectors[index], perplexity=settings.perplexity, max_iter=settings.max_iter, seed=settings.seed
    )

    with files.whole(files.data("maps", name), files.plots("map", name)) as (folder, plots):
        title = f"{name}: {len(points)} test images by their codes"
        (folder / "map.html").write_text(page.render(points, shown, title), encoding="utf-8")
        if shown.labels is not None:
            figures.save(page.scatter(points, shown.labels, shown.classes, "class", title), plots / "classes.png")
        clusters = [str(number) for number in range(shown.clusters.max() + 1)]
        figures.save(page.scatter(points, shown.clusters, clusters, "cluster", title), plots / "clusters.png")


def _clusters(name: str) -> np.ndarray:
    """Return the cluster of each test image, int64 [n], in the order of the test images."""
    assignments = files.read_table(files.data("clusters", name, "assignments.csv"))
    return assignments.loc[assignments["split"] == "test", "cluster"].to_numpy()


if __name__ == "__main__":
    run(main)
