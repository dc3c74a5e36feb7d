"""The README's figures are those of the runs that it names, and its map leads to what there is."""

import json
import re
import subprocess
from functools import reduce
from operator import getitem

import pytest
import yaml
from small import ROOT

from autoencoders.reporting import PUBLISHED

README = (ROOT / "README.md").read_text(encoding="utf-8")
RUNS = dict(
    zip(
        ("chapter", "fast"),
        re.search(r"commits (\w+) \(`chapter`\) and (\w+) \(`fast`\)", README).groups(),
        strict=True,
    )
)
RECONSTRUCTION = ["train.epochs", "train.loss", "encode.binary_crossentropy", "encode.psnr"]
CLASSIFICATION = ["train.epochs", *(f"evaluate.{split}_accuracy" for split in ("train", "validation", "test"))]
FORMS = ("kmeans", "whitened", "mixture")
CLUSTERING = ["kmeans.width", *(f"{form}.{score}" for form in FORMS for score in ("accuracy", "nmi", "ari"))]


def rows(first_header: str) -> list[list[str]]:
    """Return the cells of the README's table whose header line starts so, without header and rule."""
    lines = README[README.index(first_header) :].split("\n\n")[0].splitlines()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def metric(recipe: str, network: str, key: str) -> float | None:
    stage, *keys = key.split(".")
    path = f"{RUNS[recipe]}:metrics/{stage}/{network}.json"
    shown = subprocess.run(["git", "show", path], cwd=ROOT, capture_output=True, text=True, check=False)
    if shown.returncode:
        pytest.skip(f"the history here does not reach {RUNS[recipe]}")
    return reduce(getitem, keys, json.loads(shown.stdout))


def assert_agrees(cell: str, value: float | None) -> None:
    if value is None:
        assert cell == "never"
    else:
        digits = len(cell.partition(".")[2])
        assert cell.replace(",", "") == f"{value:.{digits}f}"


@pytest.mark.parametrize("row", rows("| network | parameters | the chapter's loss"), ids=lambda row: row[0])
def test_the_autoencoders_figures_are_those_of_the_two_runs(row):
    network, parameters, _, *cells = row
    assert_agrees(parameters, metric("fast", network, "train.parameters"))
    keys = [(recipe, key) for recipe in RUNS for key in RECONSTRUCTION]
    for cell, (recipe, key) in zip(cells, keys, strict=True):
        assert_agrees(cell, metric(recipe, network, key))


@pytest.mark.parametrize("row", rows("| network | parameters | `chapter`: epochs"), ids=lambda row: row[0])
def test_the_classifiers_figures_are_those_of_the_two_runs(row):
    network, parameters, *cells = row
    assert_agrees(parameters, metric("fast", network, "train.parameters"))
    keys = [(recipe, key) for recipe in RUNS for key in [*CLASSIFICATION, "evaluate.epoch_of_95_percent"]]
    for cell, (recipe, key) in zip(cells, keys, strict=True):
        assert_agrees(cell, metric(recipe, network, key))


@pytest.mark.parametrize("row", rows("| what is clustered | numbers"), ids=lambda row: row[0])
def test_the_clustering_figures_are_those_of_the_fast_run(row):
    name, *cells = row
    for cell, key in zip(cells, CLUSTERING, strict=True):
        assert_agrees(cell, metric("fast", name, f"cluster.{key}"))


def test_published_figures_are_those_of_the_report():
    quoted = [row for row in rows("| what is clustered | accuracy") if not row[0].startswith("**")]
    found = [[f"{data}: {method}", *scores, source] for method, data, *scores, source in PUBLISHED.to_numpy().tolist()]
    for row, expected in zip(quoted, found, strict=True):
        assert (row[0], row[4]) == (expected[0], expected[4])
        assert [float(cell) if cell else None for cell in row[1:4]] == [
            None if score is None or score != score else score for score in expected[1:4]
        ]


def test_both_runs_reach_the_chapters_losses():
    for network, _, quoted, *_ in rows("| network | parameters | the chapter's loss"):
        if quoted:
            assert metric("chapter", network, "train.loss") <= float(quoted) + 0.002
            assert metric("fast", network, "train.loss") <= float(quoted) + 0.0005


def test_the_map_names_stages_networks_and_pictures_that_exist():
    graph, values = (yaml.safe_load((ROOT / name).read_text(encoding="utf-8")) for name in ("dvc.yaml", "params.yaml"))
    known = {*graph["stages"], *values["datasets"], *values["classifiers"], *values["autoencoders"]}
    named = {
        name
        for row in rows("| chapter | stage | look at |")
        for cell in re.findall(r"`([^`]+)`", row[1])
        for name in cell.split("@")
    }
    assert named - {"", "…"} <= known
    pictures = re.findall(r"\]\((docs/[^)]+)\)", README)
    assert pictures
    assert [picture for picture in pictures if not (ROOT / picture).is_file()] == []
