import json
import shutil
from pathlib import Path

import pytest
from small import ROOT, small_parameters, write_parameters

from stages import fingerprints
from stages.shared.parameters import load


@pytest.fixture
def sources(tmp_path, monkeypatch):
    """A copy of the project's sources to change; the working directory."""
    for folder in ("autoencoders", "stages"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    write_parameters(tmp_path, small_parameters())
    monkeypatch.chdir(tmp_path)
    fingerprints.main()
    return tmp_path


def written() -> dict[str, bytes]:
    return {file.stem: file.read_bytes() for file in Path("data/fingerprints").iterdir()}


def changed_by_another_run(before: dict[str, bytes]) -> set[str]:
    fingerprints.main()
    after = written()
    assert after.keys() == before.keys()
    return {name for name, content in after.items() if content != before[name]}


def test_every_stage_has_a_fingerprint_and_another_run_writes_the_same_bytes(sources):
    before = written()
    stages = {path.stem for path in Path("stages").glob("*.py")}
    assert before.keys() == stages - {"__init__", "fingerprints"}
    assert changed_by_another_run(before) == set()


@pytest.mark.parametrize(
    ("file", "stages"),
    [
        ("stages/search.py", {"search"}),
        ("autoencoders/neurons.py", {"neuron"}),
        ("autoencoders/uses/reconstruction.py", {"encode", "evaluate", "denoise", "sequence"}),
        ("autoencoders/pages/map/map.js", {"map"}),
        ("autoencoders/pages/report/report.css", {"report"}),
    ],
)
def test_a_changed_file_changes_the_fingerprints_of_the_stages_that_use_it(sources, file, stages):
    before = written()
    (sources / file).write_text((sources / file).read_text(encoding="utf-8") + "\n", encoding="utf-8")
    assert changed_by_another_run(before) == stages


def test_what_every_stage_uses_changes_every_fingerprint(sources):
    before = written()
    file = sources / "stages/shared/files.py"
    file.write_text(file.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    assert changed_by_another_run(before) == before.keys()


@pytest.mark.parametrize(
    ("section", "stages"),
    [
        ("cluster", {"cluster"}),
        ("in_memory", {"cluster", "embed", "export", "generate", "search"}),
        ("map", {"map"}),
        ("neuron", set()),
    ],
)
def test_a_changed_section_changes_the_fingerprints_of_the_stages_whose_runs_share_it(sources, section, stages):
    before, values = written(), load(Path("params.yaml"))
    other = 7 if section == "in_memory" else {**values[section], "seed": 7} if section != "neuron" else {}
    write_parameters(sources, {**values, section: other})
    assert changed_by_another_run(before) == stages


def test_a_fingerprint_holds_modules_and_shared_parameters(sources):
    found = json.loads((sources / "data/fingerprints/map.json").read_text(encoding="utf-8"))
    assert {"stages/map.py", "autoencoders/pages/map/map.js", "autoencoders/core/errors.py"} <= found["modules"].keys()
    assert all(len(value) == 64 for value in found["modules"].values())
    assert found["parameters"] == {"map": small_parameters()["map"]}


def test_a_parameter_that_changes_in_its_last_digits_changes_the_fingerprints_that_hold_it(sources):
    before = written()
    write_parameters(sources, {**small_parameters(), "in_memory": 512.00001})
    first = changed_by_another_run(before)
    before = written()
    write_parameters(sources, {**small_parameters(), "in_memory": 512.00002})
    assert first == changed_by_another_run(before) == {"cluster", "embed", "export", "generate", "search"}
