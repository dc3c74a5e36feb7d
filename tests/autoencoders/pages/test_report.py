import base64
import io
import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from example_report import MEASURED, png, report
from PIL import Image

from autoencoders.pages.report import page
from autoencoders.pages.report.page import Finding, Picture, Table


def test_a_picture_is_shown_pixel_by_pixel():
    picture = Picture(png(30, 20), "", "")
    assert picture.size == (30, 20)
    shown = base64.b64decode(picture.address.removeprefix("data:image/webp;base64,"))
    pixels = [np.asarray(Image.open(io.BytesIO(content)).convert("RGB")) for content in (picture.content, shown)]
    assert np.array_equal(*pixels)


def texts(table: Table) -> list[list[str]]:
    return [[cell["text"] for cell in row] for row in table.rows]


def test_a_column_of_numbers_has_one_form_and_a_deviation_stands_beside_its_mean():
    table = Table("", MEASURED, spreads={"PSNR": "spread"})
    assert table.columns == ["network", "dataset", "parameters", "PSNR"]
    assert [row[2:] for row in texts(table)] == [
        ["9,000", "9.500 ± 0.500"],
        ["10", "21.250 ± 0.250"],
        ["200", ""],
        ["1,000,000", "30.000 ± 1.000"],
    ]
    assert [row[3]["sort"] for row in table.rows] == ["9.5", "21.25", None, "30.0"]
    assert [row[0]["sort"] for row in table.rows] == [None] * 4


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
    assert [number for number, row in enumerate(rows) if row[3]["best"]] == best


def contested(*rows: tuple) -> list[Finding]:
    columns = ["dataset", "representation", "kind", "form", "score", "score_std"]
    return page.contests(pd.DataFrame(rows, columns=columns), "Clustering", "score", "accuracy", "form")


def test_a_code_that_beats_every_baseline_wins():
    (found,) = contested(
        ("photos", "pixels", "baseline", "kmeans", 0.2, 0.01),
        ("photos", "net", "autoencoder", "kmeans", 0.3, 0.01),
        ("photos", "net", "autoencoder", "mixture", 0.4, 0.02),
    )
    assert found[:5] == ("Clustering: photos", "0.400 ± 0.020", "accuracy", "net, mixture", "learned")
    assert found.text == "Below it by 0.200: the best baseline, pixels, kmeans (0.200)."


def test_a_baseline_that_wins_is_said_to():
    found = contested(
        ("photos", "pixels", "baseline", "kmeans", 0.5, 0.01),
        ("photos", "net", "autoencoder", "kmeans", 0.3, 0.01),
        ("digits", "net", "autoencoder", "kmeans", 0.3, 0.01),
    )
    assert [finding.verdict for finding in found] == ["baseline", "alone"]
    assert found[0].winner == "pixels, kmeans"
    assert found[0].text == "Below it by 0.200: the best autoencoder, net, kmeans (0.300)."


@pytest.mark.parametrize(("code", "other"), [(0.52, "baseline, pixels"), (0.48, "autoencoder, net")])
def test_a_lead_within_the_deviations_is_none(code, other):
    (found,) = contested(
        ("photos", "pixels", "baseline", "kmeans", 0.5, 0.01), ("photos", "net", "autoencoder", "kmeans", code, 0.02)
    )
    assert found.verdict == "close" and found.text.startswith(f"Beside it stands the best {other}")


def test_where_a_embedding_wins_the_best_code_is_named_too():
    (found,) = contested(
        ("photos", "pixels", "baseline", "kmeans", 0.5, 0.0),
        ("photos", "umap", "embedding", "kmeans", 0.9, 0.0),
        ("photos", "net", "autoencoder", "kmeans", 0.7, 0.0),
    )
    assert found.winner == "umap, kmeans"
    assert found.text.endswith(" Of the codes: the best autoencoder, net, kmeans (0.700).")


def test_leaders_are_those_of_each_data_set():
    found = page.leaders(MEASURED, "Reconstruction", "PSNR", "dB")
    assert [(finding.purpose, finding.value, finding.winner) for finding in found] == [
        ("Reconstruction: photos", "21.25", "narrow"),
        ("Reconstruction: digits", "30.00", "<b>odd</b>"),
    ]
    assert page.leaders(MEASURED, "Reconstruction", "SSIM", "") == []


@pytest.mark.parametrize(
    ("own", "value", "winner", "verdict"),
    [(22.0, "+1.50", "net", "learned"), (20.0, "-0.50", "median filter", "baseline")],
)
def test_a_gain_is_over_the_best_of_the_rivals(own, value, winner, verdict):
    row = {"dataset": "photos", "network": "net", "own": own, "median": 20.5, "mean": 18.0, "none": None}
    rivals = {"median": "median filter", "mean": "mean filter", "none": "nothing"}
    (found,) = page.gains(pd.DataFrame([row]), "Denoising", "own", rivals, "dB")
    assert (found.value, found.winner, found.verdict) == (value, winner, verdict)
    assert page.gains(pd.DataFrame([row]), "Denoising", "other", rivals, "dB") == []


def test_published_figures_all_have_a_source_and_a_figure():
    assert page.PUBLISHED[["method", "data", "source"]].map(len).to_numpy().all()
    assert page.PUBLISHED[["accuracy", "NMI", "ARI"]].notna().any(axis=1).all()


class Outline(HTMLParser):
    """The elements that have a text alternative, a scope or a place in the order of headings."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.headings, self.images, self.heads, self.ids, self.targets = [], [], [], [], []
        self.feed(source)

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.ids += [given["id"]] if "id" in given else []
        self.targets += [given["href"][1:]] if given.get("href", "").startswith("#") else []
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        elif tag == "img":
            self.images.append(given)
        elif tag == "th":
            self.heads.append(given.get("scope"))


def test_the_page_is_accessible_by_its_structure():
    found = Outline(page.page(report()))
    assert found.headings[0] == 1 and found.headings.count(1) == 1
    assert all(after <= before + 1 for before, after in zip(found.headings, found.headings[1:], strict=False))
    assert all(image["alt"] for image in found.images) and len(found.images) == 6
    assert [(image["width"], image["height"]) for image in found.images[:2]] == [("8", "4"), ("1500", "300")]
    assert set(found.heads) == {"col", "row"}
    assert len(set(found.ids)) == len(found.ids) and set(found.targets) <= set(found.ids)


def test_the_page_brings_along_all_that_it_needs_and_is_the_same_each_time():
    source = page.page(report())
    assert source == page.page(report())
    assert set(re.findall(r"\b(?:src|href)=[\"']?(\w*:)", source)) == {"data:"}
    assert not re.search(r"https?:|url\(|@import", source)
    assert "&lt;b&gt;odd&lt;/b&gt;" in source and "<b>odd</b>" not in source


@pytest.mark.parametrize("others", [[], ["photos"], ["photos", "digits"]])
def test_published_figures_come_with_a_warning_where_the_data_are_others(others):
    source = page.page(report(unofficial=others))
    assert ("hold for the official data sets" in source) == bool(others)
    assert " and ".join(others) in source


def test_parts_without_content_leave_no_heading_behind():
    source = page.page(report(findings=[], representations=[], stages=[]))
    for heading in ("Best for each purpose", "Other representations", "More figures"):
        assert heading not in source
    found = Outline(source)
    assert set(found.targets) <= set(found.ids)
