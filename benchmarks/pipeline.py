"""What the whole graph takes from nothing, where that goes, and what it takes to find that nothing is to be done."""

import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from benchmarks import workspace
from benchmarks.measuring import ROOT, Options, environment, ratios, run, summary
from benchmarks.tables import figure, percent, table
from stages.shared.parameters import load

TITLE = "The pipeline: a cold run, where its time goes, and a run with nothing to do"
INSTRUMENTED = ROOT / "benchmarks/scripts/instrumented"
# What a run leaves, which a cold run must not find.
RESULTS = ("dvc.lock", "metrics", "docs", "README.md")
NOTHING_TO_DO = 3
AS_IS, EMPTY = "as it is", "as many empty stages"
LESS = {"without params": "params", "and without modules among the dependencies": "modules"}
SOURCES = ("autoencoders/", "stages/")
# Stands before the real interpreter on the path, since a process cannot time its own end.
INTERPRETER = """#!/bin/sh
started=$(date +%s.%N)
BENCHMARK_STARTED=$started "{python}" "$@"
status=$?
echo "$started $(date +%s.%N)" >> "$BENCHMARK_PROCESSES"
exit $status
"""


def measure(options: Options, log: Callable[[str], None]) -> dict:
    """Return the walls of a serial and of a parallel cold run, the serial one's shares, and the no-op's."""
    walls, shares = {"serial": [], "parallel": []}, []
    noops = {name: [] for name in (AS_IS, *LESS, EMPTY)}
    for _ in range(options.repetitions):
        with workspace.scratch(options) as folder:
            n_stages = _copy(folder / "serial", options)
            wall, seconds = _serial(folder)
            walls["serial"].append(wall)
            shares.append({name: value / wall for name, value in seconds.items()})
            log(f"serial {wall:.0f} s: " + ", ".join(f"{name} {value:.0f}" for name, value in seconds.items()))
            _empty(folder / "empty", n_stages)
            _nothing_to_do(folder, noops)
            log("nothing to do: " + ", ".join(f"{name} {values[-1]:.2f} s" for name, values in noops.items()))
        with workspace.scratch(options) as folder:
            _copy(folder / "parallel", options)
            child = run(["python", "-m", "tools.repro"], folder / "parallel", variables=_variables(folder / "parallel"))
            walls["parallel"].append(child.seconds)
            log(f"tools/repro.py {child.seconds:.0f} s")
    return {
        "source": {name: each["source"] for name, each in workspace.parameters(options)["datasets"].items()},
        "stages": n_stages,
        "serial": summary(walls["serial"]),
        "parallel": summary(walls["parallel"]),
        "shares": {name: summary([each[name] for each in shares]) for name in shares[0]},
        "nothing_to_do": {name: summary(values) for name, values in noops.items()},
        "ratios": {name: ratios(values, noops[EMPTY]) for name, values in noops.items() if name != EMPTY},
    }


def _variables(folder: Path, **more: str) -> dict[str, str]:
    # The copy's own packages, and never those of the repository it was copied from.
    return environment(**{"PYTHONPATH": str(folder), **more})


def _copy(folder: Path, options: Options) -> int:
    """Make a copy of the working tree with an empty cache, and return how many stages it has."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file() and not name.startswith(RESULTS):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    values = workspace.parameters(options)
    workspace.write_parameters(folder, _shrunk(values) if options.quick else values)
    run(["git", "init", "--quiet"], folder)
    return len(run(["dvc", "stage", "list", "--all", "--name-only"], folder).output.split())


def _shrunk(values: dict) -> dict:
    """Return parameters of a graph with one or two stages of each kind, each short."""

    def keep(block: dict, *names: str) -> dict:
        return {name: block[name] for name in names}

    values["autoencoders"] = keep(values["autoencoders"], "photos-simple", "digits-denoising", "digits-variational")
    for network in (*values["autoencoders"].values(), *values["classifiers"].values()):
        network["epochs"] = 1
    values["representations"] = keep(values["representations"], "photos-pixels", "digits-pixels")
    values["embeddings"] = keep(values["embeddings"], "photos-pixels-spectral")
    values["cluster"] |= {"seeds": 1, "silhouette_sample": 50}
    values["cluster"]["gaussian_mixture"] |= {"n_init": 1, "reg_covar": 1e-3}
    values["search"]["queries"] = 20
    values["map"] |= {"sample": 30, "perplexity": 5, "max_iter": 250}
    values["generate"] |= {"samples": 30, "shown": 10, "components": [1, 2], "pairs": 2, "steps": 3}
    values["denoise"] |= {"levels": [0.5], "images": 10, "shown": 4, "tuning": 4, "median_size": [3]}
    values["denoise"]["networks"] = keep(values["denoise"]["networks"], "digits-denoising")
    values["export"]["networks"] = keep(values["export"]["networks"], "digits-denoising")
    for block in (*values["sequence"].values(), *values["learning_rates"].values()):
        block["epochs"] = 1
    return values


def _serial(folder: Path) -> tuple[float, dict]:
    """Run the copy's graph one stage at a time; return the wall and the seconds of each category."""
    record, processes, bin_folder = folder / "record.jsonl", folder / "processes.txt", folder / "bin"
    bin_folder.mkdir()
    interpreter = bin_folder / "python"
    interpreter.write_text(INTERPRETER.format(python=sys.executable), encoding="utf-8")
    interpreter.chmod(0o755)
    path = f"{bin_folder}{os.pathsep}{environment()['PATH']}"
    measured = {"PATH": path, "BENCHMARK_RECORD": str(record), "BENCHMARK_PROCESSES": str(processes)}
    copy = folder / "serial"
    measured["PYTHONPATH"] = f"{INSTRUMENTED}{os.pathsep}{copy}"
    child = run(["dvc", "repro"], copy, variables=_variables(copy, **measured))
    records = [json.loads(line)["seconds"] for line in record.read_text(encoding="utf-8").splitlines()]
    spans = [line.split() for line in processes.read_text(encoding="utf-8").splitlines()]
    return child.seconds, split(child.seconds, records, [float(end) - float(start) for start, end in spans])


