"""A map of codes in two dimensions: as figures, and as a page to explore."""

import base64
import html
import json
import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE

from autoencoders.core.errors import InputError
from autoencoders.core.threads import one_thread
from autoencoders.pages import figures, thumbnails

# Principal components that t-SNE is given of a wider code, as in van der Maaten and Hinton, 2008, section 4.2.
COMPONENTS = 50
# Pixels a side of the picture that holds all images: browsers on phones do not draw larger ones.
SPRITE_LIMIT = 8192
# Pixels a side of each image in it: larger ones are shrunk, since a page holds hundreds.
THUMBNAIL = 64
# The script draws the same ones.
MARKERS = "oDs^v"
# Groups in a legend, in two columns of a figure; the colour of what it has no room for.
MOST_GROUPS, OTHERS = 48, "#DDDDDD"
PAGES = Path(__file__).parent


class Shown(NamedTuple):
    """The n images on a map, and what is known of each, all in the same order.

    Attributes
    ----------
    images : ndarray of shape (n, height, width, 1) or (n, height, width, 3), float32 in 0 to 1
    numbers : ndarray of shape (n,), integers
        The images' numbers in their source, by which a reader finds them again.
    clusters : ndarray of shape (n,), integers from 0
    labels : ndarray of shape (n,), integers from 0, optional
    classes : sequence of str
        The names of the labels.
    files : sequence of str, optional
        The files of the images.
    """

    images: np.ndarray
    numbers: np.ndarray
    clusters: np.ndarray
    labels: np.ndarray | None = None
    classes: Sequence[str] = ()
    files: Sequence[str] | None = None


