"""The chapter's seven networks: its own scripts against the fast recipe, to the same training loss or accuracy."""

import json
from collections.abc import Callable
from pathlib import Path

from benchmarks import workspace
from benchmarks.measuring import ROOT, Options, json_lines, ratios, run, summary
from benchmarks.tables import figure, table

TITLE = "Against the chapter: seconds of a whole process, to the chapter's own final training loss or accuracy"
SCRIPT = ROOT / "benchmarks/scripts/chapter.py"
NETWORKS = {
    "photos-classifier": "Exercise 20",
    "digits-classifier": "Activity 9",
    "photos-simple": "Exercise 21",
    "photos-multilayer": "Exercise 22",
    "photos-convolutional": "Exercise 23",
    "digits-simple": "Activity 10",
    "digits-convolutional": "Activity 11",
}


def measure(options: Options, log: Callable[[str], None]) -> dict:
    """Return for each network the seconds and final scores of both sides, their ratio, and that of the sums."""
    with workspace.prepared(options, log) as (folder, values, data):
        networks = {name: _network(folder, values, name, options, log) for name in NETWORKS}
    return {"data": data, "networks": networks, "total": _total(networks)}


def _network(folder: Path, values: dict, name: str, options: Options, log: Callable[[str], None]) -> dict:
    group = "classifiers" if name in values["classifiers"] else "autoencoders"
    score = "accuracy" if group == "classifiers" else "loss"
    block = values[group][name]
    epochs = min(block["epochs"]["chapter"], 2) if options.quick else block["epochs"]["chapter"]
    images = folder / "data/prepared" / block["dataset"]
    runs = {"chapter": [], "fast": []}
    for number in range(max(options.repetitions, options.chapter_repetitions)):
        if number < options.chapter_repetitions:
            child = run(["python", str(SCRIPT), name, str(images), str(epochs)], folder)
            curve = json_lines(child.output)
            runs["chapter"].append((child.seconds, curve[-1][score], _first_as_good(curve, score)))
            log(f"{name}: chapter {child.seconds:.1f} s, {score} {curve[-1][score]:.4f}")
        if number < options.repetitions:
            child = run(["python", "-m", "stages.train", group, name], folder)
            final = json.loads((folder / "metrics/train" / f"{name}.json").read_text(encoding="utf-8"))
            runs["fast"].append((child.seconds, final[score], final["epochs"]))
            log(f"{name}: fast {child.seconds:.1f} s, {score} {final[score]:.4f}")
    finals = [each[1] for each in runs["chapter"]]
    # The best of the chapter's runs, so that no lucky pairing lets the fast recipe pass.
    target = max(finals) if score == "accuracy" else min(finals)
    return {
        "part": NETWORKS[name],
        "score": score,
        "target": target,
        "chapter": {
            "epochs": epochs,
            "seconds": summary([each[0] for each in runs["chapter"]]),
            "score": summary(finals),
            "seconds_to_first_as_good": summary([each[2] for each in runs["chapter"]]),
        },
        "fast": {
            "epochs": runs["fast"][0][2],
            "seconds": summary([each[0] for each in runs["fast"]]),
            "score": summary([each[1] for each in runs["fast"]]),
        },
        "reached": all(reaches(each[1], target, score) for each in runs["fast"]),
        "ratio": ratios([each[0] for each in runs["chapter"]], [each[0] for each in runs["fast"]]),
    }


def reaches(found: float, target: float, score: str) -> bool:
    """Return whether a final loss or accuracy is at least as good as the target."""
    return found >= target if score == "accuracy" else found <= target


def _first_as_good(curve: list[dict], score: str) -> float:
    """Return the seconds after which the chapter's script first had the score that it ended with."""
    return next(each["seconds"] for each in curve if reaches(each[score], curve[-1][score], score))


def _total(networks: dict) -> dict:
    sums = {}
    for side in ("chapter", "fast"):
        runs = [network[side]["seconds"]["values"] for network in networks.values()]
        sums[side] = [sum(each) for each in zip(*runs, strict=True)]
    found = {side: summary(values) for side, values in sums.items()}
    return {**found, "ratio": ratios(sums["chapter"], sums["fast"])}


def lines(result: dict) -> list[str]:
    """Return the part as Markdown."""
    rows = []
    for name, found in result["networks"].items():
        cells = [f"{name} ({found['part']})", found["score"]]
        for side in ("chapter", "fast"):
            each = found[side]
            cells += [str(each["epochs"]), figure(each["seconds"]), f"{each['score']['median']:.4f}"]
        rows.append([*cells, figure(found["ratio"]) + ("" if found["reached"] else ", target not reached")])
    total = result["total"]
    rows.append(
        ["all", "", "", figure(total["chapter"]), "", "", figure(total["fast"]), "", figure(total["ratio"])],
    )
    missed = [name for name, found in result["networks"].items() if not found["reached"]]
    header = ["network", "score", "chapter: epochs", "seconds", "score", "fast: epochs", "seconds", "score", "ratio"]
    return [
        workspace.sentence(result["data"]),
        "",
        *table(header, rows),
        "",
        "The chapter's side is a plain Keras script, the fast side a stage of the pipeline, each from its start to its "
        "end. "
        + (f"Target not reached by: {', '.join(missed)}." if missed else "The fast recipe reached every target."),
    ]
