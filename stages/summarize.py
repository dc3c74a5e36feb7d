"""Tables of all results, what they say, and the plots that compare them."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd
from matplotlib.figure import Figure

from autoencoders.pages import figures
from autoencoders.pages.summary import tables
from autoencoders.pages.summary.findings import Finding, findings
from autoencoders.pages.summary.spreads import widened
from stages.shared import files, leftovers
from stages.shared.parameters import read, whole
from stages.shared.running import run
from stages.shared.spreads import spreads

# Columns of the table of networks: by stage, the keys of its metrics and what the table calls them.
COLUMNS = {
    "train": {
        "source": "source",
        "recipe": "recipe",
        "parameters": "parameters",
        "epochs": "epochs",
        "loss": "training loss",
    },
    "evaluate": {
        "train_accuracy": "training accuracy",
        "validation_accuracy": "validation accuracy",
        "test_accuracy": "test accuracy",
        "epoch_of_95_percent": "epoch of 95 %",
        "test_loss": "test loss",
    },
    "encode": {
        "code_size": "code size",
        "binary_crossentropy": "test loss",
        "mean_squared_error": "test MSE",
        "psnr": "test PSNR",
        "ssim": "test SSIM",
    },
}
# How a search's metrics call the distance by a metric, where there is no precision.
NEAREST = "_nearest_distance"


class Code(NamedTuple):
    """The first columns of the tables of clusterings and searches; see `Summary` and `tables.CODES`."""

    dataset: str
    representation: str
    kind: str
    learned: bool


def main() -> None:
    """Read metrics and spreads of all that the parameters name, and the networks' histories; write tables and figures.

    They go to `data/summary/` and `plots/summarize/`. The tables are those of `Summary`, a file each; `findings.csv`;
    `summary.md`, for people; and the curves `losses.csv` and `accuracies.csv`. What lies there of others is removed.

    Raises
    ------
    InputError
        If a file is missing or damaged.
    """
    leftovers.clear(whole())
    classifiers, autoencoders, representations, embeddings = read(
        "classifiers", "autoencoders", "representations", "embeddings"
    )
    datasets, generate, denoise, sequence = read("datasets", "generate", "denoise", "sequence")
    networks = [_network(name, block.dataset, "evaluate") for name, block in classifiers.items()]
    networks += [_network(name, block.dataset, "encode") for name, block in autoencoders.items()]
    codes = _codes(list(datasets), representations, embeddings, autoencoders)
    clusterings = _of_codes(codes, _clusterings)
    searches = _of_codes([code for code in codes if code.kind != "embedding"], _searches)
    summary = tables.Summary(
        networks=pd.DataFrame(networks),
        clustering=widened(_with(clusterings, "accuracy", tables.CLUSTERING), spreads(whole())),
        search=_with(searches, "precision", tables.SEARCH),
        samples=_methods("generate", generate.networks),
        denoising=_methods("denoise", denoise.networks),
        sequence=_methods("sequence", sequence),
        clustering_unlabelled=_with([row for row in clusterings if "accuracy" not in row], "width", tables.CLUSTERING),
        search_unlabelled=_with(searches, "distance", tables.SEARCH_UNLABELLED),
        samples_unjudged=_methods("generate", generate.unjudged),
    )
    found = pd.DataFrame(findings(summary), columns=Finding._fields)
    markdown = "\n".join(table.markdown for table in tables.presented(summary))
    losses, accuracies = _curves(autoencoders, "loss"), _curves(classifiers, "accuracy")

    with files.whole(files.data("summary"), files.plots("summarize")) as (folder, plots):
        named = {**summary._asdict(), "findings": found, "losses": losses, "accuracies": accuracies}
        for name, table in named.items():
            table.to_csv(folder / f"{name}.csv", index=False)
        (folder / "summary.md").write_text(markdown, encoding="utf-8")
        figures.save(_figure(losses, "loss"), plots / "losses.png")
        if len(accuracies):
            figures.save(_figure(accuracies, "accuracy"), plots / "accuracies.png")
        psnr = summary.networks.set_index("network").loc[list(autoencoders), ["test PSNR"]]
        figures.save(figures.bars(psnr, "dB", "Reconstruction of test images"), plots / "psnr.png")
        compared = [(summary.clustering, "ari", "adjusted Rand index")]
        compared += [(summary.clustering_unlabelled, "stability", "stability: adjusted Rand index of two seeds, mean")]
        for table, score, label in compared:
            # One seed has no stability.
            for dataset, rows in table.groupby("dataset", sort=False) if score in table else ():
                figures.save(_bars(rows, score, label, str(dataset)), plots / f"clustering-{dataset}.png")
    print(markdown, end="")


def _network(name: str, dataset: str, scored: str) -> dict[str, Any]:
    """Return a network's row: what training and the stage that scores it measured."""
    row = {"network": name, "dataset": dataset}
    for stage in ("train", scored):
        metrics = files.read_json(files.metrics(stage, f"{name}.json"))
        row |= {title: metrics.get(key) for key, title in COLUMNS[stage].items()}
    return row


