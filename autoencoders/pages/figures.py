"""Figures. Each function returns a Matplotlib figure; `save` writes it, the same bytes for the same figure.

However much they are given, they draw what one can look at in seconds, the first of it, and say so below the title.
"""

import io
import math
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator
from PIL import Image

from autoencoders.pages import thumbnails

# What a curve is given as.
Numbers: TypeAlias = Sequence[float] | np.ndarray | pd.Series

# Paul Tol's "bright" scheme: distinct also for the colour-blind and in print.
COLOURS = ["#4477AA", "#EE6677", "#228833", "#CCBB44", "#66CCEE", "#AA3377", "#BBBBBB", "#222222", "#EE7733", "#009988"]


DPI = 100
# Images narrower than so many pixels are widened to about that, so that a gap of a whole pixel is a thin one.
CELL = 32
# Larger images are shrunk to so many pixels a side, on which a figure draws them.
DRAWN = 110
# Between rows of images, in heights of a square one.
GAP = 0.1
# A row of images is at least so high and at most so high, in widths of an image: a code of 256×32 would tower over its
# neighbours at its true shape, one of 1×512 be a hairline.
LOWEST, HIGHEST = 0.125, 3.0
# Heights of all rows of images, images in a row, curves of a plot, rows and columns of a matrix, bars: what is drawn.
MOST_HEIGHT, MOST_IMAGES, MOST_CURVES, MOST_CELLS, MOST_BARS = 40, 30, 40, 60, 300
# Cells of a matrix that shows its zeros too.
MOST_ZEROS = 1000
# Letters of a name in a legend or at an axis, and of a line above an image.
MOST_LETTERS, MOST_OF_CAPTION = 30, 20


def plain(text: str) -> str:
    """Return a text as Matplotlib draws it literally: between two dollars, as a file may have them, it reads TeX."""
    return text.replace("$", r"\$")


def label(name: str, most: int = MOST_LETTERS) -> str:
    """Return the name of a class for a legend, an axis or a caption, of at most `most` letters; see `plain`."""
    return plain(name if len(name) <= most else name[: most - 1] + "…")


def save(figure: Figure, path: Path) -> None:
    """Write a figure as a PNG of 100 pixels an inch.

    `Figure.savefig` draws everything twice, the first time only to lay it out; the canvas lays out and draws in one go,
    with the same result.
    """
    figure.set_dpi(DPI)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    path.write_bytes(png(np.asarray(canvas.buffer_rgba())[..., :3]))


def png(pixels: np.ndarray) -> bytes:
    """Return a picture, uint8 [height, width, 3], as a PNG: of one channel where the picture is grey.

    One channel takes a quarter of the time of Matplotlib's four, and 0.6 of their bytes.
    """
    grey = (pixels == pixels[..., :1]).all()
    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels[..., 0] if grey else pixels)).save(file, "PNG")
    return file.getvalue()


def image_rows(
    rows: Mapping[str, np.ndarray],
    captions: Sequence[str] = (),
    title: str = "",
    stretched: Collection[str] = (),
    frames: Mapping[str, Sequence[str | None]] | None = None,
) -> Figure:
    """Draw rows of images under each other.

    Parameters
    ----------
    rows : mapping of str to ndarray of shape (n, height, width) or (n, height, width, channels)
        Each row's name and images. Three channels are colours in 0 to 1 or uint8; anything else is drawn in
        grey from 0 to 1 (uint8 to 255), or stretched over the row's own range as `stretched` asks.
    captions : sequence of str, optional
        One above each column.
    title : str, optional
    stretched : collection of str, optional
        The rows, codes for one, whose values have no common range.
    frames : mapping of str to sequence of str or None, optional
        For the rows named, the colour of the frame around each image, None for none.
    """
    longest = max(len(images) for images in rows.values())
    columns, captions = min(longest, MOST_IMAGES), captions[:MOST_IMAGES]
    heights = [min(max(images.shape[1] / images.shape[2], LOWEST), HIGHEST) for images in rows.values()]
    heights = heights[: max(1, int(np.searchsorted(np.cumsum(heights), MOST_HEIGHT, side="right")))]
    title = _in_part(title, rows=(len(heights), len(rows)), images=(columns, longest))
    rows = {name: images[:columns] for name, images in list(rows.items())[: len(heights)]}
    size = (1.2 + 1.1 * columns, 0.5 + 0.3 * bool(captions) + 1.15 * sum(heights))
    figure = Figure(figsize=size, layout="constrained")
    # One pair of axes for all rows, since laying out a pair for each takes half of the time. Rows count downwards.
    axis = figure.subplots()
    tops = np.cumsum([0.0, *(height + GAP for height in heights[:-1])])
    for (name, images), top, height in zip(rows.items(), tops, heights, strict=True):
        if not len(images):
            # A cluster that no image is in.
            continue
        pixels = _coloured(images, name in stretched)
        # Codes, which may be long on one side, keep each of their numbers.
        picture = _side_by_side(thumbnails.shrunk(pixels, DRAWN) if min(pixels.shape[1:3]) > DRAWN else pixels)
        extent = (0, len(images), top + height, top)
        axis.imshow(picture, aspect="auto", interpolation="nearest", extent=extent)
        for column, colour in enumerate((frames or {}).get(name, ())[:columns]):
            if colour:
                frame = Rectangle((column + 0.03, top), 0.94, height, fill=False, color=colour, linewidth=3)
                # A frame at the edge is drawn whole, and the layout need not measure it.
                axis.add_patch(frame).set(clip_on=False, in_layout=False)
    axis.set_yticks(tops + np.divide(heights, 2), list(map(plain, rows)))
    axis.tick_params(length=0)
    axis.set(xticks=[], xlim=(0, columns), ylim=(tops[-1] + heights[-1], 0))
    axis.spines[:].set_visible(False)
    for column, caption in enumerate(captions):
        caption = "\n".join(label(line, MOST_OF_CAPTION) for line in caption.split("\n"))
        axis.text(column + 0.5, -0.05, caption, ha="center", va="bottom", fontsize=8)
    if title:
        # Above the captions, which belong to the axes and may have two lines.
        figure.suptitle(plain(title), fontsize=10)
    return figure


