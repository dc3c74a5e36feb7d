"""A map of codes in two dimensions: as figures, as a page to explore, and as files for the Embedding Projector."""

import base64
import html
import io
import json
import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import matplotlib.image
import numpy as np
from matplotlib.figure import Figure
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE
from threadpoolctl import threadpool_limits

from autoencoders.core.errors import InputError
from autoencoders.pages import figures

COMPONENTS = 50
SPRITE_LIMIT = 8192  # pixels a side, beyond which the projector refuses a sprite
MARKERS = "oDs^v"
PAGES = Path(__file__).parent


class Shown(NamedTuple):
    """What is known of the n images on a map, all in the same order.

    Attributes
    ----------
    images : ndarray of shape (n, size, size, 1) or (n, size, size, 3), float32 in 0 to 1
    numbers : ndarray of shape (n,), integers
        The images' numbers in their source, by which a reader finds them again.
    labels : ndarray of shape (n,), integers from 0
    classes : sequence of str
        The names of the labels.
    clusters : ndarray of shape (n,), integers from 0
    """

    images: np.ndarray
    numbers: np.ndarray
    labels: np.ndarray
    classes: Sequence[str]
    clusters: np.ndarray


def positions(codes: np.ndarray, *, perplexity: float, max_iter: int, seed: int) -> np.ndarray:
    """Lay codes out in the plane by t-SNE, so that neighbours in code space stay neighbours.

    Codes of more than 50 values are first projected on 50 principal components, as the method's authors do, and
    the layout starts from the first two, which keeps more of the large-scale order than a random start does.
    Codes that are all the same lie in one point.

    Parameters
    ----------
    codes : ndarray of shape (n, width), float32
    perplexity : float
        About how many neighbours each code is held close to, from 1 to below n.
    max_iter : int
        Steps of the descent, at least 250.
    seed : int
        The same seed gives the same bytes.

    Returns
    -------
    ndarray of shape (n, 2), float32
        In no particular unit: only who is near whom has a meaning.

    Raises
    ------
    InputError
        If the perplexity is not below the number of codes.

    References
    ----------
    van der Maaten and Hinton, "Visualizing data using t-SNE", 2008; Kobak and Berens, "The art of using t-SNE for
    single-cell transcriptomics", 2019, on the start.
    """
    n, width = codes.shape
    if perplexity >= n:
        raise InputError(f"map.perplexity is {perplexity:g}, but it must be less than the {n} images shown; lower it.")
    if (codes == codes[0]).all():
        return np.zeros((n, 2), dtype=np.float32)
    # Threads add their shares of a sum in the order in which they finish, and with it change its last bits.
    with threadpool_limits(1):
        if width > COMPONENTS:
            codes = PCA(min(COMPONENTS, n), random_state=seed).fit_transform(codes)
        # A code of one value has no two components to start from.
        init = "pca" if width > 1 else "random"
        tsne = TSNE(2, perplexity=perplexity, max_iter=max_iter, init=init, random_state=seed)
        return tsne.fit_transform(codes)


def scatter(points: np.ndarray, groups: np.ndarray, names: Sequence[str], by: str, title: str = "") -> Figure:
    """Draw points [n, 2] in the colours of their groups, integers from 0 to len(names) - 1, with a legend.

    Groups beyond the number of colours start again with another marker; those without a point are left out.
    `by` says what the groups are, above the legend.
    """
    figure = Figure(figsize=(8, 6), layout="constrained")
    axis = figure.subplots()
    size = min(max(12000 / len(points), 2), 20)
    for group in np.unique(groups):
        turn, colour = divmod(int(group), len(figures.COLOURS))
        style = {"color": figures.COLOURS[colour], "marker": MARKERS[turn % len(MARKERS)], "linewidths": 0}
        axis.scatter(*points[groups == group].T, s=size, label=names[group], **style)
    axis.set(xticks=[], yticks=[])
    axis.set_aspect("equal", adjustable="datalim")
    axis.set_title(title, fontsize=10)
    columns = math.ceil(len(np.unique(groups)) / 24)
    scale = math.sqrt(30 / size)
    figure.legend(loc="outside right upper", title=by, ncols=columns, fontsize=8, markerscale=scale)
    return figure


