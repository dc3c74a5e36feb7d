import base64
import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest
import yaml
from small import small_parameters, write_parameters

from autoencoders.core.errors import InputError
from stages import report, summarize

VALUES = small_parameters()
PAGE = Path("report/index.html")
OF_NETWORKS = ("encode", "cluster", "search", "map", "generate", "denoise", "evaluate")
VERDICTS = {
    "learned": "Beats every baseline",
    "close": "No clear winner",
    "baseline": "Baseline wins",
    "alone": "Nothing to compare with",
}
NETWORKS = [*VALUES["classifiers"], *VALUES["autoencoders"]]


class Parsed(HTMLParser):
    """The tables of a page, by caption, each as its rows; its sections and their pictures; and its cards."""

    def __init__(self) -> None:
        super().__init__()
        self.tables, self.sections, self.pictures, self.maps = {}, [], {}, 0
        self.rows, self.caption, self.inside, self.text = [], "", "", ""
        self.cards = []
        self.feed(PAGE.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        if tag == "table":
            self.rows, self.caption = [], ""
        elif tag == "tr":
            self.rows.append([])
        elif tag == "article":
            self.cards.append({"verdict": given["class"]})
        elif tag == "details" and given["class"] == "section":
            self.sections.append(given["id"].removeprefix("of-"))
        elif tag == "img":
            self.pictures.setdefault(self.sections[-1], []).append((given["src"], given["alt"]))
        elif given.get("class") == "map":
            self.maps += 1
        if tag in ("td", "th", "caption", "h4", "p"):
            self.text = ""
        elif tag == "small":
            self.text += "|"

    def handle_data(self, data):
        self.text += data

    def handle_endtag(self, tag):
        text = self.text.strip()
        if tag == "caption":
            self.caption = text.split("|")[0].strip()
        elif tag in ("td", "th"):
            self.rows[-1].append(text)
        elif tag == "table":
            head, *rows = self.rows
            self.tables[self.caption] = [dict(zip(head, row, strict=True)) for row in rows]
        elif tag == "h4" and self.cards and "purpose" not in self.cards[-1]:
            self.cards[-1]["purpose"] = text
        elif tag == "p" and self.cards:
            self.cards[-1].setdefault("lines", []).append(text)


def written() -> Parsed:
    report.main()
    return Parsed()


@pytest.fixture
def bare(workspace):
    """A workspace without figures and maps, which take the most time."""
    shutil.rmtree("plots")
    shutil.rmtree("data/maps")


def summary(name: str) -> pd.DataFrame:
    return pd.read_csv(f"data/summary/{name}.csv")


def test_there_is_one_file_and_its_size_is_said(bare, capsys):
    report.main()
    assert [path.name for path in Path("report").iterdir()] == ["index.html"]
    assert capsys.readouterr().out == f"report/index.html: {PAGE.stat().st_size / 1e6:.1f} MB\n"


def test_another_run_gives_the_same_bytes(workspace):
    before = PAGE.read_bytes()
    report.main()
    assert PAGE.read_bytes() == before


def test_every_figure_of_every_network_and_stage_is_in_its_section(results):
    found = Parsed()
    assert [name for name in found.sections if name in NETWORKS] == NETWORKS
    names = [*NETWORKS, *VALUES["representations"], *VALUES["embeddings"]]
    expected = {
        name: sorted(path for stage in OF_NETWORKS for path in Path("plots", stage, name).glob("*.png"))
        for name in names
    }
    for stage in ("preprocess", "neuron", "learning_rates", "summarize", "sequence"):
        expected[stage] = sorted(Path("plots", stage).rglob("*.png"))
    for name, paths in expected.items():
        assert len(found.pictures.get(name, [])) == len(paths), name
        assert all(alt for _, alt in found.pictures.get(name, []))
    for name, paths in expected.items():
        shown = {base64.b64decode(address.partition(",")[2]) for address, _ in found.pictures.get(name, [])}
        assert shown == {path.read_bytes() for path in paths}


def test_every_map_is_there_whole(results):
    source = PAGE.read_text(encoding="utf-8")
    maps = re.findall('<div class="map".*?<script type="application/json">(.*?)</script>', source, re.DOTALL)
    pages = [Path("data/maps", name, "map.html") for name in VALUES["autoencoders"]]
    assert [json.loads(found) for found in maps] == [page.read_text(encoding="utf-8") for page in pages]


def test_the_tables_hold_every_row_of_the_summaries(results):
    tables = Parsed().tables
    networks = summary("networks").set_index("network")
    for title, group in (("Autoencoders", "autoencoders"), ("Classifiers", "classifiers")):
        rows = {row["network"]: row for row in tables[title]}
        assert set(rows) == set(VALUES[group])
        for name, row in rows.items():
            assert row["dataset"] == networks.loc[name, "dataset"]
            assert int(row["parameters"].replace(",", "")) == networks.loc[name, "parameters"]
            assert float(row["test loss"]) == pytest.approx(networks.loc[name, "test loss"], abs=5.1e-5)
    for dataset, given in summary("clustering").groupby("dataset"):
        rows = {(row["representation"], row["clustering"]): row for row in tables[f"Clustering of {dataset}"]}
        assert len(rows) == len(given)
        for line in given.to_dict("records"):
            row = rows[line["representation"], line["clustering"]]
            assert row["kind"] == line["kind"]
            assert row["accuracy"] == f"{line['accuracy']:.3f} ± {line['accuracy_std']:.3f}"
            assert row["ARI"].startswith(f"{line['ari']:.3f} ±")
    for dataset, given in summary("search").groupby("dataset"):
        rows = {row["representation"]: row for row in tables[f"Search of {dataset}"]}
        for line in given.to_dict("records"):
            shown = float(rows[line["representation"]][f"{line['metric']}, k={line['k']}"])
            assert shown == pytest.approx(line["precision"], abs=5.1e-5)


def test_the_cards_are_the_findings(results):
    found = {card["purpose"]: card for card in Parsed().cards}
    rows = pd.read_csv("data/summary/findings.csv", dtype=str).to_dict("records")
    assert list(found) == [f"{row['purpose']}: {row['dataset']}" for row in rows]
    for row in rows:
        card = found[f"{row['purpose']}: {row['dataset']}"]
        assert card["verdict"] == row["verdict"]
        assert card["lines"][:4] == [
            f"{row['value']} |{row['measure']}",
            row["winner"],
            VERDICTS[row["verdict"]],
            row["text"],
        ]


@pytest.mark.slow
def test_what_the_parameters_no_longer_name_is_not_shown(workspace):
    values = yaml.safe_load(Path("params.yaml").read_text(encoding="utf-8"))
    values["generate"]["networks"], values["denoise"]["networks"] = {}, {}
    values["export"]["networks"] = {}
    del values["autoencoders"]["digits-variational"]
    write_parameters(workspace, values)
    summarize.main()
    page = written()
    assert not {"Generated samples", "Denoising"} & page.tables.keys()
    assert "digits-variational" not in PAGE.read_text(encoding="utf-8")
    pictures = [alt for shown in page.pictures.values() for _, alt in shown]
    assert not [alt for alt in pictures if "mixture" in alt or "levels of noise" in alt]
    assert page.maps == len(values["autoencoders"])


def test_the_parameters_are_those_in_force(bare, change):
    change("datasets.digits", seed=1234)
    tables = written().tables
    general = {row["parameter"]: row["value"] for row in tables["general"]}
    assert general == {"recipe": VALUES["recipe"], "protocol": VALUES["protocol"], "in_memory": "512"}
    assert {row["name"]: row["seed"] for row in tables["datasets"]} == {"photos": "0", "digits": "1234"}
    assert [row["name"] for row in tables["autoencoders"]] == list(VALUES["autoencoders"])


def test_data_and_versions_are_said(results):
    tables = Parsed().tables
    for row in tables["The data"]:
        about = json.loads(Path("data/prepared", row["data set"], "dataset.json").read_text(encoding="utf-8"))
        assert (row["source"], row["origin"]) == (about["source"], about["origin"])
        assert int(row["test images"].replace(",", "")) == about["images"]["test"]
    versions = {row["package"]: row["version"] for row in tables["Versions"]}
    assert {"Python", "keras", "scikit-learn", "umap-learn", "numpy", "dvc"} <= versions.keys()
    assert {"tensorflow", "tensorflow-cpu"} & versions.keys()
    assert all(re.match(r"\d+\.", version) for version in versions.values())


def test_published_figures_stand_without_warning_beside_official_data_only(bare):
    warning = "hold for the official data sets"
    assert warning in PAGE.read_text(encoding="utf-8")
    for dataset, source in (("photos", "cifar10"), ("digits", "mnist")):
        path = Path("data/prepared", dataset, "dataset.json")
        path.write_text(json.dumps({**json.loads(path.read_text(encoding="utf-8")), "source": source}))
    report.main()
    assert warning not in PAGE.read_text(encoding="utf-8")


def test_of_data_without_labels_no_classes_are_said_and_no_figures_are_published(bare):
    def unlabel(dataset: str) -> None:
        path = Path("data/prepared", dataset, "dataset.json")
        path.write_text(json.dumps({**json.loads(path.read_text(encoding="utf-8")), "classes": []}))

    unlabel("photos")
    rows = {row["data set"]: row for row in written().tables["The data"]}
    assert (rows["photos"]["classes"], rows["digits"]["classes"]) == ("none", "10")
    warning = re.search('<p class="warning">(.*?)</p>', PAGE.read_text(encoding="utf-8"), re.DOTALL)[1]
    assert "digits" in warning and "photos" not in warning
    unlabel("digits")
    tables = written().tables
    assert all("classes" not in row for row in tables["The data"])
    assert "Clustering as others report it" not in tables
    assert 'href="#published"' not in PAGE.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "missing",
    [
        "data/summary/networks.csv",
        "data/summary/clustering.csv",
        "data/summary/search.csv",
        "data/summary/findings.csv",
        "data/prepared/digits/dataset.json",
    ],
)
def test_a_missing_table_is_one_sentence_that_names_it_and_what_there_was_stays(workspace, missing):
    before = PAGE.read_bytes()
    Path(missing).unlink()
    with pytest.raises(InputError, match=f"^{missing} is missing"):
        report.main()
    assert PAGE.read_bytes() == before


def test_a_network_may_have_a_name_that_looks_like_a_missing_value_or_a_number(bare):
    for file in Path("data/summary").glob("*.csv"):
        text = file.read_text(encoding="utf-8")
        file.write_text(text.replace("digits-simple", "NA").replace("digits-strided", "007"), encoding="utf-8")
    found = written().tables
    for table in ("Autoencoders", "Clustering of digits", "Search of digits"):
        assert {"NA", "007"} < {next(iter(row.values())) for row in found[table]}, table