def _coloured(images: np.ndarray, stretched: bool) -> np.ndarray:
    """Return images [n, height, width] or [n, height, width, channels] as uint8 [n, height, width, 3], NaN as white."""
    if images.ndim == 3:
        images = images[..., np.newaxis]
    values = images.astype(np.float32)
    if stretched:
        values = (values - np.nanmin(values)) / (np.nanmax(values) - np.nanmin(values) or 1)
    elif images.dtype == np.uint8:
        values /= 255
    shades = np.nan_to_num(np.rint(255 * values.clip(0, 1)), nan=255)
    return np.broadcast_to(shades.astype(np.uint8), (*images.shape[:3], 3))


def _side_by_side(images: np.ndarray) -> np.ndarray:
    """Return images [n, height, width, 3] as one picture, with white gaps of about 0.03 of a width beside each."""
    n, height, width, channels = images.shape
    times = max(1, round(CELL / width))
    gap = max(1, round(0.032 * times * width))
    wide = images.repeat(times, axis=2)
    picture = np.pad(wide, ((0, 0), (0, 0), (gap, gap), (0, 0)), constant_values=255)
    return picture.swapaxes(0, 1).reshape(height, -1, channels)


def curves(
    x: Numbers | Mapping[str, Numbers],
    lines: Mapping[str, Numbers],
    xlabel: str,
    ylabel: str,
    title: str = "",
    limits: tuple[float, float] | None = None,
) -> Figure:
    """Draw one or several curves into one plot; `x` is common to all, or each line's own under its name."""
    figure = Figure(figsize=(6.4, 4.2), layout="constrained")
    axis = figure.subplots()
    _draw_curves(axis, x, lines, xlabel, ylabel)
    axis.set_title(_in_part(title, curves=(min(len(lines), MOST_CURVES), len(lines))))
    if limits:
        axis.set_ylim(limits)
    return figure


def panels(x: Numbers, curves: Mapping[str, Mapping[str, Numbers]], xlabel: str, title: str = "") -> Figure:
    """Draw plots of curves side by side: for each label of a y-axis its lines, over an `x` common to all."""
    figure = Figure(figsize=(1.2 + 4.6 * len(curves), 4.2), layout="constrained")
    for axis, (ylabel, lines) in zip(figure.subplots(1, len(curves), squeeze=False)[0], curves.items(), strict=True):
        _draw_curves(axis, x, lines, xlabel, ylabel)
    if title:
        figure.suptitle(title)
    return figure


def _draw_curves(
    axis: Axes,
    x: Numbers | Mapping[str, Numbers],
    lines: Mapping[str, Numbers],
    xlabel: str,
    ylabel: str,
) -> None:
    for number, (name, y) in enumerate(list(lines.items())[:MOST_CURVES]):
        own = x[name] if isinstance(x, Mapping) else x
        style = "-" if number < len(COLOURS) else "--"
        # A single point makes no line.
        marker = "o" if np.isfinite(np.asarray(y, float)).sum() == 1 else None
        axis.plot(own, y, style, color=COLOURS[number % len(COLOURS)], label=name, marker=marker)
    axis.set(xlabel=xlabel, ylabel=ylabel)
    if all(isinstance(value, (int, np.integer)) for value in np.asarray(axis.lines[0].get_xdata(), dtype=object)):
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    axis.grid(alpha=0.3)
    if len(lines) > 1:
        _legend(axis)


