import json
from collections import defaultdict
from functools import reduce
from operator import getitem
from pathlib import Path

import pytest
from small import ROOT, small_parameters, write_parameters

from stages import report, summarize
from stages.shared import leftovers, parameters


def test_what_is_kept_is_what_the_graph_makes_of_the_entries():
    values = parameters.load(ROOT / "params.yaml")
    expected = defaultdict(set)
    for stage in parameters.load(ROOT / "dvc.yaml")["stages"].values():
        mapping = stage.get("foreach", "").strip("${}")
        if not mapping:
            continue
        outs = [out for kind in ("outs", "plots", "metrics") for out in stage["do"].get(kind, [])]
        paths = [Path(out if isinstance(out, str) else next(iter(out))) for out in outs]
        for path in paths:
            expected[path.parent] |= set(reduce(getitem, mapping.split("."), values))
    found = leftovers.kept(parameters.check(values))
    assert {folder: found.get(folder) for folder in expected} == expected


def test_what_the_parameters_no_longer_name_is_removed_and_all_else_stays(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    gone = ["metrics/train/old.json", "models/old/history.csv", "plots/evaluate/old.csv", "plots/map/old/classes.png"]
    gone += ["data/codes/old/test.npy", "metrics/denoise/old.json", "data/maps/.partial-digits-simple/map.html"]
    left = ["metrics/train/digits-simple.json", "models/digits-rows/history.csv", "models/digits-simple/summary.txt"]
    left += [
        "plots/evaluate/digits-classifier.csv",
        "plots/neuron/curves.relu.csv",
        "metrics/sequence/digits-rows.json",
    ]
    left += ["metrics/train/.DS_Store", "data/downloads/mnist.pkl", "plots/notes.txt"]
    for file in map(Path, [*gone, *left]):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    leftovers.clear(parameters.check(small_parameters()))
    assert sorted(path.as_posix() for path in Path().rglob("*") if path.is_file()) == sorted(left)
    assert not Path("metrics/denoise").exists()
    assert "models/old is removed: params.yaml names no such entry.\n" in capsys.readouterr().out


EMPTIED = [
    "neuron",
    "learning_rates",
    "sequence",
    "representations",
    "embeddings",
    "generate.networks",
    "denoise.networks",
]
WITHOUT_CLASSIFIERS = ["classifiers", "generate.networks"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "keys", [[key] for key in EMPTIED] + [EMPTIED, WITHOUT_CLASSIFIERS], ids=lambda keys: "-".join(keys)
)
def test_of_an_emptied_mapping_nothing_is_left_in_summary_and_report(workspace, keys):
    values = small_parameters()
    names = set()
    for key in keys:
        emptied = reduce(getitem, key.split("."), values)
        names |= {key.partition(".")[0]} if "." in key else emptied.keys()
        emptied.clear()
        if key == "representations":
            values["embeddings"] = {
                name: each for name, each in values["embeddings"].items() if each["of"] not in names
            }
    write_parameters(workspace, values)
    summarize.main()
    report.main()
    assert json.loads(Path("metrics/encode/digits-simple.json").read_text(encoding="utf-8"))
    left = [path for folder in ("metrics", "plots") for path in Path(folder).rglob("*")]
    assert {path.name.partition(".")[0] for path in left} & names == set()
    if "generate.networks" in keys:
        assert "Samples" not in Path("report/index.html").read_text(encoding="utf-8")
