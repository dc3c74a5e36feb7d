"""A small export of a real network: a linear autoencoder, whose weights are principal components of real images.

It is written within a second, without TensorFlow, and its reconstructions, clusters and neighbours are sensible.
"""

import csv
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from onnx import TensorProto, helper, numpy_helper
from sklearn.cluster import KMeans
from sklearn.datasets import load_digits, load_sample_images

from autoencoders.inference.running import Graph

FLOAT, UINT8 = TensorProto.FLOAT, TensorProto.UINT8
N_CLUSTERS, N_CENTRAL, STEPS = 10, 6, np.linspace(0, 1, 1001)

ENCODING = [
    ("Cast", "images", "cast"),
    ("Div", "cast most", "scaled"),
    ("Reshape", "scaled flat", "vectors"),
    ("Sub", "vectors mean", "centred"),
    ("MatMul", "centred encoder", "code"),
]
DECODING = [
    ("MatMul", "code decoder", "product"),
    ("Add", "product mean", "sum"),
    ("Clip", "sum zero one", "clipped"),
    ("Reshape", "clipped shape", "reconstruction"),
]
CLUSTERING = [
    ("Unsqueeze", "code first", "wide"),
    ("Sub", "wide centres", "differences"),
    ("Mul", "differences differences", "squares"),
    ("ReduceSum", "squares second", "sums"),
    ("Sqrt", "sums", "root"),
    ("Reshape", "root rows", "distances"),
]


def digits() -> tuple[np.ndarray, np.ndarray]:
    """Return scikit-learn's digits, uint8 [1797, 8, 8, 1], and their labels."""
    images, labels = load_digits(return_X_y=True)
    return np.round(images * (255 / 16)).astype(np.uint8).reshape(-1, 8, 8, 1), labels


def crops(n: int = 500, side: int = 32) -> np.ndarray:
    """Return crops of scikit-learn's two photographs, uint8 [n, side, side, 3]."""
    photographs, random = load_sample_images().images, np.random.default_rng(0)
    found = []
    for _ in range(n):
        image = photographs[random.integers(len(photographs))]
        top, left = (random.integers(length - side) for length in image.shape[:2])
        found.append(image[top : top + side, left : left + side])
    return np.stack(found)


def write(
    folder: Path,
    images: np.ndarray,
    labels: np.ndarray | None = None,
    *,
    name: str = "digits-linear",
    width: int = 16,
    index: bool = True,
    clusters: bool = True,
    denoises: bool = True,
    generates: bool = True,
) -> Path:
    """Write an export of a linear autoencoder of some images, uint8 [n, height, width, channels], into a folder."""
    folder.mkdir(parents=True)
    n_held, shape = len(images) // 5, images.shape[1:]
    vectors = images.reshape(len(images), -1) / np.float32(255)
    mean = vectors[n_held:].mean(axis=0)
    components = np.linalg.svd(vectors[n_held:] - mean, full_matrices=False)[2][:width]
    values = {"mean": mean, "encoder": components.T, "decoder": components, "most": np.float32(255)}
    values |= {"zero": np.float32(0), "one": np.float32(1)}
    values |= {"flat": np.array([-1, mean.size]), "shape": np.array([-1, *shape])}
    taken, made = ("images", UINT8, shape), ("reconstruction", FLOAT, shape)
    coded = ("code", FLOAT, (width,))
    _save(folder / "encoder.onnx", ENCODING, taken, coded, values)
    _save(folder / "decoder.onnx", DECODING, coded, made, values)
    codes = Graph(folder / "encoder.onnx")(images)
    if denoises:
        _save(folder / "denoiser.onnx", ENCODING + DECODING, taken, made, values)

    errors = np.square(vectors - np.clip(codes @ components + mean, 0, 1)).mean(axis=1, dtype=np.float64)
    quantiles = {"reconstruction": np.quantile(errors[:n_held], STEPS)}
    train, found = codes[n_held:], None
    if clusters:
        fitted = KMeans(N_CLUSTERS, n_init=1, random_state=0).fit(train)
        centres, found = fitted.cluster_centers_.astype(np.float32), fitted.labels_
        axes = {"first": np.array([1]), "second": np.array([2]), "rows": np.array([-1, N_CLUSTERS])}
        graph = folder / "clusters.onnx"
        _save(graph, CLUSTERING, coded, ("distances", FLOAT, (N_CLUSTERS,)), {**axes, "centres": centres[np.newaxis]})
        own = np.linalg.norm(train - centres[found], axis=1)
        quantiles["cluster"] = np.stack([np.quantile(own[found == each], STEPS) for each in range(N_CLUSTERS)])
        if index:
            np.save(folder / "central.npy", np.stack([_central(found == each, own) for each in range(N_CLUSTERS)]))
    if index:
        np.save(folder / "index.npy", train.astype(np.float32))
        np.save(folder / "thumbnails.npy", images[n_held:])
        _list(folder / "index.csv", len(train), None if labels is None else labels[n_held:], found)
        quantiles["index"] = np.quantile([np.linalg.norm(train - each, axis=1).min() for each in codes[:n_held]], STEPS)
    np.savez(folder / "quantiles.npz", **quantiles)
    if generates:
        factor = np.linalg.cholesky(np.cov(train.T) + 1e-6 * np.eye(width))
        np.savez(
            folder / "mixture.npz",
            weights=np.ones(1),
            means=train.mean(axis=0, dtype=np.float64)[np.newaxis],
            factors=factor[np.newaxis],
        )
    np.savez(folder / "probes.npz", images=images[:16], codes=codes[:16].astype(np.float32))
    classes = [] if labels is None else [str(label) for label in np.unique(labels)]
    facts = {"network": name, "classes": classes, "denoises": denoises, "generates": generates}
    _write_manifest(folder, shape, width, clusters, facts)
    return folder


