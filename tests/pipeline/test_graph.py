"""`dvc.yaml` and `dvc.lock` as code: what they declare is what the modules do."""

import ast
import re
from pathlib import Path

import pytest
import yaml
from dvc.repo import Repo
from modules import closure
from small import ROOT

from stages.shared.parameters import load
from stages.shared.settings.layers import WITH_DEFAULTS, WITH_RECIPES

GRAPH = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))
ENTRIES = {name: entry.get("do", entry) for name, entry in GRAPH["stages"].items()}
PACKAGES = ("autoencoders/", "stages/")
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


def module_of(entry: dict) -> Path:
    return Path(*re.match(r"python -m (\S+)", entry["cmd"])[1].split(".")).with_suffix(".py")


@pytest.mark.parametrize("name", ENTRIES)
def test_each_stage_lists_the_modules_it_comes_to_import_and_no_others(name):
    entry = ENTRIES[name]
    declared = {path for path in entry["deps"] if path.startswith(PACKAGES)}
    used = closure(module_of(entry))
    files = {path: {file.as_posix() for file in Path(path).rglob("*.py")} or {path} for path in declared}
    assert used <= set().union(*files.values())
    # A folder counts as one: what it holds is read together. One without modules holds pages for those beside it.
    assert [path for path, inside in files.items() if inside != {path} and not inside & used] == []
    assert [path for path in declared if path.endswith(".py") and path not in used] == []


@pytest.mark.parametrize("name", ENTRIES)
def test_each_stage_declares_exactly_the_parameters_it_reads(name):
    entry = ENTRIES[name]
    if "params.yaml" in entry["deps"]:
        # Whoever tells of everything depends on the whole file.
        assert "params" not in entry
        return
    read = parameters_read(module_of(entry))
    if name.startswith("train"):
        # One module for both groups of networks; the command says which.
        read = {key.replace("${key}.${key}", entry["cmd"].split()[-2] + ".${key}") for key in read}
    groups = {key.partition(".")[0] for key in read}
    # What one network or embedding is read as depends on the defaults of its kind, and which value on the recipe.
    implied = {"defaults.${item.kind}"} if groups & set(WITH_DEFAULTS) else set()
    implied |= {"recipe"} if groups & set(WITH_RECIPES) else set()
    assert set(entry.get("params", [])) == read | implied


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
def test_a_stage_its_module_and_its_outputs_share_a_name(name):
    entry = ENTRIES[name]
    word = module_of(entry).stem.replace("_", "-")
    # DVC iterates over one mapping at a time, so that some stages have an entry for each.
    assert name.removesuffix("-classifier").removesuffix("-representation").removesuffix("-embedding") == word
    outs = [*entry.get("outs", []), *entry.get("plots", []), *entry.get("metrics", [])]
    paths = [out if isinstance(out, str) else next(iter(out)) for out in outs]
    # The report is a folder of its own, where people look for it.
    assert all(Path(path).parts[-1 if path == "report" else 1].removesuffix(".json") == word for path in paths)


def test_every_stage_has_a_description_and_every_metrics_file_is_kept_in_git():
    for entry in ENTRIES.values():
        assert entry["desc"]
        assert all(settings == {"cache": False} for out in entry.get("metrics", []) for settings in out.values())


def test_every_module_of_the_pipeline_is_a_stage_or_serves_one():
    used = set().union(*(closure(module_of(entry)) for entry in ENTRIES.values()))
    modules = {path.as_posix() for folder in PACKAGES for path in Path(folder).rglob("*.py") if path.stem != "__init__"}
    assert modules <= used


def test_the_library_imports_nothing_of_the_pipeline():
    for file in Path("autoencoders").rglob("*.py"):
        assert not any(path.startswith("stages/") for path in closure(file)), file


@pytest.mark.parametrize("name", sorted(ENTRIES.keys() - {"train", "train-classifier", "learning_rates", "sequence"}))
def test_stages_that_run_no_network_do_not_reach_tensorflow(name):
    assert "autoencoders/networks/runtime.py" not in closure(module_of(ENTRIES[name]))


def test_the_lock_file_names_the_stages_there_are(stages):
    lock = yaml.safe_load(Path("dvc.lock").read_text(encoding="utf-8"))
    assert set(lock["stages"]) == set(stages)


def test_the_lock_file_agrees_with_commands_parameters_and_sources(stages):
    lock = yaml.safe_load(Path("dvc.lock").read_text(encoding="utf-8"))["stages"]
    for name, stage in stages.items():
        assert lock[name]["cmd"] == stage.cmd, name
        assert {out["path"] for out in lock[name]["outs"]} == {out.def_path for out in stage.outs}, name
        for dependency in stage.deps:
            if str(dependency.def_path).startswith((*PACKAGES, "params.yaml")):
                assert dependency.status() == {}, f"{name}: run `dvc repro` and commit dvc.lock"


def test_metrics_in_git_are_those_of_the_lock_file(stages):
    import hashlib

    lock = yaml.safe_load(Path("dvc.lock").read_text(encoding="utf-8"))["stages"]
    for name in stages:
        for out in lock[name]["outs"]:
            if out["path"].startswith("metrics/"):
                assert hashlib.md5(Path(out["path"]).read_bytes()).hexdigest() == out["md5"], out["path"]
