"""What README.md and the other documents say is so: figures, links, commands, folders and stages."""

import csv
import json
import re
import shlex
from functools import reduce
from operator import getitem
from pathlib import Path

import pytest
from small import ROOT

from stages.shared.imports import closure
from stages.shared.parameters import load

DOCUMENTS = {
    path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
    for path in (
        *sorted(ROOT.glob("*.md")),
        *sorted(ROOT.glob("docs/*.md")),
        ROOT / "data/README.md",
        ROOT / "benchmarks/results.md",
    )
}
README, RESULTS, CLUSTERING = (DOCUMENTS[name] for name in ("README.md", "docs/results.md", "docs/clustering.md"))
PARAMETERS, GRAPH = (load(ROOT / name) for name in ("params.yaml", "dvc.yaml"))
STAGES = {name: {**entry, **entry.get("do", {})} for name, entry in GRAPH["stages"].items()}
# The metrics of the two recorded runs, by the path of the metrics file.
RUNS = {
    name: json.loads((ROOT / f"docs/results/{name}.json").read_text(encoding="utf-8")) for name in ("chapter", "fast")
}
RECONSTRUCTION = ["train.epochs", "train.loss", "encode.binary_crossentropy", "encode.psnr"]
CLASSIFICATION = ["train.epochs", *(f"evaluate.{split}_accuracy" for split in ("train", "validation", "test"))]
FORMS = ("kmeans", "whitened", "mixture")
CLUSTERED = ["kmeans.width", *(f"{form}.{score}" for form in FORMS for score in ("accuracy", "nmi", "ari"))]
PRECISION = "search.cosine_precision_at_1"
# The figures of the README's table, row by row: the fast run's, and what it is compared with.
SHOWN = [
    ("photos-convolutional", "encode.psnr", "chapter", "photos-convolutional", "encode.psnr"),
    ("digits-convolutional", "encode.psnr", "chapter", "digits-convolutional", "encode.psnr"),
    ("digits-classifier", "evaluate.test_accuracy", "chapter", "digits-classifier", "evaluate.test_accuracy"),
    ("photos-convolutional", "cluster.kmeans.accuracy", "fast", "photos-pixels", "cluster.kmeans.accuracy"),
    *(
        (name, "cluster.kmeans.accuracy", "fast", "photos-pixels-spectral", "cluster.kmeans.accuracy")
        for name in ("photos-patch-autoencoder-spectral", "photos-patches-spectral")
    ),
    ("digits-strided", "cluster.kmeans.accuracy", "fast", "digits-pixels", "cluster.kmeans.accuracy"),
    ("digits-patches-spectral", "cluster.kmeans.accuracy", "fast", "digits-pixels-spectral", "cluster.kmeans.accuracy"),
    ("photos-patch-autoencoder", PRECISION, "fast", "photos-pixels", PRECISION),
    ("digits-convolutional", PRECISION, "fast", "digits-pixels", PRECISION),
    ("digits-denoising", "denoise.network_psnr", "fast", "digits-denoising", "denoise.median_psnr"),
    ("digits-rows", "sequence.network_psnr", "fast", "digits-rows", "sequence.nearest_image_psnr"),
]


def rows(document: str, first_header: str) -> list[list[str]]:
    """Return the cells of a document's table whose header line starts so, without header and rule."""
    lines = document[document.index(first_header) :].split("\n\n")[0].splitlines()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def metric(recipe: str, name: str, key: str) -> float | None:
    """Return a recorded metric, by its stage and the key in its file."""
    stage, *keys = key.split(".")
    return reduce(getitem, keys, RUNS[recipe][f"metrics/{stage}/{name}.json"])


def assert_agrees(cell: str, value: float | None) -> None:
    if value is None:
        assert cell == "never"
    else:
        digits = len(cell.partition(".")[2])
        assert cell.replace(",", "") == f"{value:.{digits}f}"


