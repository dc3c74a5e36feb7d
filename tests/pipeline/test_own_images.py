"""The example for images of one's own, as a user runs it: by DVC, on a folder of pictures."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from checkouts import Checkout, stages_run
from PIL import Image
from sklearn.datasets import load_sample_images
from small import ROOT, write_parameters

from stages.shared.parameters import load

pytestmark = pytest.mark.graph

FORMS = ("png", "JPG", "webp", "tiff", "gif")
STAGES = {"fingerprints", "extract@mine", "preprocess@mine", "train@mine-strided", "encode@mine-strided"}
STAGES |= {"represent@mine-pca", "cluster@mine-strided", "cluster-representation@mine-pca", "search@mine-strided"}
STAGES |= {"search-representation@mine-pca", "map@mine-strided", "generate-unjudged@mine-strided"}
STAGES |= {"export@mine-strided"}
STAGES |= {"summarize", "report"}


def pictures(folder: Path, n: int) -> None:
    """Write crops of two photographs, a folder each, in several forms; and what is no picture."""
    random = np.random.default_rng(0)
    for name, photograph in zip(("temple", "flower"), load_sample_images().images, strict=True):
        (folder / name / "more").mkdir(parents=True)
        for number in range(n):
            top, left = random.integers(0, 300), random.integers(0, 500)
            crop = Image.fromarray(photograph[top : top + 90, left : left + 120])
            form = FORMS[number % len(FORMS)]
            crop.save(folder / name / ("more" if number % 3 else "") / f"a “{number}”, ü.{form}")
    (folder / "flower/broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 no picture")
    (folder / "temple/.DS_Store").touch()


def parameters(labels: str) -> dict:
    values = load(ROOT / "examples/own-images/params.yaml")
    values["datasets"]["mine"] |= {"labels": labels, "test_share": 0.4}
    values["autoencoders"]["mine-strided"] |= {"filters": [4, 8, 8], "units": [6], "epochs": 1, "batch_size": 8}
    values["representations"]["mine-pca"]["n_components"] = 6
    values["cluster"] |= {"n_clusters": 3, "silhouette_sample": 30, "seeds": 2}
    values["cluster"]["kmeans"]["n_init"] = 1
    values["search"] |= {"neighbours": [1, 3], "shown": 3, "shown_neighbours": 3}
    values["map"] |= {"sample": 20, "perplexity": 3, "max_iter": 250}
    values["generate"] |= {"samples": 10, "shown": 10, "components": [1, 2], "pairs": 2, "steps": 3}
    return values


def header(file: Path) -> list[str]:
    with file.open(encoding="utf-8", newline="") as lines:
        return next(csv.reader(lines))


def rows(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


@pytest.fixture(scope="module")
def checkout(python, tmp_path_factory):
    """A checkout with pictures in which the example has run, without labels."""
    made = Checkout(tmp_path_factory.mktemp("own"), python)
    made.fill()
    pictures(made.folder / "pictures", 25)
    write_parameters(made.folder, parameters("none"))
    made.ran = stages_run(made.run("dvc", "repro").stdout)
    return made


def test_a_folder_without_labels_goes_all_the_way_to_the_report(checkout):
    assert set(checkout.ran) == STAGES
    about = json.loads((checkout.folder / "data/prepared/mine/dataset.json").read_text(encoding="utf-8"))
    assert sum(about["images"].values()) == 50 and about["unreadable"] == 1 and about["classes"] == []
    assert [row["file"] for row in rows(checkout.folder / "data/raw/mine/skipped.csv")] == ["flower/broken.jpg"]
    results = checkout.results()
    assert {"report/index.html", "data/maps/mine-strided/map.html"} <= results.keys()
    tables = [checkout.folder / path for path in results if path.endswith(".csv")]
    # The curves of classifiers, of which there are none: `dvc plots` needs the file.
    tables.remove(accuracies := checkout.folder / "data/summary/accuracies.csv")
    assert not rows(accuracies)
    assert not [table for table in tables if {"label", "class", "neighbour_label", "accuracy"} & set(header(table))]
    scores = json.loads(results["metrics/cluster/mine-strided.json"])["kmeans"]
    assert {"silhouette", "inertia", "stability"} <= scores.keys() and "accuracy" not in scores
    assert "class" not in json.dumps(json.loads(results["metrics/search/mine-strided.json"]))


def test_nothing_changed_nothing_runs_and_a_changed_picture_is_read_again(checkout):
    assert stages_run(checkout.run("dvc", "repro").stdout) == []
    picture = checkout.folder / "pictures/flower/a “0”, ü.png"
    before = checkout.results()
    Image.open(picture).rotate(180).save(picture)
    assert stages_run(checkout.run("dvc", "repro", "preprocess@mine").stdout) == ["extract@mine", "preprocess@mine"]
    # A hidden file changes the folder, and none of its images.
    (checkout.folder / "pictures/.hidden").touch()
    after = checkout.results()
    assert stages_run(checkout.run("dvc", "repro", "preprocess@mine").stdout) == ["extract@mine", "preprocess@mine"]
    images = "data/prepared/mine/listing.csv"
    assert before[images] != after[images] == checkout.results()[images]


def test_a_folder_with_labels_is_scored_by_them_also_where_dvc_tracks_it(checkout):
    checkout.run("dvc", "add", "pictures")
    write_parameters(checkout.folder, parameters("folders"))
    checkout.run("dvc", "repro")
    results = checkout.results()
    assert "report/index.html" in results
    scores = json.loads(results["metrics/cluster/mine-strided.json"])["kmeans"]
    assert 0 <= scores["accuracy"] <= 1
    assert "cosine_precision_at_1" in json.loads(results["metrics/search/mine-strided.json"])
    assert json.loads(results["data/prepared/mine/dataset.json"])["classes"] == ["flower", "temple"]
    assert {"label", "class", "file"} <= set(header(checkout.folder / "data/prepared/mine/listing.csv"))
