import json
import math
from pathlib import Path

import pandas as pd
import pytest
from small import small_parameters, write_parameters

from autoencoders.core.errors import InputError
from stages import summarize
from stages.shared.parameters import load

PARAMETERS = small_parameters()
CLASSIFIERS, AUTOENCODERS = (list(PARAMETERS[group]) for group in ("classifiers", "autoencoders"))
# What is clustered, of each data set's first what has no network; and what of it is searched.
CLUSTERED = {
    name: (block["dataset"], "autoencoder" if block["kind"] == "patch_autoencoder" else kind)
    for dataset in ("digits", "photos")
    for group, kind in (("representations", "baseline"), ("embeddings", "embedding"), ("autoencoders", "autoencoder"))
    for name, block in PARAMETERS[group].items()
    if block["dataset"] == dataset
}
SEARCHED = {name: (dataset, kind) for name, (dataset, kind) in CLUSTERED.items() if kind != "embedding"}
FORMS = list(PARAMETERS["cluster"]["clusterings"])
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
}


def table() -> pd.DataFrame:
    return pd.read_csv("data/summary/networks.csv").set_index("network")


def metrics(stage: str, name: str) -> dict:
    return json.loads(Path("metrics", stage, f"{name}.json").read_text(encoding="utf-8"))


def expected(name: str) -> dict:
    """Return a network's row as its metrics files have it."""
    row = {"dataset": name.split("-")[0]}
    for stage in ("train", "evaluate") if name in CLASSIFIERS else ("train", "encode"):
        scores = metrics(stage, name)
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


def test_every_clustering_of_whatever_is_clustered_has_a_row_with_its_metrics(results):
    found = pd.read_csv("data/summary/clustering.csv")
    keys = ["dataset", "representation", "kind", "clustering", "scored"]
    wanted = [[dataset, name, kind, form, "held_out"] for name, (dataset, kind) in CLUSTERED.items() for form in FORMS]
    assert found[keys].values.tolist() == wanted
    for row in found.to_dict("records"):
        kept = metrics("cluster", row["representation"])[row["clustering"]]
        assert {key: value for key, value in row.items() if key not in keys} == kept


def test_every_search_has_a_row_a_metric_and_depth_with_its_precision(results):
    found = pd.read_csv("data/summary/search.csv")
    assert list(found) == ["dataset", "representation", "kind", "metric", "k", "precision"]
    wanted = [
        [dataset, name, kind, metric, k, metrics("search", name)[f"{metric}_precision_at_{k}"]]
        for name, (dataset, kind) in SEARCHED.items()
        for metric in ("cosine", "euclidean")
        for k in (1, 5, 10)
    ]
    assert found.values.tolist() == wanted


def test_the_markdowns_last_tables_are_of_clustering_and_search(results):
    *_, clusterings, searches = pipe_tables(Path("data/summary/summary.md").read_text(encoding="utf-8"))
    assert [(row["representation"], row["clustering"]) for row in clusterings] == [
        (name, form) for name in CLUSTERED for form in FORMS
    ]
    for row in clusterings:
        kept = metrics("cluster", row["representation"])[row["clustering"]]
        for score in ("accuracy", "nmi", "ari"):
            mean, deviation = (float(part) for part in row[score].split(" ± "))
            assert (mean, deviation) == pytest.approx((kept[score], kept[f"{score}_std"]), abs=5.1e-4)
    assert [row["representation"] for row in searches] == list(SEARCHED)
    for row in searches:
        kept = metrics("search", row["representation"])
        assert row["kind"] == SEARCHED[row["representation"]][1]
        for metric in ("cosine", "euclidean"):
            for k in (1, 5, 10):
                cell, value = row[f"{metric} precision at {k}"], kept[f"{metric}_precision_at_{k}"]
                assert float(cell) == pytest.approx(value, abs=5.1e-5)


def test_the_markdowns_first_tables_are_of_the_networks(results):
    classifiers, autoencoders, *_ = pipe_tables(Path("data/summary/summary.md").read_text(encoding="utf-8"))
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
    text = Path("data/summary/summary.md").read_text(encoding="utf-8")
    assert [row["epoch of 95 %"] for row in pipe_tables(text)[0]] == ["37", ""]
    assert capsys.readouterr().out.strip() == text.strip()


@pytest.mark.parametrize(
    ("file", "measure", "networks"), [("losses", "loss", AUTOENCODERS), ("accuracies", "accuracy", CLASSIFIERS)]
)
def test_the_curves_are_the_networks_histories(results, file, measure, networks):
    found = pd.read_csv(f"data/summary/{file}.csv")
    assert set(found) == {"curve", "epoch", measure}
    assert list(found["curve"].unique()) == networks
    for name, curve in found.groupby("curve"):
        history = pd.read_csv(f"models/{name}/history.csv")
        assert curve["epoch"].tolist() == history["epoch"].tolist() == [1, 2]
        assert curve[measure].tolist() == pytest.approx(history[measure].tolist(), rel=1e-12)


def test_the_figures_compare_all_networks(workspace, drawings, drawn):
    summarize.main()
    losses, accuracies = (call["lines"] for call in drawings["curves"])
    assert list(losses) == AUTOENCODERS and list(accuracies) == CLASSIFIERS
    psnr, *clusterings = (call["table"] for call in drawings["bars"])
    assert psnr["test PSNR"].to_dict() == {name: expected(name)["test PSNR"] for name in AUTOENCODERS}
    for dataset, compared in zip(("digits", "photos"), clusterings, strict=True):
        assert compared.index.tolist() == [name for name, (of, _) in CLUSTERED.items() if of == dataset]
        for name, scores in compared.to_dict("index").items():
            assert scores == {form: metrics("cluster", name)[form]["ari"] for form in FORMS}
    assert drawn("plots/summarize") == {
        "losses.png",
        "accuracies.png",
        "psnr.png",
        "clustering-digits.png",
        "clustering-photos.png",
    }


def test_without_anything_to_compare_with_the_networks_are_summarized(workspace):
    values = load(Path("params.yaml"))
    write_parameters(workspace, {**values, "representations": {}, "embeddings": {}})
    summarize.main()
    assert set(pd.read_csv("data/summary/clustering.csv")["kind"]) == {"autoencoder"}


@pytest.mark.parametrize(
    "missing",
    [
        "metrics/train/photos-classifier.json",
        "metrics/evaluate/digits-classifier.json",
        "metrics/encode/digits-denoising.json",
        "metrics/cluster/photos-simple.json",
        "metrics/search/digits-pca.json",
        "models/digits-strided/history.csv",
    ],
)
def test_a_missing_file_is_named_and_what_there_was_stays(workspace, missing):
    before = table()
    Path(missing).unlink()
    with pytest.raises(InputError, match=f"^{missing} is missing"):
        summarize.main()
    assert table().equals(before)
