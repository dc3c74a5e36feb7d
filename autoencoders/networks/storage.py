"""A network as a folder: architecture, weights, a summary to read, and graphs that run without Keras.

Not one `.keras` file: that holds the time at which it was saved, so that two equal trainings would differ.
"""

import json
from pathlib import Path

import numpy as np

from autoencoders.core.errors import InputError
from autoencoders.images.preparation import Preparation
from autoencoders.inference import graphs
from autoencoders.inference.codec import Codec
from autoencoders.inference.running import Graph
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


def largest_difference(network: keras.Model, folder: Path, preparation: Preparation, images: np.ndarray) -> float:
    """Return the largest difference of an output between `network` in Keras and the graphs in `folder`.

    Parameters
    ----------
    network : keras.Model
    folder : Path
        Where `save_graphs` wrote its graphs.
    preparation : Preparation
    images : ndarray of shape (n, height, width, channels), uint8
        As stored. Of an autoencoder their codes and reconstructions are compared, of a classifier the probabilities.
    """
    names, prepared = [layer.name for layer in network.layers], preparation(images)
    if "code" in names:
        codec = Codec(folder)
        coder = keras.Model(network.input, network.get_layer("code").output)
        pairs = [(coder(prepared), codec.encode(images)), (network(prepared), codec.reconstruct(images))]
    else:
        pairs = [(network(prepared), Graph(folder / "classifier.onnx")(images))]
    return max(float(np.abs(np.asarray(one).reshape(other.shape) - other).max()) for one, other in pairs)


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
