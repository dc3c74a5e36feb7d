"""Nearest neighbours of test images among the training images, by code or by another representation."""

from collections.abc import Sequence
from types import SimpleNamespace

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from autoencoders.core.errors import InputError
from autoencoders.core.sampling import sample, varied
from autoencoders.pages import figures
from autoencoders.uses.neighbours import Neighbours, nearest, precision_at
from stages.shared import codes, files, naming, prepared
from stages.shared.parameters import read
from stages.shared.running import run
from stages.shared.settings.limits import check_neighbours

SAME, OTHER = figures.COLOURS[0], figures.COLOURS[1]


def main(name: str) -> None:
    """Read codes and the listing of their images; write neighbours, the precision at each k and figures.

    Where the images have no labels, there is no precision, but the median distance of the nearest image.
    """
    search, in_memory = read("search", "in_memory")
    about = codes.describe(name)
    described = prepared.describe(about.dataset)
    counts = described["images"]
    splits = prepared.training_splits(about.parameters)
    depth = max(search.neighbours)
    n_training = sum(counts[split] for split in splits)
    if depth > n_training:
        raise InputError(f"search.neighbours asks for {depth}, more than the {n_training} training images; lower it.")
    if not counts["test"]:
        raise InputError("search.queries has no test images to draw from; raise the data set's test_share or limit.")
    try:
        check_neighbours(search, about.dataset, counts["test"])
    except ValueError as error:
        raise InputError(f"{error}.") from None

    training, queries = prepared.naming(about.dataset, *splits), prepared.naming(about.dataset, "test")
    queries = queries.iloc[sample(len(queries), search.queries, search.seed)].reset_index(drop=True)
    index, asked = codes.rows(name, *splits), codes.read(name, "test")[queries["row"]]
    found = nearest(index, asked, search.metrics, depth, memory=int(in_memory * 2**20))
    labels = queries["label"].to_numpy() if described["classes"] else None

    folders = files.data("neighbours", name), files.plots("search", name), files.metrics("search", f"{name}.json")
    with files.whole(*folders) as (folder, plots, metrics):
        if labels is None:
            scores = _distances(found)
        else:
            scores = _precisions(found, training["label"].to_numpy(), labels, search.neighbours)
        files.write_json(metrics, {"source": described["source"], **scores})
        table = pd.concat([_table(metric, queries, training, neighbours) for metric, neighbours in found.items()])
        table.to_csv(folder / "neighbours.csv", index=False, float_format="%.6g")
        shown = varied(labels, search.shown, len(queries))
        for metric, neighbours in found.items():
            rows = neighbours.rows[shown, : search.shown_neighbours]
            title = f"{name}: nearest training images ({metric})"
            figure = _figure(about, splits, described["classes"], queries.iloc[shown], training, rows, title)
            figures.save(figure, plots / f"neighbours-{metric}.png")


def _precisions(
    found: dict[str, Neighbours], training: np.ndarray, labels: np.ndarray, ks: Sequence[int]
) -> dict[str, float]:
    """Return the precision by each metric at each k, given the labels of training images and of queries."""
    return {
        f"{metric}_precision_at_{k}": share
        for metric, neighbours in found.items()
        for k, share in precision_at(training[neighbours.rows], labels, ks).items()
    }


def _distances(found: dict[str, Neighbours]) -> dict[str, float]:
    """Return the number of queries, and by each metric the median distance from a query to its nearest image."""
    queries = {"queries": len(next(iter(found.values())).rows)}
    distances = {metric: float(np.median(neighbours.distances[:, 0])) for metric, neighbours in found.items()}
    return queries | {f"{metric}_nearest_distance": distance for metric, distance in distances.items()}


def _table(metric: str, queries: pd.DataFrame, training: pd.DataFrame, found: Neighbours) -> pd.DataFrame:
    """Return a row for each query and neighbour: which they are, the neighbour's rank from 1, and the distance."""
    n_queries, depth = found.rows.shape
    asked = queries.loc[queries.index.repeat(depth)].reset_index(drop=True)
    answers = training.iloc[found.rows.ravel()].reset_index(drop=True).add_prefix("neighbour_")
    answers.insert(0, "rank", np.tile(np.arange(1, depth + 1), n_queries))
    table = pd.concat([asked, answers], axis=1).assign(distance=found.distances.ravel())
    table.insert(0, "metric", metric)
    return table


def _figure(
    about: SimpleNamespace,
    splits: tuple[str, ...],
    classes: list[str],
    queries: pd.DataFrame,
    training: pd.DataFrame,
    rows: np.ndarray,
    title: str,
) -> Figure:
    """Draw a row for each query: the image, then its neighbours, framed by whether they are of its class, if any."""
    form = prepared.preparation(about.parameters)._replace(flat=False)
    asked = form(prepared.images(about.dataset, "test")[queries["row"]])
    answers = form(prepared.image_rows(about.dataset, *splits)[rows.ravel()])
    answers = answers.reshape(*rows.shape, *asked.shape[1:])
    lines = {
        caption: np.concatenate([image[np.newaxis], found])
        for caption, image, found in zip(naming.lines(naming.captions(queries, classes)), asked, answers, strict=True)
    }
    captions = ["query", *(str(rank) for rank in range(1, rows.shape[1] + 1))]
    if not classes:
        return figures.image_rows(lines, captions, title)
    agree = training["label"].to_numpy()[rows] == queries["label"].to_numpy()[:, np.newaxis]
    colours = np.where(agree, SAME, OTHER).tolist()
    frames = {line: [None, *row] for line, row in zip(lines, colours, strict=True)}
    legend = "blue frame: of the query's class; red frame: of another"
    return figures.image_rows(lines, captions, f"{title}\n{legend}", frames=frames)


if __name__ == "__main__":
    run(main)
