"""Whole trainings of the chapter's seven networks by this project's `fit` and by Keras's `fit`.

`python -m benchmarks.training` writes `benchmarks/training.md`.
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks import workspace
from benchmarks.measuring import ROOT, Options, OtherWork, json_lines, machine, ratios, run, summary
from benchmarks.tables import figure, table

FILE = ROOT / "benchmarks/training.md"
NETWORKS = {
    "dense": [
        ("classifiers", "photos-classifier"),
        ("classifiers", "digits-classifier"),
        ("autoencoders", "photos-simple"),
        ("autoencoders", "photos-multilayer"),
        ("autoencoders", "digits-simple"),
    ],
    "convolutional": [("autoencoders", "photos-convolutional"), ("autoencoders", "digits-convolutional")],
}
# The functions of `benchmarks.scripts.loops`.
WAYS = {
    "dense": ["fit", "keras_fit"],
    "convolutional": ["fit", "keras_fit", "keras_fit_rearranged", "plain_order"],
}
SHOWN = {
    "keras_fit": "Keras's `fit`",
    "keras_fit_rearranged": "Keras's `fit`, rearranged operations",
    "plain_order": "this project's `fit`, plain order of operations",
}


def measure(options: Options, log: Callable[[str], None]) -> dict:
    """Return for each network and way the wall-clock and CPU seconds of its trainings, and the final loss."""
    found: dict[str, dict[str, dict[str, list]]] = {}
    with workspace.prepared(options, log) as (folder, _, data):
        for _ in range(options.repetitions):
            for kind, ways in WAYS.items():
                for way in ways:
                    asked = {"way": way, "networks": NETWORKS[kind]}
                    child = run(["python", "-m", "benchmarks.scripts.loops", json.dumps(asked)], folder)
                    for each in json_lines(child.output):
                        kept = found.setdefault(each["network"], {}).setdefault(way, {})
                        for key in ("seconds", "cpu_seconds", "loss"):
                            kept.setdefault(key, []).append(each[key])
                        log(f"{each['network']}, {way}: {each['seconds']:.2f} s, {each['cpu_seconds']:.2f} CPU seconds")
    return {"data": data, "networks": found}


def lines(result: dict) -> list[str]:
    """Return the table as Markdown: each other way's seconds, and how many times those of this project's `fit`."""
    rows = []
    for name, ways in result["networks"].items():
        own = ways["fit"]
        for way, found in ways.items():
            cells = [name, SHOWN.get(way, "this project's `fit`")]
            for key in ("seconds", "cpu_seconds"):
                cells += [figure(summary(found[key]), 2), figure(ratios(found[key], own[key]), 2)]
            rows.append([*cells, f"{found['loss'][-1]:.4f}"])
    header = ["network", "trained by", "seconds", "ratio", "CPU seconds", "ratio", "loss"]
    return [workspace.sentence(result["data"]), "", *table(header, rows)]


def main() -> None:
    others = OtherWork()
    result = measure(Options(repetitions=int(sys.argv[1]) if sys.argv[1:] else 2), lambda line: print(line, flush=True))
    about, busy = machine(), f"{others.share():.0%}".replace("%", " %")
    versions = ", ".join(f"{name} {version}" for name, version in about["versions"].items())
    text = [
        "# Whole trainings",
        "",
        "Made by `python -m benchmarks.training`: whole trainings by the fast recipe, from compiling and tracing to "
        "the last step, without TensorFlow's import. Keras's `fit` gets prepared arrays and `steps_per_execution`, and "
        "does not use XLA. *ratio* is a way's seconds over those of this project's `fit`.",
        "",
        f"Measured on {about['processor']}, {about['cores']} cores, {about['memory_gib']:.0f} GiB; {versions}. "
        "Medians, with the smallest and the largest measurement. "
        f"Meanwhile other programs took {busy} of the processors; the more they take, the less the seconds say, and "
        "the CPU seconds alone compare them.",
        "",
        *lines(result),
    ]
    Path(FILE).write_text("\n".join(text) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
