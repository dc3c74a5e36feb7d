import pandas as pd
import pytest
from example_report import MEASURED

from autoencoders.pages.summary import tables
from autoencoders.pages.summary.findings import Finding, contests, findings, gains, headlines, leaders
from autoencoders.pages.summary.spreads import CLUSTERER
from autoencoders.pages.summary.table import Table


def texts(table: Table) -> list[list[str]]:
    return [[cell.text for cell in row] for row in table.rows]


def test_a_column_of_numbers_has_one_form_and_a_deviation_stands_beside_its_mean():
    table = Table("", MEASURED, spreads={"PSNR": "spread"})
    assert table.columns == ["network", "dataset", "parameters", "PSNR"]
    assert [row[2:] for row in texts(table)] == [
        ["9,000", "9.500 ± 0.500"],
        ["10", "21.250 ± 0.250"],
        ["200", ""],
        ["1,000,000", "30.000 ± 1.000"],
    ]
    assert [row[3].sort for row in table.rows] == ["9.5", "21.25", None, "30.0"]
    assert [row[0].sort for row in table.rows] == [None] * 4


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0.5, 0.25], ["0.50", "0.25"]),
        ([0.123456, 1.0], ["0.1235", "1.0000"]),
        ([12.3456, 1.0], ["12.35", "1.00"]),
        ([3.0, None], ["3", ""]),
        ([True, False], ["yes", "no"]),
        (pd.Series([1e-06, 1000, "fast", None, True], dtype=object), ["1e-06", "1000", "fast", "", "yes"]),
    ],
)
def test_values_are_written_as_people_write_them(values, expected):
    assert [row[0] for row in texts(Table("", pd.DataFrame({"value": values})))] == expected


@pytest.mark.parametrize(
    ("way", "within", "best"),
    [("max", None, [3]), ("min", None, [0]), ("max", "dataset", [1, 3]), ("min", "dataset", [0, 3])],
)
def test_the_best_value_is_marked_in_the_table_or_in_each_group(way, within, best):
    rows = Table("", MEASURED, best={"PSNR": way}, within=within).rows
    assert [number for number, row in enumerate(rows) if row[3].best] == best


def test_a_table_in_markdown_has_its_title_note_and_best_values():
    table = Table("Networks", MEASURED, "A note.", spreads={"PSNR": "spread"}, best={"PSNR": "max"})
    assert table.markdown.splitlines() == [
        "## Networks",
        "",
        "A note.",
        "",
        "| network | dataset | parameters | PSNR |",
        "| --- | --- | --- | --- |",
        "| wide | photos | 9,000 | 9.500 ± 0.500 |",
        "| narrow | photos | 10 | 21.250 ± 0.250 |",
        "| deep | digits | 200 |  |",
        "| <b>odd</b> | digits | 1,000,000 | **30.000 ± 1.000** |",
    ]


def test_metrics_become_a_row_a_method():
    about = {"dataset": "photos", "network": "net"}
    metrics = {"source": "bundled", "noise": 0.5, "noisy_psnr": 9.0, "network_psnr": 20.0, "network_ssim": 0.5}
    table = tables.methods([(about, metrics | {"nlm_psnr": 21.0, "mean_image_mean_squared_error": 0.1})], about)
    assert table.fillna(-1).to_dict("records") == [
        {**about, "method": "noisy", "role": "input", "PSNR": 9.0, "SSIM": -1, "MSE": -1},
        {**about, "method": "network", "role": "network", "PSNR": 20.0, "SSIM": 0.5, "MSE": -1},
        {**about, "method": "non-local means", "role": "baseline", "PSNR": 21.0, "SSIM": -1, "MSE": -1},
        {**about, "method": "mean image", "role": "baseline", "PSNR": -1, "SSIM": -1, "MSE": 0.1},
    ]
    assert list(tables.methods([], about)) == ["dataset", "network", "method", "role"]


def contested(*rows: tuple) -> list[Finding]:
    """Compare rows of data set, representation, kind, form, score and deviation; all but baselines have learned."""
    columns = ["dataset", "representation", "kind", "form", "score", "score_std"]
    table = pd.DataFrame(rows, columns=columns)
    learned = (table["kind"] != "baseline") & (table["representation"] != "umap-of-pixels")
    return contests(table.assign(learned=learned), "Clustering", "score", "accuracy", "form")


def test_a_code_that_beats_every_baseline_wins():
    (found,) = contested(
        ("photos", "pixels", "baseline", "kmeans", 0.2, 0.01),
        ("photos", "net", "autoencoder", "kmeans", 0.3, 0.01),
        ("photos", "net", "autoencoder", "mixture", 0.4, 0.02),
    )
    assert found[:6] == ("Clustering", "photos", "0.400 ± 0.020", "accuracy", "net, mixture", "learned")
    assert found.text == "The best baseline, pixels, kmeans, reaches 0.200: 0.200 less."


