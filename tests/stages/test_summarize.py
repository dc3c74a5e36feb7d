import json
import math
from pathlib import Path

import pandas as pd
import pytest
from small import small_parameters

from autoencoders.errors import InputError
from stages import summarize

CLASSIFIERS, AUTOENCODERS = (list(small_parameters()[group]) for group in ("classifiers", "autoencoders"))
COLUMNS = {
    "train": {
        "source": "source",
        "recipe": "recipe",
        "parameters": "parameters",
        "epochs": "epochs",
        "training loss": "loss",
    },
    "evaluate": {
        "training accuracy": "train_accuracy",
        "validation accuracy": "validation_accuracy",
        "test accuracy": "test_accuracy",
        "test loss": "test_loss",
        "epoch of 95 %": "epoch_of_95_percent",
    },
    "encode": {
        "code size": "code_size",
        "test loss": "binary_crossentropy",
        "test MSE": "mean_squared_error",
        "test PSNR": "psnr",
        "test SSIM": "ssim",
    },
    "cluster": {
        "test clustering accuracy": "accuracy",
        "test NMI": "nmi",
        "test ARI code": "ari",
        "test ARI pixels": "pixels_ari",
        "test ARI pca": "pca_ari",
    },
}


def table() -> pd.DataFrame:
    return pd.read_csv("outputs/summarize/summary.csv").set_index("network")


def expected(name: str) -> dict:
    """Return a network's row as its metrics files have it."""
    row = {"dataset": name.split("-")[0]}
    for stage in ("train", "evaluate") if name in CLASSIFIERS else ("train", "encode", "cluster"):
        scores = json.loads(Path("metrics", stage, f"{name}.json").read_text(encoding="utf-8"))
        row |= {column: scores[key] for column, key in COLUMNS[stage].items()}
    return row


def pipe_tables(text: str) -> list[list[dict[str, str]]]:
    """Read GitHub's Markdown tables: each as its rows, each of those as its cells by column."""
    found = []
    for block in text.strip().split("\n\n"):
        head, rule, *rows = ([cell.strip() for cell in line.split("|")] for line in block.splitlines())
        assert all(cells[0] == cells[-1] == "" for cells in (head, rule, *rows))
        assert set(rule[1:-1]) == {"---"}
        found.append([dict(zip(head[1:-1], row[1:-1], strict=True)) for row in rows])
        assert len(rule) == len(head)
    return found


def test_every_network_has_a_row_and_no_other_has(results):
    assert table().index.tolist() == CLASSIFIERS + AUTOENCODERS


@pytest.mark.parametrize("name", CLASSIFIERS + AUTOENCODERS)
def test_a_row_holds_the_values_of_the_metrics_files_and_nothing_else(results, name):
    row = table().loc[name].dropna().to_dict()
    assert row == {column: value for column, value in expected(name).items() if value is not None}


def test_the_markdown_is_two_tables_with_the_same_figures(results):
    classifiers, autoencoders = pipe_tables(Path("outputs/summarize/summary.md").read_text(encoding="utf-8"))
    assert [row["network"] for row in classifiers] == CLASSIFIERS
    assert [row["network"] for row in autoencoders] == AUTOENCODERS
    for row in (*classifiers, *autoencoders):
        values = {column: value for column, value in expected(row.pop("network")).items() if value is not None}
        assert row.keys() == values.keys()
        for column, cell in row.items():
            if isinstance(values[column], str):
                assert cell == values[column]
            else:
                assert math.isclose(float(cell.replace(",", "")), values[column], rel_tol=1e-3, abs_tol=5.1e-5)


def test_a_column_in_which_one_network_has_no_figure_has_an_empty_cell(workspace, capsys):
    file = Path("metrics/evaluate/photos-classifier.json")
    file.write_text(json.dumps({**json.loads(file.read_text()), "epoch_of_95_percent": 37}))
    summarize.main()
    text = Path("outputs/summarize/summary.md").read_text(encoding="utf-8")
    assert [row["epoch of 95 %"] for row in pipe_tables(text)[0]] == ["37", ""]
    assert capsys.readouterr().out.strip() == text.strip()


@pytest.mark.parametrize(
    ("file", "measure", "networks"), [("losses", "loss", AUTOENCODERS), ("accuracies", "accuracy", CLASSIFIERS)]
)
def test_the_curves_are_the_networks_histories(results, file, measure, networks):
    found = pd.read_csv(f"outputs/summarize/{file}.csv")
    assert set(found) == {"curve", "epoch", measure}
    assert list(found["curve"].unique()) == networks
    for name, curve in found.groupby("curve"):
        history = pd.read_csv(f"outputs/train/{name}/history.csv")
        assert curve["epoch"].tolist() == history["epoch"].tolist() == [1, 2]
        assert curve[measure].tolist() == pytest.approx(history[measure].tolist(), rel=1e-12)


def test_the_figures_compare_all_networks(workspace, drawings, drawn):
    summarize.main()
    losses, accuracies = (call["lines"] for call in drawings["curves"])
    assert list(losses) == AUTOENCODERS and list(accuracies) == CLASSIFIERS
    psnr, clustering = (call["table"] for call in drawings["bars"])
    assert psnr.index.tolist() == clustering.index.tolist() == AUTOENCODERS
    for name in AUTOENCODERS:
        row = expected(name)
        assert psnr.loc[name].tolist() == [row["test PSNR"]]
        assert clustering.loc[name].tolist() == [row[f"test ARI {kind}"] for kind in ("code", "pixels", "pca")]
    assert drawn("plots/summarize") == {"losses.png", "accuracies.png", "psnr.png", "clustering.png"}


@pytest.mark.parametrize(
    "missing",
    [
        "metrics/train/photos-classifier.json",
        "metrics/evaluate/digits-classifier.json",
        "metrics/encode/digits-denoising.json",
        "metrics/cluster/photos-simple.json",
        "outputs/train/photos-multilayer/history.csv",
    ],
)
def test_a_missing_file_is_named_and_what_there_was_stays(workspace, missing):
    before = table()
    Path(missing).unlink()
    with pytest.raises(InputError, match=f"^{missing} is missing"):
        summarize.main()
    assert table().equals(before)
