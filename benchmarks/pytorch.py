"""The chapter's five autoencoders trained by this pipeline and by PyTorch: images a second in steady state."""

import json
from collections.abc import Callable
from pathlib import Path

from benchmarks import workspace
from benchmarks.measuring import Options, json_lines, ratios, run, summary, version
from benchmarks.tables import figure, table

MISSING = "PyTorch is not installed; `pip install --index-url https://download.pytorch.org/whl/cpu torch` does it."
TITLE = "Against PyTorch: images a second in training, with Adam"
NETWORKS = ("photos-simple", "photos-multilayer", "photos-convolutional", "digits-simple", "digits-convolutional")
BATCH_SIZE = 128
ADAM = {"optimizer": "adam", "optimizer_options": {}, "learning_rate": 1e-3, "schedule": "constant", "warmup": 0.0}
SIDES = {"pipeline": "benchmarks.scripts.keras_speed", "pytorch": "benchmarks.scripts.torch_speed"}
# How long each process measures, once it has warmed up.
SECONDS = 4.0
SECONDS_QUICK = 0.2


def measure(options: Options, log: Callable[[str], None]) -> dict:
    """Return for each network and batch size the images a second of both sides and their ratio."""
    if version("torch") is None:
        return {"skipped": MISSING}
    with workspace.prepared(options, log) as (folder, values, data):
        found = {}
        for name in NETWORKS:
            block = values["autoencoders"][name]
            # A mapping, so that a recipe with the common batch size is not measured twice.
            for batch_size in dict.fromkeys((BATCH_SIZE, of_recipe(block["batch_size"]))):
                settings = {**ADAM, "batch_size": batch_size}
                found[f"{name}, batch {batch_size}"] = _both(folder, name, settings, options, log)
    return {"data": data, "networks": found}


def of_recipe(value: object) -> object:
    """Return a value of `params.yaml`, or the fast recipe's where it depends on the recipe."""
    return value["fast"] if isinstance(value, dict) and "fast" in value else value


def _both(folder: Path, name: str, settings: dict, options: Options, log: Callable[[str], None]) -> dict:
    asked = {"name": name, "settings": settings, "seconds": SECONDS_QUICK if options.quick else SECONDS}
    runs = {side: [] for side in SIDES}
    for _ in range(options.repetitions):
        for side, module in SIDES.items():
            child = run(["python", "-m", module, json.dumps(asked)], folder)
            runs[side].append(json_lines(child.output)[-1])
            log(f"{name}, batch {settings['batch_size']}: {side} {runs[side][-1]['images_per_second']:,.0f} images/s")
    speeds = {side: [each["images_per_second"] for each in runs[side]] for side in SIDES}
    return {
        **{side: {"images_per_second": summary(speeds[side]), "last": runs[side][-1]} for side in SIDES},
        "ratio": ratios(speeds["pipeline"], speeds["pytorch"]),
    }


def lines(result: dict) -> list[str]:
    """Return the part as Markdown."""
    rows = [
        [name, *(figure(found[side]["images_per_second"], 0) for side in SIDES), figure(found["ratio"], 2)]
        for name, found in result["networks"].items()
    ]
    return [
        workspace.sentence(result["data"]),
        "",
        *table(["network", "this pipeline", "PyTorch", "pipeline / PyTorch"], rows),
        "",
        "Same layers, initial weights, optimizer and batches; the first epoch is not counted. PyTorch runs eagerly, in "
        "the faster of its two memory formats and with the faster of its two implementations of Adam.",
    ]
