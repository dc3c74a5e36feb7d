"""Tables of all networks, clusterings and searches, and the plots that compare them."""

import pandas as pd
from matplotlib.figure import Figure

from autoencoders.pages import figures
from stages.shared import files
from stages.shared.parameters import read
from stages.shared.running import run

# What may be clustered and searched: the blocks of `params.yaml`, and what the tables call them.
KINDS = {"representations": "baseline", "embeddings": "embedding", "autoencoders": "autoencoder"}
# A representation that is a network's code all the same is no baseline.
LEARNED = {"patch_autoencoder": "autoencoder"}
SCORES = ("accuracy", "nmi", "ari")


def main() -> None:
    classifiers, autoencoders, representations, embeddings = read(
        "classifiers", "autoencoders", "representations", "embeddings"
    )
    rows = [_row(name, block) | _classification(name) for name, block in classifiers.items()]
    rows += [_row(name, block) | _reconstruction(name) for name, block in autoencoders.items()]
    networks = pd.DataFrame(rows).set_index("network")
    kinds = dict(zip(KINDS.values(), (representations, embeddings, autoencoders), strict=True))
    clusterings = _table(_clusterings, kinds)
    searches = _table(_searches, {kind: kinds[kind] for kind in ("baseline", "autoencoder")})
    losses, accuracies = _curves(autoencoders, "loss"), _curves(classifiers, "accuracy")

    with files.whole(files.data("summary"), files.plots("summarize")) as (folder, plots):
        networks.to_csv(folder / "networks.csv")
        clusterings.to_csv(folder / "clustering.csv", index=False)
        searches.to_csv(folder / "search.csv", index=False)
        tables = [networks.loc[list(group)].reset_index() for group in (classifiers, autoencoders)]
        tables += [_spread(clusterings), _by_depth(searches)]
        markdown = "\n".join(_markdown(table) for table in tables)
        (folder / "summary.md").write_text(markdown, encoding="utf-8")
        losses.to_csv(folder / "losses.csv", index=False)
        accuracies.to_csv(folder / "accuracies.csv", index=False)
        figures.save(_figure(losses, "loss"), plots / "losses.png")
        figures.save(_figure(accuracies, "accuracy"), plots / "accuracies.png")
        found = networks.loc[list(autoencoders)]
        figures.save(figures.bars(found[["test PSNR"]], "dB", "Reconstruction of test images"), plots / "psnr.png")
        for dataset, rows in clusterings.groupby("dataset", sort=False):
            compared = rows.pivot(index="representation", columns="clustering", values="ari")
            compared = compared.loc[rows["representation"].unique(), rows["clustering"].unique()]
            figure = figures.bars(compared, "adjusted Rand index", f"Clustering of {dataset} by what is clustered")
            figures.save(figure, plots / f"clustering-{dataset}.png")
    print(markdown)


def _row(name: str, block) -> dict:
    trained = files.read_json(files.metrics("train", f"{name}.json"))
    same = {key: trained[key] for key in ("source", "recipe", "parameters", "epochs")}
    return {"network": name, "dataset": block.dataset, **same, "training loss": trained["loss"]}


def _classification(name: str) -> dict:
    scores = files.read_json(files.metrics("evaluate", f"{name}.json"))
    parts = {"train": "training", "validation": "validation", "test": "test"}
    accuracies = {f"{part} accuracy": scores.get(f"{split}_accuracy") for split, part in parts.items()}
    return accuracies | {"epoch of 95 %": scores["epoch_of_95_percent"], "test loss": scores["test_loss"]}


def _reconstruction(name: str) -> dict:
    scores = files.read_json(files.metrics("encode", f"{name}.json"))
    names = {
        "code_size": "code size",
        "binary_crossentropy": "test loss",
        "mean_squared_error": "test MSE",
        "psnr": "test PSNR",
        "ssim": "test SSIM",
    }
    return {title: scores[key] for key, title in names.items()}


def _table(rows, kinds: dict[str, dict]) -> pd.DataFrame:
    """Return what `rows` gives for every representation, those of one data set together."""
    found = [
        {"dataset": block.dataset, "representation": name, "kind": LEARNED.get(block.kind, kind), **row}
        for kind, blocks in kinds.items()
        for name, block in blocks.items()
        for row in rows(name)
    ]
    return pd.DataFrame(found).sort_values("dataset", kind="stable")


def _clusterings(name: str) -> list[dict]:
    found = files.read_json(files.metrics("cluster", f"{name}.json"))
    return [
        {"clustering": form, "scored": found["scored"], **scores}
        for form, scores in found.items()
        if isinstance(scores, dict)
    ]


def _searches(name: str) -> list[dict]:
    found = files.read_json(files.metrics("search", f"{name}.json"))
    parts = [(key.partition("_precision_at_"), value) for key, value in found.items()]
    return [{"metric": metric, "k": int(k), "precision": value} for (metric, between, k), value in parts if between]


def _spread(clusterings: pd.DataFrame) -> pd.DataFrame:
    """Write means and deviations as people do."""
    spread = clusterings.drop(columns=[f"{score}_std" for score in SCORES])
    for score in SCORES:
        pairs = zip(clusterings[score], clusterings[f"{score}_std"], strict=True)
        spread[score] = [f"{mean:.3f} ± {deviation:.3f}" for mean, deviation in pairs]
    return spread


def _by_depth(searches: pd.DataFrame) -> pd.DataFrame:
    """Return a row a representation, a column a metric and depth."""
    labelled = searches.assign(column=searches["metric"] + " precision at " + searches["k"].astype(str))
    keys = ["dataset", "representation", "kind"]
    table = labelled.pivot(index=keys, columns="column", values="precision")
    order = pd.MultiIndex.from_frame(labelled[keys].drop_duplicates())
    return table.loc[order, labelled["column"].unique()].reset_index()


def _curves(networks: dict, measure: str) -> pd.DataFrame:
    """Join the networks' histories: a row an epoch, in the columns curve (the network), epoch and `measure`."""
    histories = {name: files.read_table(files.models(name, "history.csv")) for name in networks}
    return pd.concat(history[["epoch", measure]].assign(curve=name) for name, history in histories.items())


def _figure(curves: pd.DataFrame, measure: str) -> Figure:
    parts = dict(list(curves.groupby("curve", sort=False)))
    epochs = {name: part["epoch"] for name, part in parts.items()}
    return figures.curves(epochs, {name: part[measure] for name, part in parts.items()}, "epoch", f"training {measure}")


def _markdown(table: pd.DataFrame) -> str:
    """Return the rows as Markdown, without the columns in which none of them has a figure."""
    filled = table.dropna(axis="columns", how="all")
    lines = ["| " + " | ".join(filled.columns) + " |", "|---" * len(filled.columns) + "|"]
    lines += ["| " + " | ".join(_cell(value) for value in row) + " |" for row in filled.itertuples(index=False)]
    return "\n".join(lines) + "\n"


def _cell(value: object) -> str:
    if value is None or value != value:
        return ""
    if isinstance(value, float) and not value.is_integer():
        return f"{value:.4f}" if abs(value) < 10 else f"{value:.2f}"
    return f"{value:,.0f}" if isinstance(value, (int, float)) else str(value)


if __name__ == "__main__":
    run(main)