def matrix(
    counts: np.ndarray, rows: Sequence[str], columns: Sequence[str], xlabel: str, ylabel: str, title: str = ""
) -> Figure:
    """Draw a matrix of counts [rows, columns] as a heat map with its numbers; shades are shares of a row."""
    shares = (counts / np.maximum(counts.sum(axis=1, keepdims=True), 1))[:MOST_CELLS, :MOST_CELLS]
    counts = counts[:MOST_CELLS, :MOST_CELLS]
    title = _in_part(title, rows=(len(counts), len(rows)), columns=(counts.shape[1], len(columns)))
    rows, columns = (list(map(label, names[:MOST_CELLS])) for names in (rows, columns))
    figure = Figure(figsize=(2.2 + 0.62 * len(columns), 1.8 + 0.42 * len(rows)), layout="constrained")
    axis = figure.subplots()
    axis.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    axis.set_xticks(range(len(columns)), columns, rotation=45, ha="right")
    axis.set_yticks(range(len(rows)), rows)
    axis.set(xlabel=xlabel, ylabel=ylabel)
    axis.set_title(plain(title), fontsize=10)
    for (row, column), count in np.ndenumerate(counts):
        # Thousands of texts take seconds; in a large matrix most are zeros.
        if not count and counts.size > MOST_ZEROS:
            continue
        shade = "white" if shares[row, column] > 0.6 else "black"
        # The layout need not measure what lies inside the axes.
        axis.text(column, row, str(count), ha="center", va="center", fontsize=7, color=shade, in_layout=False)
    return figure


def number_grids(grids: Mapping[str, np.ndarray], title: str = "") -> Figure:
    """Draw small arrays of numbers side by side, each cell with its number (Figure 5.31)."""
    top = max(grid.max() for grid in grids.values())
    figure = Figure(figsize=(2.4 * len(grids), 2.9), layout="constrained")
    for axis, (name, grid) in zip(figure.subplots(1, len(grids), squeeze=False)[0], grids.items(), strict=True):
        axis.imshow(grid, cmap="Blues", vmin=0, vmax=1.6 * top)
        axis.set_title(name, fontsize=9)
        axis.set(xticks=[], yticks=[])
        for (row, column), value in np.ndenumerate(grid):
            axis.text(column, row, f"{value:g}", ha="center", va="center")
    if title:
        figure.suptitle(plain(title), fontsize=10)
    return figure


def bars(table: pd.DataFrame, xlabel: str, title: str = "") -> Figure:
    """Draw a group of horizontal bars for each row of `table`, a bar for each column."""
    all_rows, all_columns = table.shape
    table = table.iloc[: MOST_BARS // (min(all_columns, MOST_CURVES) + 1), :MOST_CURVES]
    n_rows, n_columns = table.shape
    title = _in_part(title, rows=(n_rows, all_rows), bars=(n_columns, all_columns))
    figure = Figure(figsize=(7.2, 1.3 + 0.22 * n_rows * (n_columns + 1)), layout="constrained")
    axis = figure.subplots()
    height = 0.8 / n_columns
    for number, column in enumerate(table):
        positions = np.arange(n_rows) + (number - (n_columns - 1) / 2) * height
        drawn = axis.barh(positions, table[column], height, color=COLOURS[number % len(COLOURS)], label=column)
        axis.bar_label(drawn, fmt="%.3g", fontsize=7, padding=2, in_layout=False)
    axis.set_yticks(range(n_rows), table.index)
    axis.invert_yaxis()
    axis.margins(x=0.1)
    axis.set(xlabel=xlabel)
    axis.set_title(title, fontsize=10)
    if n_columns > 1:
        _legend(axis)
    return figure


def _legend(axis: Axes) -> None:
    """Put a legend where it covers least; it lies inside the axes, so that the layout need not measure it."""
    columns = math.ceil(len(axis.get_legend_handles_labels()[1]) / 20)
    axis.legend(fontsize=8, ncols=columns).set_in_layout(False)


def _in_part(title: str, **counts: tuple[int, int]) -> str:
    """Add to a title of how many things, by their name, how many are shown, where these are not all."""
    parts = [f"{shown} of {n} {things}" for things, (shown, n) in counts.items() if shown < n]
    return "\n".join(filter(None, [title, ", ".join(parts)]))