def test_a_baseline_that_wins_is_said_to():
    found = contested(
        ("photos", "pixels", "baseline", "kmeans", 0.5, 0.01),
        ("photos", "net", "autoencoder", "kmeans", 0.3, 0.01),
        ("digits", "net", "autoencoder", "kmeans", 0.3, 0.01),
    )
    assert [finding.verdict for finding in found] == ["baseline", "alone"]
    assert found[0].winner == "pixels, kmeans"
    assert found[0].text == "The best autoencoder, net, kmeans, reaches 0.300: 0.200 less."


@pytest.mark.parametrize(("code", "other"), [(0.52, "baseline, pixels"), (0.48, "autoencoder, net")])
def test_a_lead_within_the_deviations_is_none(code, other):
    (found,) = contested(
        ("photos", "pixels", "baseline", "kmeans", 0.5, 0.01), ("photos", "net", "autoencoder", "kmeans", code, 0.02)
    )
    assert found.verdict == "close"
    assert found.text.startswith(f"The best {other}, kmeans, reaches")
    assert found.text.endswith("the difference lies within the standard deviations.")


def test_where_an_embedding_wins_the_best_code_is_named_too():
    (found,) = contested(
        ("photos", "pixels", "baseline", "kmeans", 0.5, 0.0),
        ("photos", "umap", "embedding", "kmeans", 0.9, 0.0),
        ("photos", "net", "autoencoder", "kmeans", 0.7, 0.0),
    )
    assert found.winner == "umap, kmeans"
    assert found.text.endswith(" The best autoencoder, net, kmeans, reaches 0.700.")


def test_an_embedding_of_pixels_is_a_baseline():
    (found,) = contested(
        ("photos", "umap-of-pixels", "embedding", "kmeans", 0.9, 0.0),
        ("photos", "net", "autoencoder", "kmeans", 0.7, 0.0),
    )
    assert (found.winner, found.verdict) == ("umap-of-pixels, kmeans", "baseline")


def test_without_deviations_a_score_stands_alone():
    rows = pd.DataFrame({"dataset": ["photos"], "representation": ["net"], "learned": [True], "p": [0.5], "by": ["l2"]})
    (found,) = contests(rows, "Search", "p", "precision at 5", "by")
    assert (found.value, found.verdict) == ("0.500", "alone")


def test_leaders_are_those_of_each_data_set():
    found = leaders(MEASURED, "Reconstruction", "PSNR", "dB")
    assert [(finding.dataset, finding.value, finding.winner) for finding in found] == [
        ("photos", "21.25", "narrow"),
        ("digits", "30.00", "<b>odd</b>"),
    ]
    assert found[0].text == "The best of 2; no baseline was measured."
    assert leaders(MEASURED, "Reconstruction", "SSIM", "") == []


@pytest.mark.parametrize(
    ("own", "value", "winner", "verdict"),
    [(22.0, "+1.50", "net", "learned"), (20.0, "-0.50", "median filter", "baseline")],
)
def test_a_gain_is_over_the_best_of_the_rivals(own, value, winner, verdict):
    rows = pd.DataFrame(
        [("noisy", "input", 30.0), ("network", "network", own), ("median filter", "baseline", 20.5)]
        + [("mean filter", "baseline", 18.0), ("nothing", "baseline", None)],
        columns=["method", "role", "PSNR"],
    ).assign(dataset="photos", network="net")
    (found,) = gains(rows, "Denoising", "dB")
    assert (found.value, found.winner, found.verdict) == (value, winner, verdict)
    assert found.text == f"net reaches {own:.2f} dB, the best baseline, median filter, 20.50 dB."


def summary(**changes) -> tables.Summary:
    """Return the results of one network on one data set, beside pixels, without samples and denoising."""
    both = {"dataset": "photos", "representation": ["net", "pixels"], "kind": ["autoencoder", "baseline"]}
    both = pd.DataFrame({**both, "learned": [True, False]})
    nothing = tables.methods([], ("dataset", "network"))
    values = {
        "networks": pd.DataFrame(
            {
                "network": ["sorter", "net"],
                "dataset": "photos",
                "source": "bundled",
                "test accuracy": [0.5, None],
                "test PSNR": [None, 21.25],
                "code size": [None, 1000],
            }
        ),
        "clustering": both.assign(
            clustering="kmeans",
            scored="held_out",
            width=7,
            accuracy=[0.5, 0.25],
            accuracy_std=0.01,
            accuracy_over=CLUSTERER,
        ),
        "search": pd.concat(both.assign(metric="cosine", k=k, precision=[1 / k, 0.5 / k]) for k in (1, 5)),
        "samples": nothing,
        "denoising": nothing,
        "sequence": nothing,
        "clustering_unlabelled": pd.DataFrame(columns=tables.CLUSTERING),
        "search_unlabelled": pd.DataFrame(columns=tables.SEARCH_UNLABELLED),
        "samples_unjudged": nothing,
    }
    return tables.Summary(**{**values, **changes})