@pytest.mark.parametrize("row", rows(RESULTS, "| network | parameters | the chapter's loss"), ids=lambda row: row[0])
def test_the_autoencoders_figures_are_those_of_the_two_runs(row):
    network, parameters, _, *cells = row
    assert_agrees(parameters, metric("fast", network, "train.parameters"))
    keys = [(recipe, key) for recipe in RUNS for key in RECONSTRUCTION]
    for cell, (recipe, key) in zip(cells, keys, strict=True):
        assert_agrees(cell, metric(recipe, network, key))


@pytest.mark.parametrize("row", rows(RESULTS, "| network | parameters | `chapter`: epochs"), ids=lambda row: row[0])
def test_the_classifiers_figures_are_those_of_the_two_runs(row):
    network, parameters, *cells = row
    assert_agrees(parameters, metric("fast", network, "train.parameters"))
    keys = [(recipe, key) for recipe in RUNS for key in [*CLASSIFICATION, "evaluate.epoch_of_95_percent"]]
    for cell, (recipe, key) in zip(cells, keys, strict=True):
        assert_agrees(cell, metric(recipe, network, key))


@pytest.mark.parametrize("row", rows(RESULTS, "| what is clustered | numbers"), ids=lambda row: row[0])
def test_the_clustering_figures_are_those_of_the_fast_run(row):
    name, *cells = row
    for cell, key in zip(cells, CLUSTERED, strict=True):
        assert_agrees(cell, metric("fast", name, f"cluster.{key}"))


def test_the_figures_of_search_samples_denoising_and_prediction_are_those_of_the_fast_run():
    for name, _, numbers, precision in rows(RESULTS, "| code or representation"):
        assert_agrees(numbers, metric("fast", name, "cluster.kmeans.width"))
        assert_agrees(precision, metric("fast", name, PRECISION))
    kinds = ("test", "reconstruction", "density", "prior")
    for (_, *cells), kind in zip(rows(RESULTS, "| images | recognised"), kinds, strict=True):
        for cell, score in zip(cells, ("recognised", "distance"), strict=True):
            assert_agrees(cell, metric("fast", "digits-variational", f"generate.{kind}_{score}"))
    for name, _, noise, *cells in rows(RESULTS, "| network | data | noise"):
        assert_agrees(noise, metric("fast", name, "denoise.noise"))
        for cell, method in zip(cells, ("noisy", "network", "median", "nlm"), strict=True):
            assert_agrees(cell, metric("fast", name, f"denoise.{method}_psnr"))
    methods = ("network", "nearest_image", "mean_image", "last_row")
    for (_, cell), method in zip(rows(RESULTS, "| prediction | PSNR"), methods, strict=True):
        assert_agrees(cell, metric("fast", "digits-rows", f"sequence.{method}_psnr"))


def test_the_readmes_figures_are_those_of_the_recorded_runs():
    table = rows(README, "| what | data | score | here")
    for (what, _, _, here, other), (name, key, recipe, rival, rival_key) in zip(table, SHOWN, strict=True):
        assert f"`{name}`" in what
        assert_agrees(here, metric("fast", name, key))
        assert_agrees(other.split(", ")[0], metric(recipe, rival, rival_key))
        for cell, run in ((what, "fast"), (other, recipe)):
            if said := re.search(r"(\d+) epochs", cell):
                assert int(said[1]) == metric(run, name, "train.epochs")


def test_both_runs_reach_the_chapters_losses():
    for network, _, quoted, *_ in rows(RESULTS, "| network | parameters | the chapter's loss"):
        if quoted:
            assert metric("chapter", network, "train.loss") <= float(quoted) + 0.002
            assert metric("fast", network, "train.loss") <= float(quoted) + 0.0005


