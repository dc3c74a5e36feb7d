"""How well an autoencoder tells images of another kind from its own: `python -m benchmarks.anomaly`.

Three scores say how unusual a test image is: `reconstruction`, the mean squared error of its reconstruction; `codes`,
the Euclidean distance of its code to the nearest training code; `pixels`, that of its pixels to the nearest training
image, which takes no network. Each is judged by its AUROC, the probability that it is higher for an unusual image than
for a usual one.

Unusual are the test digits of a class that training never saw, the others being usual, for each class in turn; and
grey patches of photographs, all test digits being usual. Labels of test images serve the AUROC alone. The figures go to
docs/results/anomaly.json, and as tables and curves to docs/anomaly.md and docs/anomaly.png.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from autoencoders.core.rounding import rounded
from autoencoders.core.rows import Rows
from autoencoders.exports.measures import reconstruction_errors
from autoencoders.images.preparation import Preparation, grey
from autoencoders.inference.codec import Codec
from autoencoders.sources.images import Source
from autoencoders.uses.neighbours import nearest
from benchmarks import workspace
from benchmarks.measuring import HOME_VARIABLE, ROOT, BenchmarkError, Options, machine
from benchmarks.tables import table
from stages.shared.settings.layers import of_recipe

FILE, DOCUMENT, FIGURE = ROOT / "docs/results/anomaly.json", ROOT / "docs/anomaly.md", ROOT / "docs/anomaly.png"
BEGIN, END = "<!-- The tables, as `python -m benchmarks.anomaly` writes them. -->", "<!-- End of the tables. -->"
DEFAULT = "digits-strided"
SCORES = {"reconstruction": "reconstruction", "codes": "nearest code", "pixels": "nearest pixels"}
# What a manifest calls the scores of a network.
NAMES = {"reconstruction": "reconstruction", "codes": "index"}
# Shares of usual images that are called unusual, at which the curves are drawn; FEW is one of them.
SHARES, FEW = np.linspace(0, 1, 101), 5
# Test digits and test photographs, the first of each.
TEST = 2000
# Of the quick run.
QUICK_CLASSES, QUICK_EPOCHS, QUICK_CROPS = 2, 1, 10

Scores = dict[str, np.ndarray]
Log = Callable[[str], None]


class Seen(NamedTuple):
    """Training and test digits, and patches of photographs, each uint8 [n, height, width, 1]; labels, int64 [n]."""

    training: np.ndarray
    labels: np.ndarray
    test: np.ndarray
    test_labels: np.ndarray
    patches: np.ndarray
    described: dict[str, Any]


def main(arguments: list[str] | None = None) -> int:
    """Measure each network that is asked for, write after each training, print the tables; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.anomaly", description=__doc__)
    parser.add_argument("networks", nargs="*", default=[DEFAULT], help=f"autoencoders of digits; {DEFAULT} by default")
    parser.add_argument("--quick", action="store_true", help="little data, to see that everything runs")
    parser.add_argument("--missing", action="store_true", help="train only what the file lacks, after a run that ended")
    parser.add_argument("--output", type=Path, help="the JSON file; by default docs/results/anomaly.json")
    asked = parser.parse_args(arguments)
    values = of_recipe(workspace.parameters(Options(quick=asked.quick)))
    blocks = {name: block for name, block in values["autoencoders"].items() if block["dataset"] == "digits"}
    if unknown := [name for name in asked.networks if name not in blocks]:
        parser.error(f"there is no autoencoder {unknown[0]} of digits; there is {', '.join(blocks)}")
    # Figures that mean nothing stay out of the repository.
    output = asked.output or (Path(tempfile.gettempdir(), "anomaly-quick.json") if asked.quick else FILE)
    begun = time.perf_counter()

    def log(message: str) -> None:
        print(f"[{time.perf_counter() - begun:6.0f} s] {message}", flush=True)

    if not asked.quick and not os.environ.get(HOME_VARIABLE):
        raise BenchmarkError(f"{HOME_VARIABLE} is not set; set it to the folder of the official files, or use --quick.")
    seen = images(values["datasets"], asked.quick)
    log(f"distances of pixels: {seen.described}")
    apart = {"digits": pixel_distances(seen, seen.test), "patches": pixel_distances(seen, seen.patches)}
    found = json.loads(output.read_text(encoding="utf-8")) if output.is_file() else {}
    for name in asked.networks:
        block = {**blocks[name], **({"epochs": QUICK_EPOCHS} if asked.quick else {})}
        about = {"machine": machine(), "images": seen.described, "epochs": block["epochs"]}
        earlier = found.get(name, {}) if asked.missing else {}
        found[name] = {**about, "left_out": {}, **earlier}
        for left_out in [None, *range(QUICK_CLASSES if asked.quick else int(seen.labels.max()) + 1)]:
            key = "photographs" if left_out is None else str(left_out)
            entries = found[name] if left_out is None else found[name]["left_out"]
            if key in entries:
                continue
            entries[key] = rounded(measured(seen, block, apart, left_out), 4)
            aurocs = ", ".join(f"{score} {entries[key][score]:.3f}" for score in SCORES)
            log(f"{name}, unusual: {key}: {aurocs}")
            output.write_text(text(found), encoding="utf-8")
    print("\n".join(lines(found)))
    if output == FILE:
        DOCUMENT.write_text(with_tables(DOCUMENT.read_text(encoding="utf-8"), found), encoding="utf-8")
    figure(found[asked.networks[0]], FIGURE if output == FILE else output.with_suffix(".png"))
    return 0