def split(wall: float, records: list[dict], processes: list[float]) -> dict:
    """Return the seconds of a serial run by category.

    Parameters
    ----------
    wall : float
        Of the whole run.
    records : list of dict
        What each process recorded of itself, seconds by category.
    processes : list of float
        The seconds of each process, from outside it.
    """
    found = Counter()
    for record in records:
        found.update(record)
    inside = sum(found.values())
    # What lies between a process's record and its end is its interpreter closing down.
    found["start-up and imports"] += sum(processes) - inside
    found["DVC"] = wall - sum(processes)
    return dict(found.most_common())


def _nothing_to_do(folder: Path, seconds: dict[str, list[float]]) -> None:
    """Add the seconds of some runs with nothing to do: of the graph, of the same with less in it, and of `empty`.

    What is taken away shows what the rest costs. The graph's own copy is left with the least.
    """
    copy = folder / "serial"
    for name in seconds:
        where = folder / "empty" if name == EMPTY else copy
        if name in LESS:
            graph = load(copy / "dvc.yaml")
            for stage in graph["stages"].values():
                _without(stage.get("do", stage), LESS[name])
            (copy / "dvc.yaml").write_text(json.dumps(graph), encoding="utf-8")
            run(["dvc", "commit", "--force"], copy)
        # The first finds cold caches of its own.
        seconds[name] += [run(["dvc", "repro"], where).seconds for _ in range(NOTHING_TO_DO + 1)][1:]


def _without(stage: dict, what: str) -> None:
    if what != "modules":
        stage.pop(what, None)
    else:
        # A stage without a dependency would run each time.
        stage["deps"] = [each for each in stage["deps"] if not each.startswith(SOURCES)] or ["pyproject.toml"]


def _empty(folder: Path, n_stages: int) -> None:
    """Make a pipeline of as many stages that do nothing, and run it once."""
    folder.mkdir()
    run(["git", "init", "--quiet"], folder)
    run(["dvc", "init", "--quiet"], folder)
    (folder / "input").write_text("a stage without a dependency would run each time\n", encoding="utf-8")
    stages = {f"stage-{number}": {"cmd": "true", "deps": ["input"]} for number in range(n_stages)}
    # JSON is YAML.
    (folder / "dvc.yaml").write_text(json.dumps({"stages": stages}), encoding="utf-8")
    run(["dvc", "repro"], folder)


def lines(result: dict) -> list[str]:
    """Return the part as Markdown."""
    sources = " and ".join(sorted(result["source"].values()))
    rows = [
        ["`python tools/repro.py`, cold, seconds", figure(result["parallel"])],
        ["`dvc repro`, cold, one stage at a time, seconds", figure(result["serial"])],
        *([f"of which {name}", percent(share)] for name, share in result["shares"].items()),
        *(
            [f"`dvc repro` with nothing to do, {name}, seconds", figure(seconds, 2)]
            for name, seconds in result["nothing_to_do"].items()
        ),
        *([f"ratio to {EMPTY}, {name}", figure(ratio, 2)] for name, ratio in result["ratios"].items()),
    ]
    return [
        f"Data: {sources}; {result['stages']} stages.",
        "",
        *table(["what", "measured"], rows),
        "",
        "*DVC* is what is left of the run outside the stages' processes; *training* is all that `fit` does to "
        "networks, tracing included; *fitting* is that of clusterings, mixtures, scalings, patches, principal "
        "components and embeddings; arrays that are memory-mapped are read where they are used.",
    ]