def positions(codes: np.ndarray, *, perplexity: float, max_iter: int, seed: int) -> np.ndarray:
    """Lay codes out in the plane by t-SNE, so that neighbours in code space stay neighbours.

    Codes of more than 50 values are first projected on 50 principal components, as the method's authors do, and
    the layout starts from the first two, which keeps more of the large-scale order than a random start does.
    Codes that are all the same lie in one point.

    Parameters
    ----------
    codes : ndarray of shape (n, width), float32
    perplexity : float
        About how many neighbours count for each code, from 1 to below n.
    max_iter : int
        Steps of the descent, at least 250.
    seed : int
        The same seed gives the same bytes.

    Returns
    -------
    ndarray of shape (n, 2), float32
        The coordinates have no unit; neighbours have a meaning, large distances have none.

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
    with one_thread():
        if width > COMPONENTS:
            codes = PCA(min(COMPONENTS, n), random_state=seed).fit_transform(codes)
        # A code of one value has no two components to start from.
        init = "pca" if width > 1 else "random"
        tsne = TSNE(2, perplexity=perplexity, max_iter=max_iter, init=init, random_state=seed)
        return tsne.fit_transform(codes)


def scatter(points: np.ndarray, groups: np.ndarray, names: Sequence[str], by: str, title: str = "") -> Figure:
    """Draw points [n, 2] in the colours of their groups, integers from 0 to len(names) - 1, with a legend.

    Groups beyond the number of colours start again with another marker; those without a point are left out. What a
    legend has no room for is drawn alike, as others. `by` says what the groups are, above the legend.
    """
    figure = Figure(figsize=(8, 6), layout="constrained")
    axis = figure.subplots()
    size = min(max(12000 / len(points), 2), 20)
    found = np.unique(groups)
    named = found if len(found) <= MOST_GROUPS else found[: MOST_GROUPS - 1]
    for group in named:
        turn, colour = divmod(int(group), len(figures.COLOURS))
        x, y = points[groups == group].T
        marker = MARKERS[turn % len(MARKERS)]
        label = figures.label(names[group])
        axis.scatter(x, y, s=size, color=figures.COLOURS[colour], marker=marker, linewidths=0, label=label)
    if len(named) < len(found):
        x, y = points[~np.isin(groups, named)].T
        label = f"{len(found) - len(named)} others"
        axis.scatter(x, y, s=size, color=OTHERS, marker="x", linewidths=1, label=label)
    axis.set(xticks=[], yticks=[])
    axis.set_aspect("equal", adjustable="datalim")
    axis.set_title(figures.plain(title), fontsize=10)
    columns = math.ceil(min(len(found), MOST_GROUPS) / 24)
    scale = math.sqrt(30 / size)
    # Given by name: Matplotlib leaves those that begin with an underscore out of a legend that it gathers itself.
    handles = axis.collections
    labels = [str(dots.get_label()) for dots in handles]
    figure.legend(handles, labels, loc="outside right upper", title=by, ncols=columns, fontsize=8, markerscale=scale)
    return figure


def sprite(images: np.ndarray) -> np.ndarray:
    """Return all images in one picture, uint8 [height, width, 3]: row by row, and black cells after the last.

    Parameters
    ----------
    images : ndarray of shape (n, height, width, 1) or (n, height, width, 3), float32 in 0 to 1
        Of more than 64 pixels a side they are shrunk to as many.

    Raises
    ------
    InputError
        If a side would have more than 8192 pixels.
    """
    n = len(images)
    height, width = thumbnails.size(images.shape[1:3], THUMBNAIL)
    columns = _columns(n)
    rows = math.ceil(n / columns)
    if columns * max(height, width) > SPRITE_LIMIT:
        most = (SPRITE_LIMIT // max(height, width)) ** 2
        of = f"{width}×{height} pixels"
        raise InputError(f"map.sample gives {n} images, but a page holds at most {most} of {of}; lower it.")
    cells = np.zeros((rows * columns, height, width, 3), dtype=np.uint8)
    for cell, image in zip(cells, images, strict=False):
        pixels = np.broadcast_to(np.rint(255 * image), (*image.shape[:2], 3)).astype(np.uint8)
        cell[:] = thumbnails.shrunk(pixels[np.newaxis], THUMBNAIL)[0]
    return cells.reshape(rows, columns, height, width, 3).swapaxes(1, 2).reshape(rows * height, columns * width, 3)


def _columns(n: int) -> int:
    """Return how many images stand side by side in a picture of n, about as wide as high."""
    return math.isqrt(n - 1) + 1


def render(points: np.ndarray, shown: Shown, title: str) -> str:
    """Return an HTML page that shows the map, and each dot's image on pointing at it; it needs nothing else.

    Parameters
    ----------
    points : ndarray of shape (n, 2), float32
        As `positions` gives them.
    shown : Shown
    title : str

    Raises
    ------
    InputError
        If the images are too many for one picture; see `sprite`.
    """
    low = points.min(axis=0)
    # Both axes have the same unit. On a screen, y grows downwards.
    x, y = np.rint(10000 * (points - low) / (np.ptp(points, axis=0).max() or 1)).astype(int).T
    height, width = thumbnails.size(shown.images.shape[1:3], THUMBNAIL)
    facts = [("class", "Class")] if shown.labels is not None else []
    facts += [("cluster", "Cluster"), ("number", "Image")]
    facts += [("file", "File")] if shown.files is not None else []
    values = {
        "x": (x / 10000).tolist(),
        "y": ((y.max() - y) / 10000).tolist(),
        **({} if shown.labels is None else {"class": shown.labels.tolist(), "classes": list(shown.classes)}),
        "cluster": shown.clusters.tolist(),
        "number": shown.numbers.tolist(),
        **({} if shown.files is None else {"file": list(shown.files)}),
        "colours": figures.COLOURS,
        "most": MOST_GROUPS,
        "others": OTHERS,
        "height": height,
        "width": width,
        "columns": _columns(len(points)),
        "sprite": "data:image/png;base64," + base64.b64encode(figures.png(sprite(shown.images))).decode(),
    }
    parts = {
        "TITLE": html.escape(title),
        # With clusters alone there is nothing to choose from.
        "CHOICE": "" if shown.labels is None else (PAGES / "choice.html").read_text(encoding="utf-8"),
        "FACTS": "\n".join(f'        <dt>{name}</dt><dd id="{key}">–</dd>' for key, name in facts),
        # A "<" in a name must not end the element that holds the data.
        "DATA": json.dumps(values, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c"),
        "STYLE": (PAGES / "map.css").read_text(encoding="utf-8"),
        "SCRIPT": (PAGES / "map.js").read_text(encoding="utf-8"),
    }
    template = (PAGES / "map.html").read_text(encoding="utf-8")
    return re.sub("__([A-Z]+)__", lambda match: parts[match[1]], template)