def _codes(datasets: list[str], representations: Mapping, embeddings: Mapping, autoencoders: Mapping) -> list[Code]:
    """Return all that is clustered: the data sets in their order, of each first what needs no network."""
    # A patch autoencoder is a network too, although `represent` trains it.
    learned = {name: block.kind == "patch_autoencoder" for name, block in representations.items()}
    learned |= dict.fromkeys(autoencoders, True)
    kinds = {name: "autoencoder" if learned[name] else "baseline" for name in learned}
    kinds |= dict.fromkeys(embeddings, "embedding")
    # An embedding of pixels needs no network either; a code that stays below it has not won.
    learned |= {name: learned[block.of] for name, block in embeddings.items()}
    blocks = {**representations, **embeddings, **autoencoders}
    codes = [Code(block.dataset, name, kinds[name], learned[name]) for name, block in blocks.items()]
    return sorted(codes, key=lambda code: datasets.index(code.dataset))


def _of_codes(codes: list[Code], rows: Callable[[str], list[dict]]) -> list[dict]:
    return [{**code._asdict(), **row} for code in codes for row in rows(code.representation)]


def _with(rows: list[dict], score: str, columns: Sequence[str]) -> pd.DataFrame:
    """Return those of the rows that have a score; without any, a table of the `columns` alone."""
    found = [row for row in rows if score in row]
    return pd.DataFrame(found, columns=None if found else list(columns))


def _clusterings(name: str) -> list[dict]:
    metrics = files.read_json(files.metrics("cluster", f"{name}.json"))
    forms = {form: scores for form, scores in metrics.items() if isinstance(scores, dict)}
    return [{"clustering": form, "scored": metrics["scored"], **scores} for form, scores in forms.items()]


def _searches(name: str) -> list[dict]:
    metrics = files.read_json(files.metrics("search", f"{name}.json"))
    parts = [(key.partition("_precision_at_"), value) for key, value in metrics.items()]
    precisions = [
        {"metric": metric, "k": int(k), "precision": value} for (metric, between, k), value in parts if between
    ]
    distances = {key.removesuffix(NEAREST): value for key, value in metrics.items() if key.endswith(NEAREST)}
    queries = metrics.get("queries")
    return precisions + [
        {"metric": metric, "queries": queries, "distance": value} for metric, value in distances.items()
    ]


def _methods(stage: str, networks: Mapping[str, Any]) -> pd.DataFrame:
    """Return a row for each network and method that a stage compares."""
    abouts = {name: {"dataset": block.dataset, "network": name} for name, block in networks.items()}
    scores = [(about, files.read_json(files.metrics(stage, f"{name}.json"))) for name, about in abouts.items()]
    return tables.methods(scores, ("dataset", "network"))


def _curves(networks: Mapping[str, Any], measure: str) -> pd.DataFrame:
    """Join the networks' histories: a row an epoch, in the columns curve (the network), epoch and `measure`."""
    histories = {name: files.read_table(files.models(name, "history.csv")) for name in networks}
    if not histories:
        # A file without rows: `dvc plots` looks for it.
        return pd.DataFrame(columns=["epoch", measure, "curve"])
    return pd.concat(history[["epoch", measure]].assign(curve=name) for name, history in histories.items())


def _bars(rows: pd.DataFrame, score: str, label: str, dataset: str) -> Figure:
    compared = rows.pivot(index="representation", columns="clustering", values=score)
    compared = compared.loc[rows["representation"].unique(), rows["clustering"].unique()]
    return figures.bars(compared, label, f"Clustering of {dataset} by what is clustered")


def _figure(curves: pd.DataFrame, measure: str) -> Figure:
    parts = dict(list(curves.groupby("curve", sort=False)))
    epochs = {name: part["epoch"] for name, part in parts.items()}
    return figures.curves(epochs, {name: part[measure] for name, part in parts.items()}, "epoch", f"training {measure}")


if __name__ == "__main__":
    run(main)