def images(datasets: Mapping[str, Mapping], quick: bool) -> Seen:
    """Read the digits, and cut a patch of the digits' size from the middle of each test photograph, in grey."""
    from autoencoders.sources import bundled, cifar10, mnist

    digits, photos = datasets["digits"], datasets["photos"]
    home = Path(os.environ.get(HOME_VARIABLE, "."))
    found: Source
    if quick:
        found = bundled.digits(digits["test_share"], digits["seed"], digits["limit"])
        pictures = bundled.photos(QUICK_CROPS, photos["test_share"], photos["seed"])
    else:
        found = mnist.load(home, digits["limit"], digits["test_share"], digits["seed"], print)
        # Training images, which nothing here takes, come with the test images; one batch is the fewest.
        pictures = cifar10.load(home, [1], photos["limit"], photos["test_share"], photos["seed"], print)
    test, photographs = found.test.first(TEST), pictures.test.first(TEST).images
    side = test.images.shape[1]
    start = (photographs.shape[1] - side) // 2
    middle = photographs[:, start : start + side, start : start + side]
    patches = np.rint(255 * grey(middle)).astype(np.uint8)
    described = {
        "digits": found.origin,
        "photographs": pictures.origin,
        "training": len(found.train.images),
        "test": len(test.images),
        "patches": len(patches),
    }
    return Seen(found.train.images, found.train.labels, test.images, test.labels, patches, described)


def pixel_distances(seen: Seen, queries: np.ndarray) -> np.ndarray:
    """Return the Euclidean distance of each image to the nearest training image of each class, float64 [n, classes].

    Pixels are 0 to 1. Without a class, the nearest image is the nearest of the other classes.
    """
    flat, n_classes = Preparation("grey", flat=True), int(seen.labels.max()) + 1
    indexes = [flat(seen.training[seen.labels == number]) for number in range(n_classes)]
    found = [nearest(index, flat(queries), ["euclidean"], 1)["euclidean"].distances for index in indexes]
    return np.concatenate(found, axis=1, dtype=np.float64)


def measured(
    seen: Seen, block: Mapping[str, Any], apart: Mapping[str, np.ndarray], left_out: int | None
) -> dict[str, Any]:
    """Train without a class, or with all of them for the patches, and judge the scores.

    Parameters
    ----------
    seen : Seen
    block : mapping
        Of `autoencoders` in params.yaml, whole, with the values of one recipe.
    apart : mapping of str to ndarray of shape (n, classes)
        What `pixel_distances` gives for the test digits, under "digits", and for the patches.
    left_out : int or None
        The class.

    Returns
    -------
    dict
        The AUROC of each of `SCORES`; `seconds_training`, and `seconds` of all; `curves`, for each score the share of
        unusual images that is found at each of `SHARES`, float [101].
    """
    from sklearn.metrics import roc_auc_score, roc_curve

    begun = time.perf_counter()
    others = [number for number in range(apart["digits"].shape[1]) if number != left_out]
    kept = np.isin(seen.labels, others)
    with tempfile.TemporaryDirectory(prefix="anomaly-") as folder:
        trained(seen.training[kept], block, Path(folder))
        training = time.perf_counter() - begun
        codec = Codec(Path(folder))
        index = codec.encode(seen.training[kept])
        parts = [by_network(codec, index, seen.test, block)]
        pixels = [apart["digits"][:, others].min(axis=1)]
        if left_out is None:
            parts.append(by_network(codec, index, seen.patches, block))
            pixels.append(apart["patches"].min(axis=1))
            unusual = np.repeat([False, True], [len(seen.test), len(seen.patches)])
        else:
            unusual = seen.test_labels == left_out
    scores = {score: np.concatenate([part[score] for part in parts]) for score in parts[0]}
    scores["pixels"] = np.concatenate(pixels)
    entry: dict[str, Any] = {score: float(roc_auc_score(unusual, scores[score])) for score in SCORES}
    entry |= {"seconds_training": training, "seconds": time.perf_counter() - begun, "curves": {}}
    for score in SCORES:
        false, true, _ = roc_curve(unusual, scores[score])
        entry["curves"][score] = np.interp(SHARES, false, true).tolist()
    return entry


