"""What a step of a training costs: products and parameters, by the settings alone and without TensorFlow."""

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

# The defaults of `several_pay`: 10^11 products are some 25 seconds of one core, of which two workers save as much as
# they take to start. Measured: docs/scale.md.
LONG_EPOCH, PRODUCTS_A_PARAMETER = 1e11, 300


class Cost(NamedTuple):
    """Of a network.

    Attributes
    ----------
    products : int
        Multiplications of a forward pass, of one image.
    parameters : int
        float32 numbers that training changes: as many are exchanged in each step of a training on several workers.
    """

    products: int
    parameters: int

    def __add__(self, other: "Cost") -> "Cost":  # type: ignore[override]
        return Cost(self.products + other.products, self.parameters + other.parameters)


def of_network(kind: str, shape: tuple[int, ...], settings: Mapping[str, Any]) -> Cost:
    """Return the cost of a network.

    Parameters
    ----------
    kind : {"classifier", "dense", "convolutional", "strided"}
    shape : tuple of int
        Of one prepared image.
    settings : mapping
        As `autoencoders.networks.architectures.build` takes them.
    """
    if kind == "classifier":
        return _dense([*shape, *settings["units"], settings["n_classes"]])
    units = list(settings.get("units", ()))
    # A variational network has a second layer beside the code's.
    twice = [units[-2], units[-1]] if settings.get("kl_weight") and len(units) > 1 else None
    if kind == "dense":
        pixels = math.prod(shape)
        if settings.get("kl_weight"):
            twice = twice or [pixels, units[-1]]
        return _dense([pixels, *units, *reversed(units[:-1]), pixels]) + _dense(twice or [])
    height, width, channels = shape
    filters, size = list(settings["filters"]), settings["kernel_size"] ** 2
    if kind == "convolutional":
        # Each convolution keeps the image's size; those of the decoder lie below their up-sampling.
        sides = [*range(len(filters)), *range(len(filters), 0, -1), 0]
        widths = [channels, *filters, *reversed(filters), channels]
    else:
        # Strided ones halve it, and transposed ones have a product for each pixel that they read.
        sides = [*range(1, len(filters) + 1), *range(len(filters), 0, -1)]
        widths = [channels, *filters, *reversed(filters[:-1]), channels]
    cost = Cost(0, 0)
    for side, (before, after) in zip(sides, pairwise(widths), strict=True):
        cost += Cost((height * width // 4**side) * size * before * after, size * before * after + after)
    if kind == "strided":
        flat = height * width // 4 ** len(filters) * filters[-1]
        if settings.get("kl_weight"):
            twice = twice or [flat, units[-1]]
        cost += _dense([flat, *units, *reversed(units[:-1]), flat]) + _dense(twice or [])
    return cost


def _dense(widths: Sequence[int]) -> Cost:
    products = sum(before * after for before, after in pairwise(widths))
    return Cost(products, products + sum(widths[1:]))


def several_pay(
    cost: Cost,
    n_images: int,
    batch_size: int,
    n_workers: int,
    long_epoch: float = LONG_EPOCH,
    products_a_parameter: float = PRODUCTS_A_PARAMETER,
) -> bool:
    """Say whether a training is long enough to be shared by so many workers.

    Parameters
    ----------
    cost : Cost
    n_images : int
        Of an epoch.
    batch_size : int
    n_workers : int
    long_epoch : float, optional
        Products of a forward pass, over the images of an epoch, from which several workers pay.
    products_a_parameter : float, optional
        Those over the images of a worker's part of a batch, for each parameter whose gradient it exchanges.
    """
    part = batch_size / n_workers
    return (
        n_workers > 1
        and part >= 1
        and cost.products * n_images >= long_epoch
        and cost.products * part >= products_a_parameter * cost.parameters
    )
