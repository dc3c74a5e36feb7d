"""Try settings, score them by validation images alone, and write trials and decisions down.

They go to docs/results/choices.json, and as tables to docs/choices.md.
"""

import argparse
import json
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from autoencoders.core.rounding import rounded
from benchmarks.choices import classifiers, images, steps
from benchmarks.choices.clusterings import Trials
from benchmarks.choices.document import lines, with_trials
from benchmarks.choices.rule import Rule, Trial, decide
from benchmarks.measuring import ROOT, BenchmarkError, Options, machine
from stages.shared.settings.layers import of_recipe

FILE = ROOT / "docs/results/choices.json"
DOCUMENT = ROOT / "docs/choices.md"
# Training images: 70 % of 2,500, 5,000 and 10,000 images.
SHARES = (4, 2, 1)

Log = Callable[[str], None]


def main(arguments: list[str] | None = None) -> int:
    """Run the parts that are asked for, write each decision as it is made, print the tables; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.choices", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="part", help=f"of {', '.join(steps.STEPS)}; all if none is named")
    parser.add_argument("--quick", action="store_true", help="little data, to see that everything runs")
    parser.add_argument("--cache", type=Path, help="folder that keeps codes for a next run; delete it after a change")
    parser.add_argument("--output", type=Path, help="the JSON file; by default docs/results/choices.json")
    asked = parser.parse_args(arguments)
    if unknown := [part for part in asked.parts if part not in steps.STEPS]:
        parser.error(f"there is no part {unknown[0]}; there is {', '.join(steps.STEPS)}")
    # Figures that mean nothing stay out of the repository.
    output = asked.output or (Path(tempfile.gettempdir(), "choices-quick.json") if asked.quick else FILE)
    begun = time.perf_counter()

    def log(message: str) -> None:
        print(f"[{time.perf_counter() - begun:6.0f} s] {message}", flush=True)

    found = json.loads(output.read_text(encoding="utf-8")) if output.is_file() else {}
    with images.without_test_images(Options(quick=asked.quick), log) as (folder, values, data):
        values = of_recipe(values)
        for part in asked.parts or steps.STEPS:
            found[part] = {"machine": machine(), "data": data, "steps": {}}
            found = {name: found[name] for name in steps.STEPS if name in found}
            with tempfile.TemporaryDirectory(prefix="choices-") as scratch:
                for step in steps.STEPS[part]:
                    result, values = run(step, values, folder, asked.cache or Path(scratch), log)
                    found[part]["steps"][step.title] = rounded(result, 5)
                    output.write_text(text(found), encoding="utf-8")
    print("\n".join(lines(found)))
    if output == FILE:
        DOCUMENT.write_text(with_trials(DOCUMENT.read_text(encoding="utf-8"), found), encoding="utf-8")
    return 0


def text(found: Mapping[str, dict]) -> str:
    """Return the parts as JSON with a line a trial."""
    written = json.dumps(found, indent=1, ensure_ascii=False)
    trial = r'\{\n *("setting": "[^{}]*?)\n *\}'
    return re.sub(trial, lambda match: "{" + re.sub(r"\n *", " ", match[1]) + "}", written) + "\n"


def run(step: steps.Step, values: dict, folder: Path, cache: Path, log: Log) -> tuple[dict, dict]:
    """Make one decision; return it, and the parameters with the chosen settings."""
    classifies = step.blocks[0].startswith("classifiers.")
    dataset = _block(values, step.blocks[0])["dataset"]
    seen = images.read(folder, dataset)
    cache = cache / dataset
    cache.mkdir(parents=True, exist_ok=True)
    trials = Trials(seen, values["cluster"], cache)

    def trial(settings: Mapping, n: int, seed: int) -> dict[str, float]:
        changed, begun = laid(values, step.blocks, settings), time.perf_counter()
        if classifies:
            scores = [classifiers.accuracy(seen, changed["classifiers"][name], n, seed) for name in step.scored]
        else:
            scores = []
            for name in step.scored:
                embedding = changed["embeddings"][name]
                scores.append(trials.scores(changed["representations"][embedding["of"]], embedding, n, seed))
        means = {key: statistics.fmean(each[key] for each in scores) for key in scores[0]}
        shown = ", ".join(f"{key} {value:.4f}" for key, value in means.items())
        log(f"{step.title}: {dict(settings)}, {n:,} images, seed {seed}: {shown}; {time.perf_counter() - begun:.0f} s")
        return means

    tried: Trial = trial
    sizes = [len(seen.train) // share for share in SHARES]
    rule = Rule("accuracy" if classifies else "ari", sizes, step.seeds, step.tolerance, step.growth_seeds)
    result = decide(step.settings, tried, rule, step.grows)
    log(f"{step.title}: chosen: {result['chosen']}")
    chosen = laid(values, step.blocks, step.settings[result["chosen"]])
    return {"score": rule.score, "settings": step.settings, **result}, chosen


def laid(values: dict, blocks: tuple[str, ...], settings: Mapping) -> dict:
    """Return the parameters with settings laid over the blocks that the dotted keys name."""
    for key in blocks:
        group, name = key.split(".")
        values = {**values, group: {**values[group], name: {**values[group][name], **settings}}}
    return values


def _block(values: Mapping, key: str) -> Mapping:
    group, name = key.split(".")
    return values[group][name]


if __name__ == "__main__":
    try:
        sys.exit(main())
    except BenchmarkError as error:
        sys.exit(f"error: {error}")
