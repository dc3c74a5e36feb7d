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
from autoencoders.pages import figures

# Principal components that t-SNE is given of a wider code, as in van der Maaten and Hinton, 2008, section 4.2.
COMPONENTS = 50
# Pixels a side of the picture that holds all images: browsers on phones do not draw larger ones.
SPRITE_LIMIT = 8192
MARKERS = "oDs^v"
# Groups in the legend of a figure, in two columns; the colour of what it has no room for.
MOST_GROUPS, OTHERS = 48, "#DDDDDD"
PAGES = Path(__file__).parent


class Shown(NamedTuple):
    """The n images on a map, and what is known of each, all in the same order.

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
        axis.scatter(x, y, s=size, color=figures.COLOURS[colour], marker=marker, linewidths=0, label=names[group])
    if len(named) < len(found):
        x, y = points[~np.isin(groups, named)].T
        label = f"{len(found) - len(named)} others"
        axis.scatter(x, y, s=size, color=OTHERS, marker="x", linewidths=1, label=label)
    axis.set(xticks=[], yticks=[])
    axis.set_aspect("equal", adjustable="datalim")
    axis.set_title(title, fontsize=10)
    columns = math.ceil(min(len(found), MOST_GROUPS) / 24)
    scale = math.sqrt(30 / size)
    figure.legend(loc="outside right upper", title=by, ncols=columns, fontsize=8, markerscale=scale)
    return figure


def sprite(images: np.ndarray) -> np.ndarray:
    """Return all images in one picture, uint8 [height, width, 3]: row by row, and black cells after the last.

    Parameters
    ----------
    images : ndarray of shape (n, size, size, 1) or (n, size, size, 3), float32 in 0 to 1

    Raises
    ------
    InputError
        If a side would have more than 8192 pixels.
    """
    n, size = images.shape[:2]
    columns = _columns(n)
    rows = math.ceil(n / columns)
    if columns * size > SPRITE_LIMIT:
        most = (SPRITE_LIMIT // size) ** 2
        raise InputError(f"map.sample gives {n} images, but a page holds at most {most} of {size} pixels; lower it.")
    cells = np.zeros((rows * columns, size, size, 3), dtype=np.uint8)
    cells[:n] = np.rint(255 * images)
    return cells.reshape(rows, columns, size, size, 3).swapaxes(1, 2).reshape(rows * size, columns * size, 3)


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
    values = {
        "x": (x / 10000).tolist(),
        "y": ((y.max() - y) / 10000).tolist(),
        "class": shown.labels.tolist(),
        "cluster": shown.clusters.tolist(),
        "number": shown.numbers.tolist(),
        "classes": list(shown.classes),
        "colours": figures.COLOURS,
        "size": shown.images.shape[1],
        "columns": _columns(len(points)),
        "sprite": "data:image/png;base64," + base64.b64encode(figures.png(sprite(shown.images))).decode(),
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
