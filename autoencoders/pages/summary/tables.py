"""The tables of all results: as data frames, one file each, and as people read them."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import pandas as pd

from autoencoders.pages.summary.spreads import CLUSTERER
from autoencoders.pages.summary.table import Table
from autoencoders.pages.summary.texts import words

# What is measured of images beside a network: a key of the metrics is "<method>_<measure>".
MEASURES = ("recognised", "evenness", "distance", "psnr", "ssim", "mean_squared_error", "binary_crossentropy")
# Columns of names and words, also of a network that is called 007: the types to read a file of a table with.
TEXTS = dict.fromkeys(
    ("dataset", "network", "representation", "kind", "clustering", "scored", "metric", "method", "role"), str
)
# Whatever is none of these works without a network.
ROLES = {
    "network": "network",
    "noisy": "input",
    "test": "reference",
    "reconstruction": "reference",
    "density": "samples",
    "prior": "samples",
}
BEST = {"test accuracy": "max", "test PSNR": "max", "test SSIM": "max", "test loss": "min", "test MSE": "min"}
NOTES = {
    "samples": "What a classifier makes of the images: the share that it is confident of, the entropy of their classes "
    "(1: all are as frequent), and the median distance to the nearest training image (root of the mean squared error).",
    "denoising": "Restored test images, at the noise that each network was trained with.",
    "sequence": "Predicted from the upper rows of test images.",
    "stability": " Stability: the mean adjusted Rand index of two seeds' clusterings, 1 where all agree.",
    "clustering_unlabelled": " Silhouette and inertia are of each code's own space and do not compare codes.",
    "search_unlabelled": "The median distance of a query's nearest training image. Each code has distances of its own, "
    "which do not compare codes.",
    "samples_unjudged": "The median distance to the nearest training image (root of the mean squared error).",
}
# Of deviations with a star.
STARRED = " *: over seeds of the network or layouts of the embedding, which move it further (docs/stability.md)."
# Columns of the tables of codes, so that there is a table even of nothing.
CODES = ("dataset", "representation", "kind", "learned")
CLUSTERING = (*CODES, "clustering", "scored", "width")
SEARCH = (*CODES, "metric", "k", "precision")
SEARCH_UNLABELLED = (*CODES, "metric", "queries", "distance")


class Summary(NamedTuple):
    """All results as data frames.

    Attributes
    ----------
    networks : DataFrame
        A row a network: `network`, `dataset` and what was measured; what a network has not is missing.
    clustering : DataFrame
        A row a code and form of clustering: `dataset`, `representation`, `kind` ("baseline", "embedding" or
        "autoencoder"), `learned` (whether a network's training is behind it), `clustering`, `scored`, the scores,
        their standard deviations under the scores' names with `_std`, and what these are over, with `_over`.
    search : DataFrame
        A row a code, metric and depth: `dataset`, `representation`, `kind`, `learned`, `metric`, `k`, `precision`.
    clustering_unlabelled, search_unlabelled, samples_unjudged : DataFrame
        The same of images without labels, which have scores that need no classes: `silhouette`, `inertia` and
        `stability` of a clustering, `queries` and `distance` of a search; and of networks whose samples no classifier
        judges. In tables of their own, so that no table has cells that nothing could fill.
    samples, denoising, sequence : DataFrame
        A row a network and method: `dataset`, `network`, `method`, `role` (one of `ROLES`, or "baseline") and the
        measures.
    """

    networks: pd.DataFrame
    clustering: pd.DataFrame
    search: pd.DataFrame
    samples: pd.DataFrame
    denoising: pd.DataFrame
    sequence: pd.DataFrame
    clustering_unlabelled: pd.DataFrame
    search_unlabelled: pd.DataFrame
    samples_unjudged: pd.DataFrame


def methods(scores: Iterable[tuple[Mapping[str, object], Mapping[str, object]]], keys: Iterable[str]) -> pd.DataFrame:
    """Return a row for each network and method.

    Parameters
    ----------
    scores : iterable of pairs of mappings
        For each network what its rows have in common, and its metrics, by "<method>_<measure>"; other keys are left
        out.
    keys : iterable of str
        The columns that all rows have, so that there is a table even of nothing.
    """
    rows: dict[tuple, dict] = {}
    for common, metrics in scores:
        for key, value in metrics.items():
            measure = next((measure for measure in MEASURES if key.endswith(f"_{measure}")), None)
            if measure:
                method = key.removesuffix(f"_{measure}")
                about = {**common, "method": words(method), "role": ROLES.get(method, "baseline")}
                rows.setdefault(tuple(about.values()), about)[words(measure)] = value
    return pd.DataFrame(rows.values(), columns=None if rows else [*keys, "method", "role"])


def presented(summary: Summary) -> list[Table]:
    """Return the tables as people read them, those without rows left out."""
    tables = [*_of_networks(summary.networks), *_of_clustering(summary.clustering)]
    tables += _of_clustering(summary.clustering_unlabelled, NOTES["clustering_unlabelled"])
    tables += [*_of_search(summary.search), *_of_search_unlabelled(summary.search_unlabelled)]
    for name, title in (
        ("samples", "Generated samples"),
        ("samples_unjudged", "Generated samples without a classifier"),
        ("denoising", "Denoising"),
        ("sequence", "Prediction of the lower rows of images"),
    ):
        rows = getattr(summary, name).drop(columns=["role"])
        tables.append(Table(title, rows[["network", *rows.columns.drop("network")]], NOTES[name]))
    return [table for table in tables if len(table.frame)]


def _of_networks(networks: pd.DataFrame) -> list[Table]:
    scores = networks.get("test accuracy", pd.Series(float("nan"), index=networks.index))
    classify = scores.notna()
    tables = []
    for title, rows in (("Autoencoders", networks[~classify]), ("Classifiers", networks[classify])):
        rows, note = _arranged(rows, ("network", "dataset", *BEST, "code size"), ("source", "recipe"))
        best = {column: way for column, way in BEST.items() if column in rows}
        tables.append(Table(title, rows, f"{note}The best of each data set in bold.", best=best, within="dataset"))
    return tables


def _of_clustering(clustering: pd.DataFrame, without_classes: str = "") -> list[Table]:
    """Return a table a data set; `without_classes` is a note on scores of which no best one is marked."""
    tables = []
    for dataset, rows in clustering.groupby("dataset", sort=False):
        scores = [column for column in rows if f"{column}_std" in rows]
        spreads = {words(score): f"{score}_std" for score in scores}
        starred = {words(score): f"{score}_over" for score in scores}
        rows = rows.assign(**{column: rows.get(column, CLUSTERER) != CLUSTERER for column in starred.values()})
        rows = rows.drop(columns=["dataset", "learned"]).rename(columns={score: words(score) for score in scores})
        shown = ("representation", "clustering", "kind", *spreads, "stability")
        rows, note = _arranged(rows, shown, ("scored",))
        note += f"Means and standard deviations over {CLUSTERER}."
        if rows[[*starred.values()]].to_numpy().any():
            note += STARRED
        note += (NOTES["stability"] if "stability" in rows else "") + without_classes
        best = {} if without_classes else dict.fromkeys(spreads, "max")
        tables.append(Table(f"Clustering of {dataset}", rows, note, spreads, starred, best))
    return tables


def _of_search(search: pd.DataFrame) -> list[Table]:
    """Return a table a data set: a row a code, a column a metric and depth."""
    note = "Precision at k: the share of the k nearest training images that are of the query's class."
    keys, tables = ["representation", "kind"], []
    for dataset, rows in search.groupby("dataset", sort=False):
        rows = rows.assign(column=rows["metric"] + ", k=" + rows["k"].astype(str))
        wide = rows.pivot(index=keys, columns="column", values="precision")
        columns = rows["column"].unique().tolist()
        wide = wide.loc[pd.MultiIndex.from_frame(rows[keys].drop_duplicates()), columns].reset_index()
        tables.append(Table(f"Search of {dataset}", wide, note, best=dict.fromkeys(columns, "max")))
    return tables


def _of_search_unlabelled(search: pd.DataFrame) -> list[Table]:
    """Return a table a data set: a row a code and metric."""
    tables = []
    for dataset, rows in search.groupby("dataset", sort=False):
        rows = rows.drop(columns=["dataset", "learned"]).rename(columns={"distance": "nearest distance"})
        rows, note = _arranged(rows, ("representation", "kind", "metric"), ("queries",))
        tables.append(Table(f"Search of {dataset}", rows, f"{note}{NOTES['search_unlabelled']}"))
    return tables


def _arranged(rows: pd.DataFrame, first: tuple[str, ...], noted: tuple[str, ...]) -> tuple[pd.DataFrame, str]:
    """Put columns first, and move those of `noted` that are the same in every row into a note."""
    rows = rows.dropna(axis="columns", how="all")
    same = [column for column in noted if column in rows and rows[column].nunique(dropna=False) == 1]
    leading = [column for column in first if column in rows]
    note = "; ".join(f"{column}: {words(str(rows[column].iloc[0]))}" for column in same).capitalize()
    return rows[[*leading, *rows.columns.difference([*leading, *same], sort=False)]], note and f"{note}. "
