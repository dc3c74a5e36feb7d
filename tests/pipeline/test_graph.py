"""`dvc.yaml` and `dvc.lock` as code: what they declare is what the modules do."""

import ast
import hashlib
import re
import subprocess
from functools import cache
from pathlib import Path

import networkx
import pytest
from dvc.repo import Repo
from small import ROOT

from stages.fingerprints import SHARED
from stages.shared.imports import PACKAGES, closure
from stages.shared.imports import imported as imported_by
from stages.shared.parameters import load
from stages.shared.settings.layers import WITH_DEFAULTS, WITH_RECIPES

GRAPH = load(ROOT / "dvc.yaml")
ENTRIES = {name: entry.get("do", entry) for name, entry in GRAPH["stages"].items()}
# What each stage writes beside its figures and metrics; `${key}` is a data set, a network or a code.
FOLDERS = {
    "fingerprints": {"data/fingerprints"},
    "neuron": set(),
    "inventory": {"data/inventories/${key}.json"},
    "extract": {"data/raw/${key}"},
    "preprocess": {"data/prepared/${key}"},
    "train": {"models/${key}"},
    "evaluate": {"data/predictions/${key}"},
    "encode": {"data/codes/${key}"},
    "represent": {"data/codes/${key}"},
    "embed": {"data/codes/${key}"},
    "cluster": {"data/clusters/${key}"},
    "search": {"data/neighbours/${key}"},
    "map": {"data/maps/${key}"},
    "generate": {"data/samples/${key}"},
    "denoise": {"data/denoised/${key}"},
    "export": {"exports/${key}"},
    "sequence": {"data/sequence/${key}", "models/${key}"},
    "learning_rates": set(),
    "summarize": {"data/summary"},
    "report": {"report"},
}
# The stages that make a network or an embedding.
MAKERS = ("train", "train-classifier", "embed")


@pytest.fixture(autouse=True)
def root(monkeypatch):
    monkeypatch.chdir(ROOT)


@pytest.fixture(scope="module")
def stages():
    """The stages as DVC resolves them, by name."""
    with Repo(str(ROOT)) as repo:
        yield {stage.addressing: stage for stage in repo.index.stages}


@pytest.fixture(scope="module")
def lock() -> dict:
    """What `dvc.lock` says of each stage, by name."""
    return load(ROOT / "dvc.lock")["stages"]


def module_of(entry: dict) -> Path:
    return Path(*re.match(r"python -m (\S+)", entry["cmd"])[1].split(".")).with_suffix(".py")


def paths(entry: dict, kind: str) -> set[str]:
    """Return the outputs of one kind: `outs`, `plots` or `metrics`."""
    return {out if isinstance(out, str) else next(iter(out)) for out in entry.get(kind, [])}


@cache
def imported(module: Path) -> set[str]:
    return set(closure(module))


def test_stages_stand_behind_those_that_they_depend_on():
    # `tools.repro` runs those that a pattern matches in this order.
    with Repo(str(ROOT)) as repo:
        names = [stage.name for stage in repo.stage.load_all("dvc.yaml")]
        graph = repo.index.graph
        behind = {stage.name: [each.name for each in graph.successors(stage)] for stage in graph}
    assert all(set(behind[name]) <= set(names[:place]) for place, name in enumerate(names))


@pytest.mark.parametrize("name", [name for name in ENTRIES if name != "fingerprints"])
def test_each_stage_depends_on_its_own_fingerprint_and_on_no_module_by_itself(name):
    found = {path for path in ENTRIES[name]["deps"] if path.startswith((*PACKAGES, "data/fingerprints"))}
    assert found == {f"data/fingerprints/{module_of(ENTRIES[name]).stem}.json"}


@pytest.mark.parametrize("name", ENTRIES)
def test_each_stage_declares_exactly_the_parameters_it_reads(name):
    entry = ENTRIES[name]
    if "params.yaml" in entry["deps"]:
        # Whoever tells of everything depends on the whole file.
        assert "params" not in entry
        return
    module = module_of(entry)
    read = parameters_read(module)
    if name.startswith("train"):
        # One module for both groups of networks; the command says which.
        read = {key.replace("${key}.${key}", entry["cmd"].split()[-2] + ".${key}") for key in read}
    if name == "export":
        # The entry's own block is in the section that all runs share; the data set is the one that it names.
        read -= {"export.networks.${key}"}
        read = {key.replace("datasets.${key}", "datasets.${item.dataset}") for key in read}
    groups = {key.partition(".")[0] for key in read}
    # What one network or embedding is read as depends on the defaults of its kind, and which value on the recipe.
    implied = {"defaults.${item.kind}"} if groups & set(WITH_DEFAULTS) else set()
    implied |= {"recipe"} if groups & set(WITH_RECIPES) else set()
    # What all runs of a stage share is in its fingerprint.
    assert set(entry.get("params", [])) == (read | implied) - set(SHARED.get(module.stem, ()))
    assert set(SHARED.get(module.stem, ())) <= read


