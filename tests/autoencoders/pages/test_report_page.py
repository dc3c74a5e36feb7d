import base64
import re
import sys
from html.parser import HTMLParser

import pandas as pd
import pytest
from example_report import png, report

from autoencoders.pages.report import page, settings
from autoencoders.pages.report.page import Picture


def test_a_picture_is_shown_as_it_is():
    picture = Picture(png(30, 20), "", "")
    assert picture.size == (30, 20)
    assert base64.b64decode(picture.address.removeprefix("data:image/png;base64,")) == picture.content


def test_published_figures_all_have_a_source_and_a_figure():
    published = pd.read_csv(page.PUBLISHED)
    assert list(published) == ["method", "data", "accuracy", "NMI", "ARI", "source"]
    assert published[["method", "data", "source"]].notna().to_numpy().all()
    assert published[["accuracy", "NMI", "ARI"]].notna().any(axis=1).all()


def test_parameters_are_listed_by_dotted_keys_or_side_by_side():
    nested = {"a": 1, "b": {"c": [1, 2], "d": {"e": None, "f": {}}}, "g": True}
    rows = settings.listed(nested)
    assert dict(zip(rows["parameter"], rows["value"], strict=True)) == {
        "a": 1,
        "b.c": "1, 2",
        "b.d.e": "null",
        "b.d.f": "none",
        "g": True,
    }
    table = settings.beside({"first": {"a": 1}, "second": {"b": {"c": 0.5}}})
    assert list(table) == ["name", "a", "b.c"]
    assert table["b.c"].dropna().tolist() == [0.5]


def test_versions_are_of_what_is_installed():
    rows = settings.versions(["pandas", "no-such-package"])
    assert rows["package"].tolist() == ["Python", "pandas"]
    assert rows["version"].tolist() == [f"{sys.version_info[0]}.{sys.version_info[1]}", pd.__version__]


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
    found = Outline(page.render(report()))
    assert found.headings[0] == 1 and found.headings.count(1) == 1
    assert all(after <= before + 1 for before, after in zip(found.headings, found.headings[1:], strict=False))
    assert all(image["alt"] for image in found.images) and len(found.images) == 6
    assert [(image["width"], image["height"]) for image in found.images[:2]] == [("8", "4"), ("1500", "300")]
    assert set(found.heads) == {"col", "row"}
    assert len(set(found.ids)) == len(found.ids) and set(found.targets) <= set(found.ids)


def test_the_page_brings_along_all_that_it_needs_and_is_the_same_each_time():
    source = page.render(report())
    assert source == page.render(report())
    assert set(re.findall(r"\b(?:src|href)=[\"']?(\w*:)", source)) == {"data:"}
    assert not re.search(r"https?:|url\(|@import", source)
    assert "&lt;b&gt;odd&lt;/b&gt;" in source and "<b>odd</b>" not in source


@pytest.mark.parametrize("others", [[], ["photos"], ["photos", "digits"]])
def test_published_figures_come_with_a_warning_where_the_data_are_others(others):
    source = page.render(report(unofficial=others))
    assert ("hold for the official data sets" in source) == bool(others)
    assert " and ".join(others) in source


def test_published_figures_are_left_out_where_nothing_can_be_set_beside_them():
    source = page.render(report(published=False, unofficial=[]))
    assert "ublished" not in source.partition("<body>")[2].partition("<script")[0]
    found = Outline(source)
    assert set(found.targets) <= set(found.ids)


def test_parts_without_content_leave_no_heading_behind():
    source = page.render(report(findings=[], representations=[], stages=[]))
    for heading in ("Best for each purpose", "Other representations", "More figures"):
        assert heading not in source
    found = Outline(source)
    assert set(found.targets) <= set(found.ids)
