"""A network as a folder: architecture, weights, a summary to read, and graphs that run without Keras.

Not one `.keras` file: that holds the time at which it was saved, so that two equal trainings would differ.
"""

import json
from pathlib import Path

from autoencoders.core.errors import InputError
from autoencoders.images.preparation import Preparation
from autoencoders.inference import graphs
from autoencoders.networks.runtime import keras

# Reading a variational network needs its layer registered.
from autoencoders.networks.variational import Sampling as _Sampling  # noqa: F401

ARCHITECTURE = "network.json"
WEIGHTS = "network.weights.h5"
SUMMARY = "summary.txt"


def save(network: keras.Model, folder: Path) -> None:
    """Write `network` into the existing `folder`: three files, the same bytes for the same network."""
    (folder / ARCHITECTURE).write_text(network.to_json(indent=2) + "\n", encoding="utf-8")
    network.save_weights(folder / WEIGHTS)
    lines: list[str] = []
    network.summary(line_length=80, print_fn=lines.append)
    (folder / SUMMARY).write_text("\n".join(lines) + "\n", encoding="utf-8")


def save_graphs(
    network: keras.Model,
    folder: Path,
    preparation: Preparation,
    image_shape: tuple[int, int, int],
    denoises: bool = False,
) -> None:
    """Write the ONNX graphs of `network` into the existing `folder`, each as `<graph>.onnx`.

    See `autoencoders.inference.graphs.build` for the graphs and the parameters. The same network gives the same bytes.
    """
    weights = {layer.name: layer.get_weights() for layer in network.layers}
    built = graphs.build(json.loads(network.to_json()), weights, preparation, image_shape, denoises)
    for name, graph in built.items():
        (folder / f"{name}.onnx").write_bytes(graph.SerializeToString(deterministic=True))


def load(folder: Path) -> keras.Model:
    """Read a network that `save` wrote.

    Raises
    ------
    InputError
        If a file is missing or damaged, or the weights do not fit the architecture.
    """
    try:
        network = keras.models.model_from_json((folder / ARCHITECTURE).read_text(encoding="utf-8"))
        network.load_weights(folder / WEIGHTS)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{folder} holds no readable network ({type(error).__name__}); delete it and train again with `dvc repro`."
        ) from None
    return network
