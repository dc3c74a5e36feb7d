import json
import math
from itertools import product
from pathlib import Path

import pandas as pd
import pytest
from small import small_parameters, write_parameters

from autoencoders.core.errors import InputError
from stages import summarize
from stages.shared.parameters import load, whole
from stages.shared.spreads import FILE, conditions

PARAMETERS = small_parameters()
CLASSIFIERS, AUTOENCODERS = (list(PARAMETERS[group]) for group in ("classifiers", "autoencoders"))
LEARNED = {name: block["kind"] == "patch_autoencoder" for name, block in PARAMETERS["representations"].items()}
LEARNED |= dict.fromkeys(AUTOENCODERS, True)
LEARNED |= {name: LEARNED[block["of"]] for name, block in PARAMETERS["embeddings"].items()}
# What is clustered, of each data set's first what has no network; and what of it is searched.
CLUSTERED = {
    name: (block["dataset"], "autoencoder" if LEARNED[name] and kind == "baseline" else kind, LEARNED[name])
    for dataset in PARAMETERS["datasets"]
    for group, kind in (("representations", "baseline"), ("embeddings", "embedding"), ("autoencoders", "autoencoder"))
    for name, block in PARAMETERS[group].items()
    if block["dataset"] == dataset
}
SEARCHED = {name: about for name, about in CLUSTERED.items() if about[1] != "embedding"}
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


def markdown() -> dict[str, list[dict[str, str]]]:
    """Return the tables of `summary.md` by title: each as its rows, each of those as its cells by column, not bold."""
    found = {}
    for part in Path("data/summary/summary.md").read_text(encoding="utf-8").split("## ")[1:]:
        title, *_, body = part.strip().split("\n\n")
        head, rule, *rows = (
            [cell.strip().replace("**", "") for cell in line.split("|")][1:-1] for line in body.splitlines()
        )
        assert set(rule) == {"---"}
        found[title] = [dict(zip(head, row, strict=True)) for row in rows]
    return found


def findings() -> dict[tuple[str, str], dict]:
    """Return the findings by purpose and data set."""
    rows = pd.read_csv("data/summary/findings.csv", dtype=str).to_dict("records")
    return {(row["purpose"], row["dataset"]): row for row in rows}


def rewrite(stage: str, name: str, **scores: object) -> None:
    """Change scores in a metrics file."""
    Path("metrics", stage, f"{name}.json").write_text(json.dumps({**metrics(stage, name), **scores}))


def test_every_network_has_a_row_and_no_other_has(results):
    assert table().index.tolist() == CLASSIFIERS + AUTOENCODERS


@pytest.mark.parametrize("name", CLASSIFIERS + AUTOENCODERS)
def test_a_row_holds_the_values_of_the_metrics_files_and_nothing_else(results, name):
    row = table().loc[name].dropna().to_dict()
    assert row == {column: value for column, value in expected(name).items() if value is not None}


def test_every_clustering_of_whatever_is_clustered_has_a_row_with_its_metrics(results):
    found = pd.read_csv("data/summary/clustering.csv")
    keys = ["dataset", "representation", "kind", "learned", "clustering", "scored"]
    wanted = [
        [dataset, name, kind, learned, form, "held_out"]
        for name, (dataset, kind, learned) in CLUSTERED.items()
        for form in FORMS
    ]
    assert found[keys].values.tolist() == wanted
    for row in found.to_dict("records"):
        kept = metrics("cluster", row["representation"])[row["clustering"]]
        kept |= {f"{score}_over": "seeds of the clusterer" for score in ("accuracy", "nmi", "ari")}
        assert {key: value for key, value in row.items() if key not in keys} == kept


def test_a_deviation_over_seeds_of_a_network_is_shown_where_it_is_larger(workspace):
    name, form = AUTOENCODERS[0], FORMS[0]
    measured = conditions(whole(), name, form)
    FILE.parent.mkdir(parents=True)
    FILE.write_text(
        "representation,clustering,measured,runs,of,conditions,accuracy,nmi,ari\n"
        f"{name},{form},seeds,10,{name},{measured},0.75,0,0\n"
        f"{name},{FORMS[1]},seeds,10,{name},another,0.75,0,0\n"
    )
    summarize.main()
    rows = {(row["representation"], row["clustering"]): row for row in markdown()["Clustering of photos"]}
    assert rows[name, form]["accuracy"].endswith(" ± 0.750 *")
    assert sum("*" in cell for row in rows.values() for cell in row.values()) == 1
    found = pd.read_csv("data/summary/clustering.csv").set_index(["representation", "clustering"]).loc[(name, form)]
    assert found["accuracy_over"] == f"10 seeds of {name}"


