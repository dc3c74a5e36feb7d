"""Exports of small networks with random weights, in the form that `exports/` has, and pictures for them."""

import csv
import hashlib
import json
from pathlib import Path
from typing import NamedTuple

import numpy as np
import onnx
from onnx import TensorProto, helper
from PIL import Image

from autoencoders.images import pictures
from autoencoders.images.deskewing import deskew
from autoencoders.images.forms import Form
from autoencoders.images.preparation import Preparation
from autoencoders.inference import graphs
from autoencoders.inference.running import Graph

SIZES = ((20, 30), (24, 16), (31, 31), (9, 40))
SUFFIXES = (".png", ".jpg", ".bmp", ".gif", ".webp", ".tiff", ".ppm")


class Kind(NamedTuple):
    """A network and the images it takes: stored (height, width, channels), and the network's colour."""

    kind: str
    shape: tuple[int, int, int]
    network_colour: str = "grey"
    fit: str = "crop"
    deskew: bool = False
    by: str | None = "centres"
    index: bool = True
    score: str = "reconstruction"
    denoises: bool = False
    variational: bool = False
    mixture: bool = True


KINDS = {
    "dense": Kind("dense", (8, 8, 1)),
    "strided": Kind("strided", (12, 8, 3), network_colour="rgb", fit="pad"),
    "convolutional": Kind(
        "convolutional", (8, 8, 3), fit="stretch", by=None, index=False, denoises=True, mixture=False
    ),
    "variational": Kind(
        "dense", (8, 10, 1), deskew=True, by="neighbours", score="index", variational=True, mixture=False
    ),
}
WIDE = "strided"  # whose mixture is one of components


class Example(NamedTuple):
    """An export, and the pictures of its training images in the order of its index."""

    kind: str
    export: Path
    pictures: Path
    files: list[Path]
    images: np.ndarray
    codes: np.ndarray


def make(folder: Path, kind: str, n: int = 24) -> Example:
    """Write `export/` and `pictures/` into a folder."""
    about, export = KINDS[kind], folder / "export"
    export.mkdir(parents=True)
    files = draw(folder / "pictures", n, seed=len(kind))
    form = Form(about.shape[:2], about.fit, "grey" if about.shape[2] == 1 else "rgb")
    images = np.stack([pictures.read(file, form).pixels for file in files])
    images = deskew(images) if about.deskew else images
    for name, graph in networks(kind).items():
        (export / f"{name}.onnx").write_bytes(graph.SerializeToString(deterministic=True))
    codes = Graph(export / "encoder.onnx")(images)
    train, test = slice(0, n - 4), slice(n - 4, n)
    _files(export, kind, images[train], codes[train], images[test], codes[test], [file.name for file in files])
    (export / "README.md").write_text(f"# {kind}\n")
    _manifest(export, kind, form, codes[test])
    return Example(kind, export, folder / "pictures", files[:-4], images[train], codes[train])


def draw(folder: Path, n: int, seed: int = 0) -> list[Path]:
    """Write pictures of several sizes, colours and formats: strokes of random places on black."""
    folder.mkdir(parents=True)
    random, files = np.random.default_rng(seed), []
    for number in range(n):
        height, width = SIZES[number % len(SIZES)]
        pixels = np.zeros((height, width, 3), np.uint8)
        for _ in range(4):
            top, left = random.integers(0, height - 4), random.integers(0, width - 4)
            pixels[top : top + 4, left : left + 3] = random.integers(100, 256, 3)
        file = folder / f"{number:03}{SUFFIXES[number % len(SUFFIXES)]}"
        Image.fromarray(pixels[..., 0] if number % 3 == 0 else pixels).save(file)
        files.append(file)
    return files


def networks(kind: str) -> dict[str, onnx.ModelProto]:
    """Return the graphs of a network of that kind, with random weights."""
    about = KINDS[kind]
    preparation = Preparation(about.network_colour, flat=about.kind == "dense")
    given = preparation._replace(flat=False).shape(about.shape)
    layers, weights = {"dense": _dense, "strided": _strided, "convolutional": _convolutional}[about.kind](given)
    architecture = {"config": {"name": kind, "layers": [{"name": "images", "class_name": "InputLayer"}, *layers]}}
    found = graphs.build(architecture, weights, preparation, about.shape, about.denoises)
    if about.by == "centres":
        centres = np.random.default_rng(7).normal(
            size=(3, found["encoder"].graph.output[0].type.tensor_type.shape.dim[1].dim_value)
        )
        found["clusters"] = clusters(centres)
    return found


