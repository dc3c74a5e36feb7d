"""One table of all networks, a row each, and the plots that compare them."""

import pandas as pd
from matplotlib.figure import Figure

from autoencoders import figures
from stages import files
from stages.parameters import read
from stages.running import run

FEATURES = ("code", "pixels", "pca")


def main() -> None:
    classifiers, autoencoders = read("classifiers", "autoencoders")
    rows = [_row(name, block) | _classification(name) for name, block in classifiers.items()]
    rows += [_row(name, block) | _reconstruction(name) | _clustering(name) for name, block in autoencoders.items()]
    table = pd.DataFrame(rows).set_index("network")
    losses, accuracies = _curves(autoencoders, "loss"), _curves(classifiers, "accuracy")

    with files.whole(files.outputs("summarize"), files.plots("summarize")) as (folder, plots):
        table.to_csv(folder / "summary.csv")
        markdown = "\n".join(_markdown(table.loc[list(networks)]) for networks in (classifiers, autoencoders))
        (folder / "summary.md").write_text(markdown, encoding="utf-8")
        losses.to_csv(folder / "losses.csv", index=False)
        accuracies.to_csv(folder / "accuracies.csv", index=False)
        figures.save(_figure(losses, "loss"), plots / "losses.png")
        figures.save(_figure(accuracies, "accuracy"), plots / "accuracies.png")
        found = table.loc[list(autoencoders)]
        figures.save(figures.bars(found[["test PSNR"]], "dB", "Reconstruction of test images"), plots / "psnr.png")
        compared = found[[f"test ARI {kind}" for kind in FEATURES]]
        title = "K-means on codes, pixels and principal components: test images"
        figures.save(figures.bars(compared, "adjusted Rand index", title), plots / "clustering.png")
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


def _clustering(name: str) -> dict:
    scores = files.read_json(files.metrics("cluster", f"{name}.json"))
    row = {"test clustering accuracy": scores["accuracy"], "test NMI": scores["nmi"], "test ARI code": scores["ari"]}
    return row | {f"test ARI {kind}": scores[f"{kind}_ari"] for kind in ("pixels", "pca")}


def _curves(networks: dict, measure: str) -> pd.DataFrame:
    """Join the networks' histories: a row an epoch, in the columns curve (the network), epoch and `measure`."""
    histories = {name: files.read_table(files.outputs("train", name, "history.csv")) for name in networks}
    return pd.concat(history[["epoch", measure]].assign(curve=name) for name, history in histories.items())


def _figure(curves: pd.DataFrame, measure: str) -> Figure:
    parts = dict(list(curves.groupby("curve", sort=False)))
    epochs = {name: part["epoch"] for name, part in parts.items()}
    return figures.curves(epochs, {name: part[measure] for name, part in parts.items()}, "epoch", f"training {measure}")


def _markdown(table: pd.DataFrame) -> str:
    """Return the rows as Markdown, without the columns in which none of them has a figure."""
    filled = table.dropna(axis="columns", how="all").reset_index()
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