def trained(given: np.ndarray, block: Mapping[str, Any], folder: Path) -> None:
    """Train a network on images, uint8 [n, height, width, 1], as the stage `train` does; write its graphs."""
    # Only now: TensorFlow takes seconds to import.
    from autoencoders.networks import architectures, runtime, storage
    from autoencoders.training.fit import Training, fit

    preparation = Preparation(block["colour"], flat=block["kind"] == "dense")
    runtime.deterministic(block["seed"])
    shape = given.shape[1:]
    network = architectures.build(block["kind"], "anomaly", preparation.shape(shape), {**block, "n_classes": 0})
    fit(network, given, None, preparation, Training.of(block))
    storage.save_graphs(network, folder, preparation, shape)


def by_network(codec: Codec, index: np.ndarray, given: np.ndarray, block: Mapping[str, Any]) -> Scores:
    """Return the scores `reconstruction` and `codes` of images, float64 [n]; `index` has the training codes."""
    prepare = Preparation(block["colour"], flat=False).__call__
    codes = nearest(index, codec.encode(given), ["euclidean"], 1)["euclidean"].distances[:, 0]
    errors = reconstruction_errors(Rows(given), prepare, codec.reconstruct)
    return {"reconstruction": errors, "codes": codes.astype(np.float64)}


def winner(entry: Mapping[str, Any]) -> str:
    """Return what a manifest calls the score of a network with the higher mean AUROC over the classes left out."""
    return NAMES[max(NAMES, key=lambda score: statistics.fmean(_aurocs(entry, score)))]


def lines(found: Mapping[str, Mapping]) -> list[str]:
    """Return for each network a table of AUROCs, a row a class left out, then their mean and range and the patches."""
    written = []
    for name, entry in found.items():
        rows = [[f"digit {number}", *_cells(each)] for number, each in entry["left_out"].items()]
        values = {score: _aurocs(entry, score) for score in SCORES}
        means = [f"**{statistics.fmean(each):.3f}**" for each in values.values()]
        rows.append([f"**mean of {len(rows)} digits**", *means])
        rows.append(["lowest to highest", *(f"{min(each):.3f} to {max(each):.3f}" for each in values.values())])
        few = [f"{100 * curve[FEW]:.0f} %" for curve in _curves(entry).values()]
        rows.append([f"found where {FEW} % of the usual are called unusual", *few])
        rows.append(["patches of photographs", *_cells(entry["photographs"])])
        about = entry["images"]
        seconds = sum(each["seconds"] for each in (entry["photographs"], *entry["left_out"].values()))
        written += [
            f"**{name}** ({about['training']:,} training images, less the class left out; {about['test']:,} test "
            f"digits; {about['patches']:,} patches; {entry['epochs']} epochs; {seconds:,.0f} s)",
            "",
            *table(["unusual", *SCORES.values()], rows),
            "",
        ]
    return written


def _curves(entry: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Return the mean curve over the classes left out, float64 [101], of each score."""
    apart = entry["left_out"].values()
    return {score: np.mean([each["curves"][score] for each in apart], axis=0) for score in SCORES}


def _aurocs(entry: Mapping[str, Any], score: str) -> list[float]:
    return [each[score] for each in entry["left_out"].values()]


def _cells(entry: Mapping[str, float]) -> list[str]:
    return [f"{entry[score]:.3f}" for score in SCORES]


def text(found: Mapping[str, Mapping]) -> str:
    """Return the figures as JSON, with a line a mapping of numbers and a line a curve."""
    written = json.dumps(found, indent=1, ensure_ascii=False)
    for opened, closed in ("[]", "{}"):
        parts = written.split(opened)
        for place, part in enumerate(parts[1:], 1):
            inside, mark, rest = part.partition(closed)
            if mark and not set("[]{}") & set(inside):
                parts[place] = " ".join(inside.split()) + mark + rest
        written = opened.join(parts)
    return written + "\n"


def with_tables(document: str, found: Mapping[str, Mapping]) -> str:
    """Return docs/anomaly.md with the tables of these figures between its two marks."""
    before, rest = document.split(BEGIN)
    return "\n".join([before + BEGIN, "", *lines(found), END]) + rest.split(END)[1]


def figure(entry: Mapping[str, Any], path: Path) -> None:
    """Draw the mean curve over the classes left out of each score."""
    from autoencoders.pages import figures

    drawn = {SCORES[score]: curve for score, curve in _curves(entry).items()}
    axes = ("share of usual digits called unusual", "share of unusual digits found")
    figures.save(figures.curves(SHARES, drawn, *axes, "A digit that training never saw", (0, 1)), path)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except BenchmarkError as error:
        sys.exit(f"error: {error}")
