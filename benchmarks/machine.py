"""How much of the machine's floating-point rate the training of dense networks reaches."""

import json
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path

from benchmarks import workspace
from benchmarks.measuring import Options, json_lines, run, summary
from benchmarks.pytorch import ADAM, SECONDS, SECONDS_QUICK, of_recipe
from benchmarks.tables import figure, percent, table

TITLE = "Against the machine: floating-point rate of training as a share of that of a large float32 matrix product"
NETWORKS = ("photos-simple", "photos-multilayer", "digits-simple", "digits-deep")
INPUTS = {"photos": 1024, "digits": 784}
BATCH_SIZES = (500, 2000)
SIZE, SIZE_QUICK = 4096, 1024


def measure(options: Options, log: Callable[[str], None]) -> dict:
    """Return for each network and way of training its rate, in operations a second, and the share."""
    with workspace.prepared(options, log) as (folder, values, data):
        networks, products = {}, []
        for name in NETWORKS:
            networks |= _network(folder, values["autoencoders"][name], name, options, products, log)
    return {"data": data, "networks": networks, "products": {"float32": summary(products)}}


def widths(block: dict) -> list[int]:
    """Return the widths of a dense autoencoder's layers, from its input to its output."""
    ends = [INPUTS[block["dataset"]]]
    return [*ends, *block["units"], *reversed(block["units"][:-1]), *ends]


def operations(layers: Sequence[int]) -> int:
    """Return the multiplications and additions of one image in a training step, in matrix products alone.

    Forwards each weight takes two; backwards two for its own gradient and two for that of the layer's input, which the
    first layer does not need. What the optimizer, activations and loss do besides is not counted.
    """
    weights = [before * after for before, after in pairwise(layers)]
    return 6 * sum(weights) - 2 * weights[0]


def _network(
    folder: Path, block: dict, name: str, options: Options, products: list, log: Callable[[str], None]
) -> dict:
    own = f"{of_recipe(block['optimizer'])}, batch {of_recipe(block['batch_size'])} (fast recipe)"
    ways = {own: {}} | {f"adam, batch {size}": {**ADAM, "batch_size": size} for size in BATCH_SIZES}
    asked = {"name": name, "settings": list(ways.values()), "seconds": SECONDS, "size": SIZE}
    if options.quick:
        asked |= {"seconds": SECONDS_QUICK, "size": SIZE_QUICK}
    rates, shares = {way: [] for way in ways}, {way: [] for way in ways}
    per_image = operations(widths(block))
    for _ in range(options.repetitions):
        child = run(["python", "-m", "benchmarks.scripts.arithmetic", json.dumps(asked)], folder)
        found = json_lines(child.output)[-1]
        products.append(max(found["float32"]))
        for way, speed in zip(ways, found["speeds"], strict=True):
            rates[way].append(speed["images_per_second"] * per_image)
            shares[way].append(rates[way][-1] / products[-1])
            log(f"{name}, {way}: {rates[way][-1] / 1e9:.1f} GFLOP/s, {shares[way][-1]:.0%}")
    return {
        f"{name}, {way}": {
            "operations_per_image": per_image,
            "operations_per_second": summary(rates[way]),
            "share": summary(shares[way]),
        }
        for way in ways
    }


def lines(result: dict) -> list[str]:
    """Return the part as Markdown."""
    rows = [
        [name, figure(found["operations_per_second"], 1, factor=1e-9), percent(found["share"])]
        for name, found in result["networks"].items()
    ]
    return [
        workspace.sentence(result["data"]),
        "",
        *table(["network", "GFLOP/s", "share of the matrix product"], rows),
        "",
        f"The matrix product reaches {figure(result['products']['float32'], 0, factor=1e-9)} GFLOP/s in float32. "
        "Counted are the matrix products of the network alone, not the optimizer's (Muon has its own).",
    ]
