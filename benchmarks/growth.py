"""Time and peak memory of five stages on ten times, and a hundred times, the chapter's images."""

import shutil
import tempfile
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

from benchmarks import workspace
from benchmarks.measuring import Child, Options, ratios, run, summary
from benchmarks.tables import figure, table

TITLE = "Growth: stages on synthetic 32×32×3 images"
SIZES, SIZES_QUICK = (10_000, 100_000, 1_000_000), (1_000, 5_000)
NETWORK = "photos-simple"
STAGES = {
    "preprocess": ["stages.preprocess", "photos"],
    "train": ["stages.train", "autoencoders", NETWORK],
    "encode": ["stages.encode", NETWORK],
    "cluster": ["stages.cluster", NETWORK],
    "search": ["stages.search", NETWORK],
}
# With its tenth of a test image: pixels as extracted and as prepared, a code of 256 float32, labels.
BYTES_AN_IMAGE = round(1.1 * (2 * 32 * 32 * 3 + 4 * 256 + 200))
SPARE = 2 * 10**9
LIMIT = 3 * 3600.0


def measure(options: Options, log: Callable[[str], None]) -> dict:
    """Return for each size and stage its seconds and memory, and the ratios from each size to the next."""
    values = workspace.parameters(options)
    values["datasets"]["photos"]["limit"] = None
    values["autoencoders"][NETWORK]["epochs"] = 1
    sizes, notes = {}, {}
    for size in SIZES_QUICK if options.quick else SIZES:
        if reason := lacking(size, shutil.disk_usage(options.scratch or tempfile.gettempdir()).free):
            notes[str(size)] = reason
            log(f"{size:,} images: {reason}")
            continue
        with workspace.scratch(options) as folder:
            workspace.write_parameters(folder, values)
            log(f"{size:,} images: writing them")
            run(["python", "-m", "benchmarks.scripts.synthetic", str(size)], folder)
            sizes[str(size)], ended = _size(folder, size, options, log)
        if ended:
            notes[str(size)] = ended
    return {"sizes": sizes, "ratios": _ratios(sizes), "notes": notes}


def lacking(size: int, free: int) -> str | None:
    """Say why a size cannot be measured with so many bytes of free disk, or nothing if it can."""
    wanted = size * BYTES_AN_IMAGE + SPARE
    if free >= wanted:
        return None
    return f"skipped, for it wants {wanted / 1e9:.1f} GB of disk and there are {free / 1e9:.1f}; name a --scratch."


def _size(folder: Path, size: int, options: Options, log: Callable[[str], None]) -> tuple[dict, str | None]:
    children: dict[str, list[Child]] = {}
    for _ in range(options.repetitions):
        for stage, (module, *arguments) in STAGES.items():
            child = run(["python", "-m", module, *arguments], folder, limit=LIMIT, check=False)
            if child.status:
                # A stage that needs more memory or time than there is says something, too.
                last = (child.output.strip().splitlines() or ["it said nothing"])[-1]
                note = f"{stage} ended with {child.status} after {child.seconds:.0f} s: {last}"
                log(f"{size:,} images: {note}")
                return _summaries(children), note
            children.setdefault(stage, []).append(child)
            log(f"{size:,} images: {stage} {child.seconds:.1f} s, {child.peak_memory / 2**20:,.0f} MiB")
    return _summaries(children), None


def _summaries(children: dict[str, list[Child]]) -> dict:
    return {
        stage: {
            "seconds": summary([each.seconds for each in runs]),
            "peak_memory": summary([each.peak_memory for each in runs]),
            "own_memory": summary([each.own_memory for each in runs]),
        }
        for stage, runs in children.items()
    }


def _ratios(sizes: dict) -> dict:
    found = {}
    for before, after in pairwise(sizes):
        for stage in sizes[before].keys() & sizes[after].keys():
            values = {
                key: [sizes[size][stage][key]["values"] for size in (after, before)] for key in sizes[after][stage]
            }
            found.setdefault(f"{before} to {after}", {})[stage] = {key: ratios(*each) for key, each in values.items()}
    return found


def lines(result: dict) -> list[str]:
    """Return the part as Markdown."""
    rows = []
    for stage in STAGES:
        for size, stages in result["sizes"].items():
            if found := stages.get(stage):
                memory = (figure(found[key], 0, factor=2**-20) for key in ("peak_memory", "own_memory"))
                rows.append([stage, f"{int(size):,}", figure(found["seconds"]), *memory, *_steps(result, size, stage)])
    header = ["stage", "images", "seconds", "peak MiB", "without mapped files", "seconds ×", "peak ×"]
    return [
        *table(header, rows),
        "",
        "Training images, with a tenth as many test images; one epoch. The last columns are ratios to the row above.",
        "Peak memory counts the pages of memory-mapped files, which the kernel may drop; the next column does not.",
        *(f"{int(size):,} images: {note}" for size, note in result["notes"].items()),
    ]


def _steps(result: dict, size: str, stage: str) -> list[str]:
    step = next((found for name, found in result["ratios"].items() if name.endswith(f" to {size}")), {})
    return [figure(step[stage][key], 2) if stage in step else "" for key in ("seconds", "peak_memory")]
