"""Decoders run in NumPy, for a few images where importing TensorFlow would cost more than the work."""

import json
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
from scipy.special import expit

from autoencoders.errors import InputError

ACTIVATIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "linear": lambda x: x,
    "relu": lambda x: np.maximum(x, 0),
    "sigmoid": expit,
    "tanh": np.tanh,
}


def decode(folder: Path, codes: np.ndarray) -> np.ndarray | None:
    """Run codes through the decoder of the network in `folder`.

    Parameters
    ----------
    folder : Path
        As `autoencoders.networks.storage.save` wrote it.
    codes : ndarray of shape (n, *code shape), float32
        Activations of the layer `code`.

    Returns
    -------
    ndarray of shape (n, *image shape), float32 in 0 to 1, or None
        None where the decoder has a layer or an activation that this module does not know.

    Raises
    ------
    InputError
        If the folder's files are missing or damaged.
    """
    try:
        architecture = json.loads((folder / "network.json").read_text(encoding="utf-8"))
        weights = _weights(folder / "network.weights.h5")
    except (OSError, ValueError, KeyError) as error:
        raise InputError(
            f"{folder} holds no readable network ({type(error).__name__}); delete it and train again with `dvc repro`."
        ) from None
    layers = architecture["config"]["layers"]
    names = [layer["name"] for layer in layers]
    x = codes
    for layer in layers[names.index("code") + 1 :]:
        if not _is_known(layer):
            return None
        activation = ACTIVATIONS[layer["config"].get("activation", "linear")]
        x = activation(LAYERS[layer["class_name"]](x, layer["config"], weights[layer["name"]]))
    return x


def _is_known(layer: dict) -> bool:
    config = layer["config"]
    plain = config.get("padding", "same") == "same" and config.get("strides", [1, 1]) == [1, 1]
    return layer["class_name"] in LAYERS and config.get("activation", "linear") in ACTIVATIONS and plain


def _weights(file: Path) -> dict[str, list[np.ndarray]]:
    """Map each layer's name to its arrays; the groups themselves are named by class, in order."""
    with h5py.File(file) as store:
        return {
            group["vars"].attrs["name"]: [group["vars"][key][()] for key in sorted(group["vars"], key=int)]
            for group in store["layers"].values()
        }


def _dense(x: np.ndarray, config: dict, weights: list[np.ndarray]) -> np.ndarray:
    kernel, bias = weights
    return x @ kernel + bias


def _convolution(x: np.ndarray, config: dict, weights: list[np.ndarray]) -> np.ndarray:
    kernel, bias = weights
    height, width = kernel.shape[:2]
    # Keras puts the odd cell of an even kernel's padding at the end.
    padded = np.pad(x, ((0, 0), ((height - 1) // 2, height // 2), ((width - 1) // 2, width // 2), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (height, width), axis=(1, 2))
    return np.einsum("nyxchw,hwcf->nyxf", windows, kernel, optimize=True) + bias


def _up_sampling(x: np.ndarray, config: dict, weights: list[np.ndarray]) -> np.ndarray:
    rows, columns = config["size"]
    return x.repeat(rows, axis=1).repeat(columns, axis=2)


LAYERS: dict[str, Callable[[np.ndarray, dict, list[np.ndarray]], np.ndarray]] = {
    "Conv2D": _convolution,
    "Dense": _dense,
    "UpSampling2D": _up_sampling,
}
