import base64
import io
import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from small import small_parameters

from autoencoders.core.errors import InputError
from stages import report

VALUES = small_parameters()
PAGE = Path("report/index.html")
OF_NETWORKS = ("encode", "cluster", "search", "map", "generate", "denoise", "evaluate")
NETWORKS = [*VALUES["classifiers"], *VALUES["autoencoders"]]


class Parsed(HTMLParser):
    """The tables of a page, by caption, each as its rows; its sections' blocks and pictures; and its cards."""

    def __init__(self) -> None:
        super().__init__()
        self.tables, self.blocks, self.pictures, self.maps = {}, [], {}, 0
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
        elif tag == "details" and given["class"] == "block":
            self.blocks.append(given["id"].removeprefix("of-"))
        elif tag == "img":
            self.pictures.setdefault(self.blocks[-1], []).append((given["src"], given["alt"]))
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


def test_every_figure_of_every_network_and_stage_is_in_its_block(results):
    found = Parsed()
    assert [name for name in found.blocks if name in NETWORKS] == NETWORKS
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
    # Pixel by pixel, for one of each.
    for name in (NETWORKS[-1], "neuron"):
        shown = [base64.b64decode(address.partition(",")[2]) for address, _ in found.pictures[name]]
        drawn = {np.asarray(Image.open(path).convert("RGB")).tobytes() for path in expected[name]}
        assert {np.asarray(Image.open(io.BytesIO(one)).convert("RGB")).tobytes() for one in shown} == drawn


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
            shown = float(rows[line["representation"]][f"{line['metric']}, at {line['k']}"])
            assert shown == pytest.approx(line["precision"], abs=5.1e-5)


def cards(page: Parsed) -> dict[str, dict]:
    return {card["purpose"]: card for card in page.cards}


def test_the_cards_name_the_best_of_each_data_set(results):
    found = cards(Parsed())
    for dataset, rows in summary("clustering").groupby("dataset"):
        card, best = found[f"Clustering: {dataset}"], rows.loc[rows["accuracy"].idxmax()]
        assert card["lines"][0].startswith(f"{best['accuracy']:.3f} ± ")
        assert card["lines"][1] == f"{best['representation']}, {best['clustering']}"
    for dataset, rows in summary("networks").groupby("dataset"):
        best = rows.loc[rows["test PSNR"].idxmax(), "network"]
        assert found[f"Reconstruction: {dataset}"]["lines"][1] == best


@pytest.mark.parametrize(("kind", "verdict"), [("baseline", "Baseline wins"), ("autoencoder", "Beats every baseline")])
def test_a_card_says_plainly_who_wins(bare, kind, verdict):
    clustering = summary("clustering")
    clustering.loc[clustering["kind"] == kind, "accuracy"] += 1
    clustering.to_csv("data/summary/clustering.csv", index=False)
    found = cards(written())
    for dataset in VALUES["datasets"]:
        assert verdict in found[f"Clustering: {dataset}"]["lines"]


def test_a_embedding_of_images_is_no_win_for_a_network(bare):
    values = {name: embedding["of"] for name, embedding in VALUES["embeddings"].items()}
    name = next(name for name, of in values.items() if of.startswith("represent/"))
    clustering = summary("clustering")
    clustering.loc[clustering["representation"] == name, "accuracy"] += 1
    clustering.to_csv("data/summary/clustering.csv", index=False)
    card = cards(written())[f"Clustering: {VALUES['embeddings'][name]['dataset']}"]
    assert card["lines"][1].startswith(f"{name}, ") and "Baseline wins" in card["lines"]


def test_a_embedding_of_a_representation_that_is_a_networks_code_is_a_win(bare):
    assert VALUES["representations"]["photos-patch-autoencoder"]["kind"] == "patch_autoencoder"
    name = "photos-patch-autoencoder-spectral"
    clustering = summary("clustering")
    clustering.loc[clustering["representation"] == name, "accuracy"] += 1
    clustering.to_csv("data/summary/clustering.csv", index=False)
    card = cards(written())["Clustering: photos"]
    assert card["lines"][1].startswith(f"{name}, ") and "Beats every baseline" in card["lines"]


def test_samples_denoising_and_sequence_are_shown_where_there_are_any(bare):
    for stage in ("generate", "denoise"):
        shutil.rmtree(f"metrics/{stage}", ignore_errors=True)
        Path("metrics", stage).mkdir()
    Path("metrics/sequence.json").unlink(missing_ok=True)
    titles = {"Generated samples", "Denoising", "Prediction of the lower rows of images"}
    assert not titles & written().tables.keys()

    restored = {"source": "bundled", "noise": 0.5, "noisy_psnr": 25.0, "network_psnr": 20.0, "median_psnr": 21.5}
    Path("metrics/denoise/digits-denoising.json").write_text(json.dumps(restored))
    generated = {"test_recognised": 0.97, "prior_recognised": 0.75, "prior_evenness": 0.5, "density_recognised": 0.6}
    Path("metrics/generate/digits-variational.json").write_text(json.dumps(generated))
    predicted = {"source": "bundled", "network_psnr": 14.25, "last_row_psnr": 12.0, "mean_image_psnr": 13.0}
    Path("metrics/sequence.json").write_text(json.dumps(predicted))
    page = written()
    assert [(row["of"], row["PSNR"]) for row in page.tables["Denoising"]] == [
        ("noisy", "25.0"),
        ("network", "20.0"),
        ("median filter", "21.5"),
    ]
    assert [row["recognised"] for row in page.tables["Generated samples"]] == ["0.97", "0.75", "0.60"]
    assert len(page.tables["Prediction of the lower rows of images"]) == 3
    found = {purpose: [card["verdict"], *card["lines"][:2]] for purpose, card in cards(page).items()}
    assert found["Denoising: digits"] == ["baseline", "-1.50 |dB PSNR over the best filter", "median filter"]
    assert found["Prediction: lower rows of images"][::2] == ["learned", "the network"]
    assert found["Samples: digits"][2] == "digits-variational, samples of the prior"


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


@pytest.mark.parametrize(
    "missing",
    [
        "data/summary/networks.csv",
        "data/summary/clustering.csv",
        "data/summary/search.csv",
        "data/prepared/digits/dataset.json",
    ],
)
def test_a_missing_table_is_one_sentence_that_names_it_and_what_there_was_stays(workspace, missing):
    before = PAGE.read_bytes()
    Path(missing).unlink()
    with pytest.raises(InputError, match=f"^{missing} is missing"):
        report.main()
    assert PAGE.read_bytes() == before