def _save(file: Path, nodes: list, taken: tuple, made: tuple, values: Mapping[str, np.ndarray]) -> None:
    used = {name for _, names, _ in nodes for name in names.split()}
    # What is told of a tensor: its name, type and shape for one image.
    given, out = (helper.make_tensor_value_info(name, kind, ["n", *shape]) for name, kind, shape in (taken, made))
    held = [numpy_helper.from_array(np.array(value), name) for name, value in values.items() if name in used]
    steps = [
        helper.make_node(kind, names.split(), [output], **({"to": FLOAT} if kind == "Cast" else {}))
        for kind, names, output in nodes
    ]
    graph = helper.make_graph(steps, "linear", [given], [out], held)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    sizes = [int(np.prod(shape)) for _, _, shape in (taken, made)]
    code_shape = [min(sizes)]
    helper.set_model_props(model, {"code_shape": json.dumps(code_shape), "largest": str(max(sizes))})
    file.write_bytes(model.SerializeToString())


def _central(here: np.ndarray, distances: np.ndarray) -> np.ndarray:
    rows = np.flatnonzero(here)
    nearest = rows[np.argsort(distances[rows], kind="stable")][:N_CENTRAL]
    return np.pad(nearest, (0, N_CENTRAL - len(nearest)), constant_values=-1)


def _list(file: Path, n: int, labels: np.ndarray | None, clusters: np.ndarray | None) -> None:
    columns: dict[str, Any] = {"split": ["train"] * n, "row": range(n), "image": range(n)}
    if labels is not None:
        columns |= {"label": labels, "class": labels}
    if clusters is not None:
        columns["cluster"] = clusters
    with file.open("w", newline="", encoding="utf-8") as lines:
        csv.writer(lines).writerows([columns.keys(), *zip(*columns.values(), strict=True)])


def _write_manifest(folder: Path, shape: tuple, width: int, clusters: bool, facts: Mapping[str, Any]) -> None:
    files = {
        path.name: {"sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "bytes": path.stat().st_size}
        for path in sorted(folder.iterdir())
    }
    colour = "grey" if shape[2] == 1 else "rgb"
    images = {"height": shape[0], "width": shape[1], "channels": shape[2], "fit": "crop", "colour": colour}
    form = {"form": "kmeans", "clusterer": "kmeans", "n": N_CLUSTERS, "neighbours": None}
    manifest = {
        "format": 1,
        "kind": "dense",
        "dataset": "digits",
        "source": "bundled",
        "origin": "",
        "images": {**images, "max_pixels": 64_000_000, "deskew": False},
        "network_colour": colour,
        "code": {"width": width, "shape": [width]},
        "clusters": {"by": "centres" if clusters else None, **form},
        "search": {"metrics": ["cosine", "euclidean"]},
        "anomaly": {"score": "reconstruction"},
        "noise": 0.0,
        "variational": False,
        "parameters": {},
        "metrics": {},
        "largest_difference_to_keras": 0.0,
        "probes": {"codes_sha256": []},
        "files": files,
        **facts,
    }
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