def test_the_tables_of_all_results():
    shown = {table.title: table for table in tables.presented(summary())}
    assert list(shown) == ["Autoencoders", "Classifiers", "Clustering of photos", "Search of photos"]
    assert texts(shown["Autoencoders"]) == [["net", "photos", "21.25", "1,000"]]
    assert shown["Autoencoders"].note == "Source: bundled. The best of each data set in bold."
    assert texts(shown["Clustering of photos"]) == [
        ["net", "kmeans", "autoencoder", "0.500 ± 0.010", "7"],
        ["pixels", "kmeans", "baseline", "0.250 ± 0.010", "7"],
    ]
    assert shown["Clustering of photos"].note.startswith("Scored: held-out. ")
    assert shown["Search of photos"].columns[2:] == ["cosine, k=1", "cosine, k=5"]
    assert texts(shown["Search of photos"])[0] == ["net", "autoencoder", "1.0", "0.2"]


def test_the_findings_of_all_results():
    found = {finding.purpose: finding for finding in findings(summary())}
    assert list(found) == ["Reconstruction", "Clustering", "Search", "Classification"]
    assert (found["Search"].measure, found["Search"].value) == ("precision at 5", "0.200")


def test_samples_of_which_none_is_recognised_are_no_finding():
    about = {"dataset": "digits", "network": "net"}
    metrics = {"test_recognised": 0.97, "prior_recognised": 0.75, "prior_evenness": 0.5, "density_recognised": 0.9}
    samples = tables.methods([(about, {**metrics, "density_evenness": None})], about)
    (found,) = [finding for finding in findings(summary(samples=samples)) if finding.purpose == "Samples"]
    assert (found.value, found.winner) == ("0.750", "net, samples of the prior")
    assert found.text.endswith("Class entropy: 0.50 of 1. The classifier is confident of 0.970 of real test images.")


def test_a_headline_has_the_best_that_is_known():
    assert headlines(summary()) == {
        "sorter": "test accuracy 0.500",
        "net": "21.2 dB PSNR · code of 1,000 · clustering accuracy up to 0.500",
        "pixels": "clustering accuracy up to 0.250",
    }


def unlabelled() -> tables.Summary:
    """Return the results of one network on one data set without labels, beside pixels."""
    labelled, codes = summary(), list(tables.CODES)
    scores = {"silhouette": [0.5, 0.25], "silhouette_std": 0.01, "inertia": [2.0, 1000.0], "inertia_std": 0.0}
    clustered = labelled.clustering[[*codes, "clustering", "scored", "width"]].assign(**scores, stability=[0.75, 0.5])
    searched = labelled.search[labelled.search["k"] == 1][[*codes, "metric"]].assign(queries=9, distance=[0.5, 0.25])
    return labelled._replace(
        networks=labelled.networks[labelled.networks["network"] == "net"].drop(columns="test accuracy"),
        clustering=pd.DataFrame(columns=tables.CLUSTERING),
        search=pd.DataFrame(columns=tables.SEARCH),
        clustering_unlabelled=clustered,
        search_unlabelled=searched,
        samples_unjudged=tables.methods(
            [({"dataset": "photos", "network": "net"}, {"test_distance": 0.25, "density_distance": 0.5})], ()
        ),
    )


def test_without_labels_the_tables_have_neither_classes_nor_empty_cells():
    shown = {table.title: table for table in tables.presented(unlabelled())}
    assert list(shown) == [
        "Autoencoders",
        "Clustering of photos",
        "Search of photos",
        "Generated samples without a classifier",
    ]
    assert shown["Clustering of photos"].columns == [
        *("representation", "clustering", "kind", "silhouette", "inertia", "stability", "width")
    ]
    assert texts(shown["Clustering of photos"]) == [
        ["net", "kmeans", "autoencoder", "0.500 ± 0.010", "2.000 ± 0.000", "0.75", "7"],
        ["pixels", "kmeans", "baseline", "0.250 ± 0.010", "1,000.000 ± 0.000", "0.50", "7"],
    ]
    assert texts(shown["Search of photos"])[0] == ["net", "autoencoder", "cosine", "0.50"]
    assert shown["Search of photos"].note.startswith("Queries: 9. ")
    for table in shown.values():
        assert not [cell for row in table.rows for cell in row if not cell.text]
        assert "accuracy" not in " ".join([table.note, *table.columns])
    # No space of codes is another's, so that none of their distances is the best.
    assert not [cell for title in list(shown)[1:] for row in shown[title].rows for cell in row if cell.best]


def test_without_labels_there_is_no_contest_but_a_headline():
    assert [finding.purpose for finding in findings(unlabelled())] == ["Reconstruction"]
    assert headlines(unlabelled()) == {
        "net": "21.2 dB PSNR · code of 1,000 · clustering stability up to 0.750",
        "pixels": "clustering stability up to 0.500",
    }


def test_without_any_code_that_is_clustered_or_searched_there_are_no_findings_of_them():
    nothing = {"clustering": pd.DataFrame(columns=tables.CLUSTERING), "search": pd.DataFrame(columns=tables.SEARCH)}
    assert {finding.purpose for finding in findings(summary(**nothing))} == {"Reconstruction", "Classification"}