def sprite(images: np.ndarray) -> bytes:
    """Return all images as one PNG: row by row, in a grid of as many rows as columns, the last cells black.

    The grid is square because the projector finds an image's row by the number of rows, where it should take that
    of columns (`spriteIndex / spritesPerColumn` in TensorBoard's `scatterPlotVisualizerSprites.ts`, still so in 2.21).

    Parameters
    ----------
    images : ndarray of shape (n, size, size, 1) or (n, size, size, 3), float32 in 0 to 1

    Raises
    ------
    InputError
        If a side would have more than 8192 pixels, the most that the projector takes.
    """
    n, size = images.shape[:2]
    cells = _cells(n)
    if cells * size > SPRITE_LIMIT:
        most = (SPRITE_LIMIT // size) ** 2
        raise InputError(f"map.sample gives {n} images, but one picture holds at most {most} of them; lower it.")
    grid = np.zeros((cells * cells, size, size, 3), dtype=np.uint8)
    grid[:n] = np.rint(255 * images)
    picture = grid.reshape(cells, cells, size, size, 3).swapaxes(1, 2).reshape(cells * size, cells * size, 3)
    file = io.BytesIO()
    matplotlib.image.imsave(file, picture, format="png", metadata={"Software": None})
    return file.getvalue()


def page(points: np.ndarray, shown: Shown, picture: bytes, title: str) -> str:
    """Return an HTML page that shows the map, and each dot's image on pointing at it; it needs nothing else.

    Parameters
    ----------
    points : ndarray of shape (n, 2), float32
        As `positions` gives them.
    shown : Shown
    picture : bytes
        Their images, as `sprite` gives them.
    title : str
    """
    low = points.min(axis=0)
    # Both axes by the same measure; downwards on a screen is upwards on the map.
    x, y = np.rint(10000 * (points - low) / (np.ptp(points, axis=0).max() or 1)).astype(int).T
    values = {
        "x": (x / 10000).tolist(),
        "y": ((y.max() - y) / 10000).tolist(),
        "class": shown.labels.tolist(),
        "cluster": shown.clusters.tolist(),
        "number": shown.numbers.tolist(),
        "classes": list(shown.classes),
        "colours": figures.COLOURS,
        "size": shown.images.shape[1],
        "columns": _cells(len(points)),
        "sprite": "data:image/png;base64," + base64.b64encode(picture).decode(),
    }
    parts = {
        "TITLE": html.escape(title),
        # A "<" in a name must not end the element that holds the data.
        "DATA": json.dumps(values, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c"),
        "STYLE": (PAGES / "map.css").read_text(encoding="utf-8"),
        "SCRIPT": (PAGES / "map.js").read_text(encoding="utf-8"),
    }
    template = (PAGES / "map.html").read_text(encoding="utf-8")
    return re.sub("__([A-Z]+)__", lambda match: parts[match[1]], template)


def write_projector(folder: Path, name: str, codes: np.ndarray, shown: Shown, picture: bytes) -> None:
    """Write codes, what is known of them and their images for TensorBoard's Embedding Projector into `folder`.

    `tensors.tsv` (the codes, six digits), `metadata.tsv` (class, cluster and number, under a header) and `sprite.png`
    have the same order. `projector_config.pbtxt` makes `tensorboard --logdir <folder>` find them, `config.json` the
    standalone projector served from the folder (`?config=config.json`).

    Parameters
    ----------
    folder : Path
        There already.
    name : str
        What the projector calls the codes.
    codes : ndarray of shape (n, width), float32
        Codes of one value get a second one, 0, since the projector takes no fewer than two.
    shown : Shown
    picture : bytes
        Their images, as `sprite` gives them.

    References
    ----------
    The files' form: `projector_config.proto`, `data-provider.ts` and `projector_plugin.py` in TensorBoard 2.21.
    """
    codes = _two_columns(codes)
    n, width = codes.shape
    size = shown.images.shape[1]
    row = "\t".join(["%.6g"] * width) + "\n"
    with (folder / "tensors.tsv").open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(row % tuple(code.tolist()) for code in codes)
    names = [shown.classes[label] for label in shown.labels]
    lines = [("class", "cluster", "image"), *zip(names, shown.clusters, shown.numbers, strict=True)]
    metadata = "".join("\t".join(map(str, line)) + "\n" for line in lines)
    (folder / "metadata.tsv").write_text(metadata, encoding="utf-8", newline="\n")
    (folder / "sprite.png").write_bytes(picture)
    embedding = {
        "tensorName": name,
        "tensorShape": [n, width],
        "tensorPath": "tensors.tsv",
        "metadataPath": "metadata.tsv",
        "sprite": {"imagePath": "sprite.png", "singleImageDim": [size, size]},
    }
    (folder / "config.json").write_text(json.dumps({"embeddings": [embedding]}, indent=2) + "\n", encoding="utf-8")
    (folder / "projector_config.pbtxt").write_text(_protobuf_text({"embeddings": embedding}), encoding="utf-8")


def _protobuf_text(values: dict, indent: str = "") -> str:
    """Return the text form of a protocol buffer, given its JSON form."""
    lines = []
    for key, value in values.items():
        field = re.sub("([A-Z])", lambda match: f"_{match[1].lower()}", key)
        if isinstance(value, dict):
            lines.append(f"{indent}{field} {{\n{_protobuf_text(value, indent + '  ')}{indent}}}\n")
        else:
            each = value if isinstance(value, list) else [value]
            lines += [f"{indent}{field}: {json.dumps(one)}\n" for one in each]
    return "".join(lines)


def _two_columns(vectors: np.ndarray) -> np.ndarray:
    """Return `vectors` [n, width], with a column of zeros, which changes no distance, if they have only one value."""
    return np.pad(vectors, ((0, 0), (0, max(2 - vectors.shape[1], 0))))


def _cells(n: int) -> int:
    """Return how many cells a side the smallest square grid for n images has."""
    return math.isqrt(n - 1) + 1