def clusters(centres: np.ndarray) -> onnx.ModelProto:
    """Return the graph of the Euclidean distances to centres [k, width]."""
    k, width = centres.shape
    constants = [
        onnx.numpy_helper.from_array(np.array([0, 1, width], np.int64), "beside"),
        onnx.numpy_helper.from_array(centres.astype(np.float32), "centres"),
        onnx.numpy_helper.from_array(np.array([-1], np.int64), "last"),
    ]
    nodes = [
        helper.make_node("Reshape", ["code", "beside"], ["one"]),
        helper.make_node("Sub", ["one", "centres"], ["apart"]),
        helper.make_node("Mul", ["apart", "apart"], ["squares"]),
        helper.make_node("ReduceSum", ["squares", "last"], ["sum"], keepdims=0),
        helper.make_node("Sqrt", ["sum"], ["distances"]),
    ]
    given = helper.make_tensor_value_info("code", TensorProto.FLOAT, ["n", width])
    result = helper.make_tensor_value_info("distances", TensorProto.FLOAT, ["n", k])
    graph = helper.make_graph(nodes, "clusters", [given], [result], constants)
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", graphs.OPSET)], ir_version=graphs.IR_VERSION
    )
    helper.set_model_props(model, {"code_shape": json.dumps([width]), "largest": json.dumps(k * width)})
    return model


def _layer(name: str, kind: str, **config) -> dict:
    return {"name": name, "class_name": kind, "config": config}


def _weights(*shape: int, bias: int | None = None) -> list[np.ndarray]:
    random = np.random.default_rng(sum(shape))
    return [random.normal(scale=0.4, size=size).astype(np.float32) for size in (shape, (bias or shape[-1],))]


def _dense(given: tuple[int, ...]):
    pixels = int(np.prod(given))
    layers = [
        _layer("encoder_1", "Dense", activation="relu"),
        _layer("code", "Dense", activation="linear"),
        _layer("decoder_1", "Dense", activation="relu"),
        _layer("reconstruction", "Dense", activation="sigmoid"),
    ]
    shapes = [(pixels, 12), (12, 5), (5, 12), (12, pixels)]
    return layers, {layer["name"]: _weights(*shape) for layer, shape in zip(layers, shapes, strict=True)}