def test_published_figures_are_those_of_the_file_that_the_report_reads():
    with (ROOT / "autoencoders/pages/report/published.csv").open(encoding="utf-8", newline="") as file:
        published = list(csv.DictReader(file))
    quoted = [row for row in rows(CLUSTERING, "| what is clustered | accuracy") if not row[0].startswith("**")]
    for row, expected in zip(quoted, published, strict=True):
        assert (row[0], row[4]) == (f"{expected['data']}: {expected['method']}", expected["source"])
        for cell, score in zip(row[1:4], ("accuracy", "NMI", "ARI"), strict=True):
            assert (cell and float(cell)) == (expected[score] and float(expected[score]))


def test_the_figures_of_the_cold_run_are_those_of_the_benchmarks():
    measured = json.loads((ROOT / "benchmarks/results.json").read_text(encoding="utf-8"))
    pipeline, chapter = measured["pipeline"]["result"], measured["chapter"]["result"]
    said = " ".join(DOCUMENTS["docs/speed.md"].split())
    assert f"took {pipeline['parallel']['median']:.0f} seconds by `tools/repro.py`" in said
    assert f"{pipeline['serial']['median']:.0f} seconds by `dvc repro`" in said
    assert f"{chapter['total']['ratio']['median']:.1f} times over all seven" in said


@pytest.mark.parametrize("name", DOCUMENTS)
def test_relative_links_lead_to_files_and_headings(name):
    for target in re.findall(r"\]\(([^)\s]+)\)", DOCUMENTS[name]):
        if not target.startswith(("http://", "https://")):
            path, _, heading = target.partition("#")
            file = ((ROOT / name).parent / path) if path else ROOT / name
            assert file.exists(), target
            titles = re.findall(r"^#+ (.+)$", file.read_text(encoding="utf-8"), re.MULTILINE) if heading else []
            slugs = [re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles]
            assert not heading or heading in slugs, target


@pytest.mark.parametrize("name", sorted(DOCUMENTS.keys() - {"CHANGELOG.md"}))
def test_modules_and_folders_that_documents_name_exist(name):
    named = re.findall(r"`((?:autoencoders|stages|tests|tools|docs|benchmarks)/[\w/.-]*)`", DOCUMENTS[name])
    assert [path for path in named if not (ROOT / path).exists()] == []


def commands() -> list[tuple[str, list[str], bool]]:
    """Return document, words and whether the parameters are restored just before, of each printed `dvc exp run`."""
    found = []
    for name, text in DOCUMENTS.items():
        for block in re.findall(r"```console\n(.*?)```", text, re.DOTALL):
            restored = False
            for line in block.replace("\\\n", " ").splitlines():
                words = shlex.split(line.removeprefix("$ "), comments=True)
                if words[:3] == ["dvc", "exp", "run"]:
                    found.append((name, words[3 : words.index("&&") if "&&" in words else None], restored))
                restored = words == ["git", "checkout", "params.yaml"]
    return found


def settings(words: list[str]) -> dict[str, str]:
    pairs = [words[place + 1].partition("=") for place, word in enumerate(words) if word == "-S"]
    return {key: value for key, _, value in pairs}


def test_printed_commands_set_parameters_and_name_stages_that_exist():
    assert len(commands()) > 8
    for name, words, _ in commands():
        for key in settings(words):
            reduce(getitem, key.removeprefix("+").split("."), PARAMETERS)
        values = {words[place + 1] for place, word in enumerate(words) if word == "-S"}
        for target in (word for word in words if not word.startswith("-") and word not in values):
            stage, _, of = target.partition("@")
            group = re.fullmatch(r"\$\{(\w+)\}", STAGES[stage]["foreach"])[1]
            assert of in PARAMETERS[group], f"{name}: {target}"


def test_printed_commands_work_one_after_another():
    """`dvc exp run` leaves its parameters: each command on other data names all that another one may have changed."""
    shared = {key for _, words, _ in commands() for key in settings(words) if key.startswith("datasets.")}
    for name, words, restored in commands():
        given = settings(words).keys()
        datasets = {".".join(key.split(".")[:2]) for key in given if key.startswith("datasets.")}
        if datasets and not restored:
            needed = {"protocol"} | {key for key in shared if key.startswith(tuple(datasets))}
            needed |= set() if any("@" in word for word in words) else {"recipe"}
            assert needed <= given, f"{name}: {' '.join(words)} lacks {needed - given}"