def test_every_search_has_a_row_a_metric_and_depth_with_its_precision(results):
    found = pd.read_csv("data/summary/search.csv")
    assert list(found) == ["dataset", "representation", "kind", "learned", "metric", "k", "precision"]
    wanted = [
        [dataset, name, kind, learned, metric, k, metrics("search", name)[f"{metric}_precision_at_{k}"]]
        for name, (dataset, kind, learned) in SEARCHED.items()
        for metric in ("cosine", "euclidean")
        for k in (1, 5, 10)
    ]
    assert found.values.tolist() == wanted


def test_the_markdown_has_the_tables_of_codes(results):
    tables = markdown()
    for dataset in PARAMETERS["datasets"]:
        codes = [name for name, about in CLUSTERED.items() if about[0] == dataset]
        rows = tables[f"Clustering of {dataset}"]
        assert [(row["representation"], row["clustering"]) for row in rows] == list(product(codes, FORMS))
        for row in rows:
            kept = metrics("cluster", row["representation"])[row["clustering"]]
            for column, score in (("accuracy", "accuracy"), ("NMI", "nmi"), ("ARI", "ari")):
                assert row[column] == f"{kept[score]:.3f} ± {kept[f'{score}_std']:.3f}"
        rows = tables[f"Search of {dataset}"]
        assert [row["representation"] for row in rows] == [name for name in codes if name in SEARCHED]
        for row in rows:
            kept = metrics("search", row["representation"])
            assert row["kind"] == SEARCHED[row["representation"]][1]
            for metric, k in product(("cosine", "euclidean"), (1, 5, 10)):
                cell, value = row[f"{metric}, k={k}"], kept[f"{metric}_precision_at_{k}"]
                assert float(cell) == pytest.approx(value, abs=5.1e-5)


def test_the_markdown_has_the_tables_of_networks(results):
    tables = markdown()
    for title, names in (("Autoencoders", AUTOENCODERS), ("Classifiers", CLASSIFIERS)):
        assert [row["network"] for row in tables[title]] == names
        for row in tables[title]:
            # What all networks have in common stands above the table.
            values = {column: value for column, value in expected(row.pop("network")).items() if value is not None}
            assert row.keys() == values.keys() - {"recipe"}
            for column, cell in row.items():
                if isinstance(values[column], str):
                    assert cell == values[column]
                else:
                    assert math.isclose(float(cell.replace(",", "")), values[column], rel_tol=1e-3, abs_tol=5.1e-5)
    assert "\nRecipe: fast." in Path("data/summary/summary.md").read_text(encoding="utf-8")


def test_a_column_in_which_one_network_has_no_figure_has_an_empty_cell(workspace, capsys):
    rewrite("evaluate", "photos-classifier", epoch_of_95_percent=37)
    summarize.main()
    assert [row["epoch of 95 %"] for row in markdown()["Classifiers"]] == ["37", ""]
    assert capsys.readouterr().out == Path("data/summary/summary.md").read_text(encoding="utf-8")


def test_samples_denoising_and_sequence_have_a_row_a_method(workspace):
    generated = {"test_recognised": 0.97, "prior_recognised": 0.75, "prior_evenness": 0.5, "density_recognised": 0.6}
    restored = {"noise": 0.5, "noisy_psnr": 25.0, "network_psnr": 20.0, "median_psnr": 21.5, "nlm_psnr": 19.0}
    predicted = {"network_psnr": 14.25, "last_row_psnr": 12.0, "mean_image_psnr": 13.0, "nearest_image_psnr": 9.0}
    rewrite("generate", "digits-variational", **generated)
    rewrite("denoise", "digits-denoising", **restored)
    path = Path("metrics/sequence/digits-rows.json")
    path.write_text(json.dumps({**json.loads(path.read_text()), **predicted}))
    summarize.main()
    tables = markdown()
    rows = {row["method"]: row for row in tables["Denoising"] if row["network"] == "digits-denoising"}
    shown = {method: float(row["PSNR"]) for method, row in rows.items()}
    assert shown == {"noisy": 25.0, "network": 20.0, "median filter": 21.5, "non-local means": 19.0}
    rows = {row["method"]: row for row in tables["Generated samples"] if row["network"] == "digits-variational"}
    assert float(rows["samples of the prior"]["confident share"]) == 0.75
    assert len(tables["Prediction of the lower rows of images"]) == 4
    found = findings()
    names = ("verdict", "value", "measure", "winner")
    assert [found["Denoising", "digits"][name] for name in names] == [
        "baseline",
        "-1.50",
        "dB PSNR over the best filter",
        "median filter",
    ]
    dataset = PARAMETERS["sequence"]["digits-rows"]["dataset"]
    assert found["Prediction of lower rows", dataset]["winner"] == "digits-rows"
    assert found["Samples", "digits"]["winner"] == "digits-variational, samples of the prior"