def _strided(given: tuple[int, ...]):
    height, width, channels = given
    half = (height // 2, width // 2, 4)
    flat = int(np.prod(half))
    windows = {"strides": [2, 2], "padding": "same"}
    layers = [
        _layer("encoder_1", "Conv2D", activation="relu", **windows),
        _layer("flatten", "Flatten"),
        _layer("code", "Dense", activation="linear"),
        _layer("decoder_dense_1", "Dense", activation="relu"),
        _layer("reshape", "Reshape", target_shape=half),
        _layer("reconstruction", "Conv2DTranspose", activation="sigmoid", **windows),
    ]
    weights = {
        "encoder_1": _weights(3, 3, channels, 4),
        "code": _weights(flat, 6),
        "decoder_dense_1": _weights(6, flat),
        "reconstruction": _weights(3, 3, channels, 4, bias=channels),
    }
    return layers, weights


def _convolutional(given: tuple[int, ...]):
    windows = {"strides": [1, 1], "padding": "same"}
    layers = [
        _layer("encoder_1", "Conv2D", activation="relu", **windows),
        _layer("code", "MaxPooling2D", pool_size=[2, 2], strides=[2, 2]),
        _layer("decoder_1", "Conv2D", activation="relu", **windows),
        _layer("up_1", "UpSampling2D", size=[2, 2]),
        _layer("reconstruction", "Conv2D", activation="sigmoid", **windows),
    ]
    channels = given[-1]
    weights = {
        "encoder_1": _weights(3, 3, channels, 4),
        "decoder_1": _weights(3, 3, 4, 4),
        "reconstruction": _weights(3, 3, 4, channels),
    }
    return layers, weights


def _files(export, kind, images, codes, test_images, test_codes, names):
    about, n = KINDS[kind], len(codes)
    np.savez(export / "probes.npz", images=test_images, codes=test_codes)
    graph = Graph(export / "decoder.onnx")
    prepared = Preparation(about.network_colour, flat=False)(test_images)
    errors = ((graph(test_codes) - prepared) ** 2).mean(axis=(1, 2, 3))
    shares = np.linspace(0, 1, 1001)
    quantiles = {"reconstruction": np.quantile(errors.astype(np.float64), shares)}
    assigned = np.arange(n) % 3
    if about.by == "centres":
        distances = Graph(export / "clusters.onnx")(codes).astype(np.float64)
        assigned = distances.argmin(axis=1)
        own = distances.min(axis=1)
        rows = [own[assigned == cluster] for cluster in range(3)]
        quantiles["cluster"] = np.array([np.quantile(row, shares) if len(row) else shares * np.nan for row in rows])
    if about.index:
        apart = np.linalg.norm(test_codes[:, np.newaxis] - codes, axis=-1).min(axis=1)
        quantiles["index"] = np.quantile(apart.astype(np.float64), shares)
        np.save(export / "index.npy", codes)
        np.save(export / "thumbnails.npy", images)
        np.save(export / "central.npy", np.full((3, 4), -1))
        with (export / "index.csv").open("w", newline="") as lines:
            writer = csv.writer(lines, lineterminator="\n")
            writer.writerow(["split", "row", "image", "file", "label", "class", "cluster"])
            writer.writerows(
                ["train", row, row, names[row], row % 2, "ab"[row % 2], cluster] for row, cluster in enumerate(assigned)
            )
    if about.by == "neighbours":
        np.save(export / "clusters.npy", assigned)
        apart = np.linalg.norm(codes[:, np.newaxis] - codes, axis=-1) + np.diag(np.full(n, np.inf))
        rows = [apart[np.ix_(assigned == cluster, assigned == cluster)].min(axis=1) for cluster in range(3)]
        quantiles["cluster"] = np.array([np.quantile(row.astype(np.float64), shares) for row in rows])
    if about.mixture:
        random, width = np.random.default_rng(3), codes.shape[1]
        d = 3 if kind == WIDE else width
        mixture = {
            "weights": np.array([0.25, 0.75]),
            "means": random.normal(size=(2, d)),
            "factors": np.tril(random.normal(size=(2, d, d))),
        }
        if kind == WIDE:
            mixture |= {"mean": random.normal(size=width), "components": random.normal(size=(d, width))}
        np.savez(export / "mixture.npz", **mixture)
    np.savez(export / "quantiles.npz", **quantiles)


def _manifest(export: Path, kind: str, form: Form, codes: np.ndarray) -> None:
    about = KINDS[kind]
    height, width, channels = about.shape
    manifest = {
        "format": 1,
        "network": kind,
        "kind": about.kind,
        "dataset": "drawn",
        "source": "folder",
        "origin": "strokes at random",
        "images": {
            "height": height,
            "width": width,
            "channels": channels,
            "fit": form.fit,
            "colour": form.colour,
            "max_pixels": 100_000,
            "deskew": about.deskew,
        },
        "network_colour": about.network_colour,
        "code": {"width": codes.shape[1], "shape": [codes.shape[1]]},
        "classes": ["a", "b"],
        "clusters": {
            "by": about.by,
            "form": "plain",
            "clusterer": "kmeans",
            "n": 3,
            "neighbours": 3 if about.by == "neighbours" else None,
        },
        "search": {"metrics": ["cosine", "euclidean"]},
        "anomaly": {"score": about.score},
        "generates": about.mixture or about.variational,
        "denoises": about.denoises,
        "noise": 0.3 if about.denoises else 0.0,
        "variational": about.variational,
        "parameters": {},
        "metrics": {},
        "largest_difference_to_keras": 0.0,
        "probes": {"codes_sha256": [hashlib.sha256(code.tobytes()).hexdigest() for code in codes]},
    }
    sign(export, manifest)


def sign(export: Path, manifest: dict | None = None) -> None:
    """Write the manifest with the files that there are; by default the one that is there."""
    file = export / "manifest.json"
    manifest = json.loads(file.read_text()) if manifest is None else manifest
    file.unlink(missing_ok=True)
    manifest["files"] = {
        path.name: {"sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "bytes": path.stat().st_size}
        for path in sorted(export.iterdir())
    }
    file.write_text(json.dumps(manifest, indent=2) + "\n")