def test_changed_defaults_concern_the_networks_and_embeddings_of_their_kind_alone(stages):
    values = load(Path("params.yaml"))
    entries = {name: entry for group in WITH_DEFAULTS for name, entry in values[group].items()}
    for kind in values["defaults"]:
        named = {
            address
            for address, stage in stages.items()
            if any(f"defaults.{kind}" in getattr(dependency, "params", ()) for dependency in stage.deps)
        }
        makers = {f"{stage}@{name}" for stage in MAKERS for name, entry in entries.items() if entry["kind"] == kind}
        assert named == makers & stages.keys(), kind
        assert named


def parameters_read(file: Path) -> set[str]:
    """Return the keys that a stage's module passes to `stages.shared.parameters.read`, variables as `${key}`."""
    keys = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and getattr(node.func, "id", None) == "read":
            for argument in node.args:
                parts = argument.values if isinstance(argument, ast.JoinedStr) else [argument]
                keys.add("".join(part.value if isinstance(part, ast.Constant) else "${key}" for part in parts))
    return keys


@pytest.mark.parametrize("name", ENTRIES)
def test_each_stage_writes_into_its_own_folders(name):
    entry = ENTRIES[name]
    word = module_of(entry).stem
    # DVC iterates over one mapping at a time, so that some stages have an entry for each.
    assert re.sub("-(classifier|representation|embedding|unjudged)$", "", name) == word
    assert paths(entry, "outs") == FOLDERS[word]
    assert all(Path(path).parts[:2] == ("plots", word) for path in paths(entry, "plots"))
    assert paths(entry, "metrics") <= {f"metrics/{word}/${{key}}.json", f"metrics/{word}.json"}


def test_artifacts_are_the_exports_that_the_parameters_name():
    exported = load(Path("params.yaml"))["export"]["networks"]
    assert list(GRAPH["artifacts"]) == list(exported)
    for name, artifact in GRAPH["artifacts"].items():
        assert artifact["path"] == f"exports/{name}"
        assert artifact["type"] == "model" and artifact["desc"]
        assert {"autoencoder", exported[name]["dataset"]} <= set(artifact["labels"])


def test_every_stage_has_a_description_and_every_metrics_file_is_kept_in_git():
    for entry in ENTRIES.values():
        assert entry["desc"]
        assert all(settings == {"cache": False} for out in entry.get("metrics", []) for settings in out.values())


WORKER = Path("autoencoders/training/worker.py")


def test_every_module_of_the_pipeline_is_a_stage_or_serves_one():
    used = set().union(*(imported(module_of(entry)) for entry in ENTRIES.values()))
    # No stage imports what it starts on workers that share a training: a run on one machine has nothing of it.
    used |= imported(WORKER)
    modules = {path.as_posix() for folder in PACKAGES for path in Path(folder).rglob("*.py")}
    assert {path for path in modules if not path.endswith("/__init__.py")} <= used


def test_the_library_imports_nothing_of_the_pipeline():
    for file in Path("autoencoders").rglob("*.py"):
        assert not any(path.startswith("stages/") for path in imported(file)), file


def test_no_room_of_the_library_needs_one_that_needs_it():
    rooms = networkx.DiGraph()
    for file in Path("autoencoders").rglob("*.py"):
        for needed in imported_by(file):
            if needed.parts[0] == "autoencoders" and len(needed.parts) > 2 and len(file.parts) > 2:
                rooms.add_edge(file.parts[1], needed.parts[1])
    rooms.remove_edges_from([(room, room) for room in rooms])
    assert list(networkx.simple_cycles(rooms)) == []


def test_no_module_is_longer_than_one_reads_in_a_sitting():
    files = [file for folder in ("applied", "autoencoders", "stages", "tools") for file in Path(folder).rglob("*.py")]
    assert [file for file in files if len(file.read_text(encoding="utf-8").splitlines()) > 300] == []


def test_stages_that_train_nothing_do_not_reach_tensorflow():
    reach = {
        name for name, entry in ENTRIES.items() if "autoencoders/networks/runtime.py" in imported(module_of(entry))
    }
    assert reach == {"train", "train-classifier", "learning_rates", "sequence"}


def test_the_lock_file_names_the_stages_there_are(stages, lock):
    assert set(lock) == set(stages)


def test_the_lock_file_agrees_with_commands_parameters_and_sources(stages, lock):
    for name, stage in stages.items():
        assert lock[name]["cmd"] == stage.cmd, name
        assert {out["path"] for out in lock[name]["outs"]} == {out.def_path for out in stage.outs}, name
        for dependency in stage.deps:
            if str(dependency.def_path).startswith((*PACKAGES, "params.yaml")):
                assert dependency.status() == {}, f"{name}: run `dvc repro` and commit dvc.lock"


def test_metrics_in_git_are_those_of_the_lock_file(lock):
    for stage in lock.values():
        for out in stage["outs"]:
            if out["path"].startswith("metrics/"):
                assert hashlib.md5(Path(out["path"]).read_bytes()).hexdigest() == out["md5"], out["path"]


def test_every_file_has_the_same_bytes_whatever_git_does_with_line_ends():
    if not Path(".git").exists():
        pytest.skip("no Git repository")
    listed = subprocess.run(["git", "ls-files", "--eol"], capture_output=True, text=True, check=True).stdout
    attributes = [re.search(r"attr/(.*?)\s*\t", line)[1] for line in listed.splitlines()]
    assert set(attributes) == {"-text", "text=auto eol=lf"}