@pytest.mark.slow
def test_nothing_is_shown_of_what_the_parameters_no_longer_name(workspace):
    values = load(Path("params.yaml"))
    values["generate"]["networks"], values["denoise"]["networks"] = {}, {}
    gone = values["autoencoders"].pop("digits-variational") and "digits-variational"
    values["export"]["networks"] = {}
    write_parameters(workspace, values)
    summarize.main()
    assert not {"Generated samples", "Denoising"} & markdown().keys()
    assert not {"Samples", "Denoising"} & {purpose for purpose, _ in findings()}
    for path in Path("data/summary").iterdir():
        assert gone not in path.read_text(encoding="utf-8"), path
    for name in ("samples", "denoising"):
        assert len(pd.read_csv(f"data/summary/{name}.csv")) == 0


def test_the_findings_name_the_best_of_each_data_set(results):
    found, clusterings = findings(), pd.read_csv("data/summary/clustering.csv")
    for dataset, rows in clusterings.groupby("dataset"):
        best, finding = rows.loc[rows["accuracy"].idxmax()], found["Clustering", dataset]
        assert finding["value"] == f"{best['accuracy']:.3f} ± {best['accuracy_std']:.3f}"
        assert finding["winner"] == f"{best['representation']}, {best['clustering']}"
    for dataset, rows in table().reset_index().groupby("dataset"):
        assert found["Reconstruction", dataset]["winner"] == rows.loc[rows["test PSNR"].idxmax(), "network"]


@pytest.mark.parametrize("kind", ["baseline", "autoencoder"])
def test_a_finding_says_plainly_who_wins(workspace, kind):
    for name in (name for name, about in CLUSTERED.items() if about[1] == kind):
        forms = {form: {**metrics("cluster", name)[form], "accuracy": 2.0} for form in FORMS}
        rewrite("cluster", name, **forms)
    summarize.main()
    for dataset in PARAMETERS["datasets"]:
        assert findings()["Clustering", dataset]["verdict"] == {"autoencoder": "learned"}.get(kind, kind)


@pytest.mark.parametrize("learned", [False, True])
def test_an_embedding_has_learned_what_the_code_has_that_it_is_of(workspace, learned):
    name = next(name for name in PARAMETERS["embeddings"] if LEARNED[name] == learned)
    rewrite("cluster", name, **{form: {**metrics("cluster", name)[form], "accuracy": 2.0} for form in FORMS})
    summarize.main()
    finding = findings()["Clustering", PARAMETERS["embeddings"][name]["dataset"]]
    assert finding["winner"].startswith(f"{name}, ")
    assert finding["verdict"] == ("learned" if learned else "baseline")


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
    for dataset, compared in zip(PARAMETERS["datasets"], clusterings, strict=True):
        assert compared.index.tolist() == [name for name, about in CLUSTERED.items() if about[0] == dataset]
        for name, scores in compared.to_dict("index").items():
            assert scores == {form: metrics("cluster", name)[form]["ari"] for form in FORMS}
    assert drawn("plots/summarize") == {
        "losses.png",
        "accuracies.png",
        "psnr.png",
        "clustering-digits.png",
        "clustering-photos.png",
    }


@pytest.mark.slow
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
        "metrics/generate/digits-variational.json",
        "metrics/denoise/digits-denoising.json",
        "metrics/sequence/digits-rows.json",
        "models/digits-strided/history.csv",
    ],
)
def test_a_missing_file_is_named_and_what_there_was_stays(workspace, missing):
    before = table()
    Path(missing).unlink()
    with pytest.raises(InputError, match=f"^{missing} is missing"):
        summarize.main()
    assert table().equals(before)