def test_the_readmes_command_for_the_official_data_changes_the_sources_alone():
    given = next(settings(words) for name, words, _ in commands() if name == "README.md" and "datasets" in str(words))
    changed = {key for key, value in given.items() if str(reduce(getitem, key.split("."), PARAMETERS)).lower() != value}
    assert changed == {"datasets.photos.source", "datasets.digits.source"}


def test_the_readme_is_short_and_its_tree_shows_the_folders():
    assert len(README.splitlines()) <= 200
    lines = re.search(r"```text\n(.*?)```", README, re.DOTALL)[1].splitlines()
    library = ROOT / "autoencoders"
    shown = {line.split()[0] for line in lines if line.startswith("  ")}
    assert shown == {f"{path.parent.name}/" for path in library.glob("*/__init__.py")}
    # Names stand in the first columns, and a stage makes those that a fresh clone lacks.
    named = {name for line in lines if not line.startswith("  ") for name in line[:21].split()}
    assert [name for name in named - {"models/", "plots/", "report/"} if not (ROOT / name).exists()] == []


def heads(paths: list) -> set[str]:
    """Return the folders of a stage's dependencies or outputs, data/ by its first folder; not the project's modules."""
    names = [path if isinstance(path, str) else next(iter(path)) for path in paths]
    others = ("autoencoders", "stages", "params.yaml", "data/fingerprints/")
    parts = [Path(name).parts for name in names if not name.startswith(others)]
    return {"/".join(part[:2] if part[0] == "data" else part[:1]) for part in parts}


def test_the_table_of_the_stages_is_that_of_the_graph(monkeypatch):
    monkeypatch.chdir(ROOT)
    shown = {}
    for cells in rows(DOCUMENTS["docs/design.md"], "| stage | reads | writes"):
        names, *rest = (re.findall(r"`([^`]+)`", cell) for cell in cells)
        shown |= {name: tuple(map(set, rest)) for name in names}
    found = {}
    for name, entry in STAGES.items():
        module = entry["cmd"].split()[2].replace(".", "/")
        modules = [Path(path).parts[1] for path in closure(Path(f"{module}.py")) if path.startswith("autoencoders/")]
        rooms = {module.removesuffix(".py") for module in modules} - {"core", "__init__"}
        found[name] = (heads(entry["deps"]), heads(entry.get("outs", [])), rooms)
    assert shown == found


def test_every_output_is_described_in_the_datas_readme():
    described = set(re.findall(r"`((?:data|models|exports)/[\w/]*)", DOCUMENTS["data/README.md"]))
    for entry in STAGES.values():
        for folder in heads(entry.get("outs", [])) - {"report"}:
            assert f"{folder}/" in described


def test_the_chapters_map_names_stages_and_networks_that_exist():
    known = {*STAGES, *PARAMETERS["datasets"], *PARAMETERS["classifiers"], *PARAMETERS["autoencoders"]}
    named = {
        name
        for row in rows(DOCUMENTS["docs/chapter.md"], "| chapter | stage | look at |")
        for cell in re.findall(r"`([^`]+)`", row[1])
        for name in cell.split("@")
    }
    assert named - {"", "…"} <= known


def test_the_readmes_graph_names_every_stage():
    drawn = set(re.findall(r"[\w-]+", re.search(r"```mermaid\nflowchart LR\n(.*?)```", README, re.DOTALL)[1]))
    groups = ("-representation", "-embedding", "-unjudged")
    # Every stage depends on `fingerprints`, whose arrows would hide the others.
    assert drawn - {"--"} == {name for name in STAGES if not name.endswith(groups)} - {"fingerprints"}