def without_labels(dataset: str) -> None:
    """Change the metrics of a data set's codes to those that there are without labels."""
    for name, (of, _, _) in CLUSTERED.items():
        if of == dataset:
            scores = {"silhouette": 0.25, "silhouette_std": 0.0, "inertia": 9.0, "inertia_std": 0.5, "stability": 0.75}
            kept = metrics("cluster", name)
            kept |= {form: {"width": kept[form]["width"], **scores} for form in FORMS}
            Path("metrics/cluster", f"{name}.json").write_text(json.dumps(kept))
        if of == dataset and name in SEARCHED:
            distances = {"cosine_nearest_distance": 0.5, "euclidean_nearest_distance": 2.0}
            Path("metrics/search", f"{name}.json").write_text(
                json.dumps({"source": "mine", "queries": 15, **distances})
            )


def test_data_sets_with_and_without_labels_have_tables_of_their_own_without_empty_cells(workspace, drawings, drawn):
    without_labels("photos")
    summarize.main()
    for table, datasets in (("clustering", {"digits"}), ("clustering_unlabelled", {"photos"})):
        found = pd.read_csv(f"data/summary/{table}.csv")
        assert set(found["dataset"]) == datasets and not found.isna().to_numpy().any()
        assert ("accuracy" in found) == (datasets == {"digits"}) and "stability" in found
    for table, datasets in (("search", {"digits"}), ("search_unlabelled", {"photos"})):
        found = pd.read_csv(f"data/summary/{table}.csv")
        assert set(found["dataset"]) == datasets and not found.isna().to_numpy().any()
        assert ("precision" in found) == (datasets == {"digits"})
    tables = markdown()
    for title in ("Clustering", "Search"):
        for dataset in ("photos", "digits"):
            rows = tables[f"{title} of {dataset}"]
            assert rows and all(all(row.values()) for row in rows)
    assert {"silhouette", "inertia"} <= tables["Clustering of photos"][0].keys()
    assert not {"accuracy", "NMI", "ARI"} & tables["Clustering of photos"][0].keys()
    assert {("Clustering", "photos"), ("Search", "photos")} & findings().keys() == set()
    assert {("Clustering", "digits"), ("Search", "digits"), ("Reconstruction", "photos")} <= findings().keys()
    labels = [call["xlabel"].split(":")[0] for call in drawings["bars"]]
    assert labels == ["dB", "adjusted Rand index", "stability"]
    assert {"clustering-digits.png", "clustering-photos.png"} <= drawn("plots/summarize")


def test_where_one_seed_was_taken_there_is_no_figure_of_stability(workspace):
    without_labels("photos")
    for name in CLUSTERED:
        kept = metrics("cluster", name)
        for form in FORMS:
            del kept[form]["stability"]
        Path("metrics/cluster", f"{name}.json").write_text(json.dumps(kept))
    summarize.main()
    assert "clustering-photos.png" not in {path.name for path in Path("plots/summarize").iterdir()}
    assert "stability" not in markdown()["Clustering of photos"][0]


def test_networks_that_no_classifier_judges_have_a_table_of_their_own(workspace):
    values = load(Path("params.yaml"))
    del values["generate"]["networks"]["digits-simple"]
    values["generate"]["unjudged"] = {"digits-simple": {"dataset": "digits"}}
    write_parameters(workspace, values)
    kept = {key: value for key, value in metrics("generate", "digits-simple").items() if "_distance" in key}
    Path("metrics/generate/digits-simple.json").write_text(json.dumps({"source": "bundled", **kept}))
    rewrite("generate", "digits-variational", prior_recognised=0.75, prior_evenness=0.5)
    summarize.main()
    (title,) = (title for title in markdown() if title.endswith("without a classifier"))
    assert {row["network"] for row in markdown()[title]} == {"digits-simple"}
    for name in ("samples", "samples_unjudged"):
        assert (
            not pd.read_csv(f"data/summary/{name}.csv")
            .drop(columns="class entropy", errors="ignore")
            .isna()
            .any()
            .any()
        )
    assert findings()["Samples", "digits"]["winner"].startswith("digits-variational")


@pytest.mark.slow
def test_without_classifiers_there_are_no_accuracies(workspace):
    values = load(Path("params.yaml"))
    values["classifiers"], values["generate"]["networks"] = {}, {}
    write_parameters(workspace, values)
    summarize.main()
    assert len(pd.read_csv("data/summary/accuracies.csv")) == 0
    assert not [column for column in table() if "accuracy" in column or "95" in column]
    assert not table().isna().to_numpy().any()
    assert "Classifiers" not in markdown() and "accuracies.png" not in {
        path.name for path in Path("plots/summarize").iterdir()
    }
    assert "Classification" not in {purpose for purpose, _ in findings()}
