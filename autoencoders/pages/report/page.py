"""One page of all results: tables, what they say, figures and maps, in one HTML file that needs nothing else."""

import base64
import io
import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from numbers import Real
from pathlib import Path
from typing import NamedTuple

import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from PIL import Image

PAGES = Path(__file__).parent
OFFICIAL = ("cifar10", "mnist")

# What others report, on all of the official images; a range as two rows.
PUBLISHED = pd.DataFrame(
    [
        ("K-means on pixels", "MNIST", 0.53, 0.50, None, "Guo, DEC-keras: README, Table 1"),
        ("Autoencoder, K-means", "MNIST", 0.818, None, None, "Guo et al. 2017, IDEC: as in IDEC-toy's README"),
        ("Autoencoder, K-means, ten runs", "MNIST", 0.879, 0.807, 0.783, "Guo, DEC-keras: results/exp1/results.csv"),
        ("DEC, the best of nine settings", "MNIST", 0.843, None, None, "Xie et al. 2016, Table 2"),
        ("DEC, ten runs", "MNIST", 0.912, 0.869, 0.856, "Guo, DEC-keras: results/exp1/results.csv"),
        ("UMAP on pixels, HDBSCAN", "MNIST", None, None, 0.924, "umap-learn, Using UMAP for Clustering"),
        ("N2D: autoencoder, UMAP, mixture", "MNIST", 0.979, 0.942, None, "McConville et al. 2020, Table II"),
        ("K-means on pixels", "CIFAR-10", 0.229, 0.087, 0.049, "Chang et al. 2017, DAC: as later papers reprint it"),
        ("Autoencoder, K-means", "CIFAR-10", 0.314, 0.239, 0.169, "as papers after DAC reprint it"),
        ("Convolutional autoencoder, rerun", "CIFAR-10", 0.223, 0.087, 0.045, "Chen and Huang 2019, Algorithms 12:122"),
    ],
    columns=["method", "data", "accuracy", "NMI", "ARI", "source"],
)


class Table(NamedTuple):
    """A table that the reader can sort.

    Attributes
    ----------
    title : str
    frame : DataFrame
        Its first column names the rows. A column of numbers has one form for all of them; where a column holds objects,
        each number has its own.
    note : str, optional
    spreads : mapping of str to str, optional
        For columns with a mean, the column of its standard deviation, which is shown beside it and not by itself.
    best : mapping of str to str, optional
        Columns whose best value is set in bold, and whether that is the "max" or the "min".
    within : str, optional
        A column; each group of rows that agree in it has a best of its own.
    """

    title: str
    frame: pd.DataFrame
    note: str = ""
    spreads: Mapping[str, str] = {}
    best: Mapping[str, str] = {}
    within: str | None = None

    @property
    def columns(self) -> list[str]:
        """The columns that are shown: not the deviations, nor those without any value."""
        filled = self.frame.dropna(axis="columns", how="all").columns
        return [column for column in filled if column not in self.spreads.values()]

    @property
    def rows(self) -> list[list[dict]]:
        """For each row its cells: the `text`, whether `best`, and the number to `sort` by or None."""
        return [list(cells) for cells in zip(*(self._cells(column) for column in self.columns), strict=True)]

    def _cells(self, column: str) -> list[dict]:
        values = self.frame[column]
        texts = _texts(values, 3 if column in self.spreads else None)
        if column in self.spreads:
            deviations = _texts(self.frame[self.spreads[column]], 3)
            texts = [f"{mean} ± {far}" if mean and far else mean for mean, far in zip(texts, deviations, strict=True)]
        best = pd.Series(False, index=values.index)
        if column in self.best:
            groups = self.frame[self.within] if self.within else pd.Series(0, index=values.index)
            best = values == values.groupby(groups).transform(self.best[column])
        return [
            {"text": text, "best": bool(found), "sort": repr(float(value)) if text and _is_number(value) else None}
            for text, found, value in zip(texts, best, values, strict=True)
        ]


class Picture(NamedTuple):
    """A PNG, as bytes, with what stands below it and what is read out in its place."""

    content: bytes
    caption: str
    alt: str

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels, from the file's header."""
        return int.from_bytes(self.content[16:20], "big"), int.from_bytes(self.content[20:24], "big")

    @property
    def address(self) -> str:
        """The picture itself, pixel by pixel, as WebP, which takes two thirds of a PNG's room."""
        return _webp(self.content)


@cache
def _webp(png: bytes) -> str:
    file = io.BytesIO()
    Image.open(io.BytesIO(png)).save(file, "WEBP", lossless=True, quality=20, method=1)
    return "data:image/webp;base64," + base64.b64encode(file.getvalue()).decode()


class Block(NamedTuple):
    """What is shown of one network, of another representation or of a stage, on opening it.

    Attributes
    ----------
    name, kind, summary : str
        The summary is one line, of the best that is known of it.
    pictures : sequence of Picture
    map : str, optional
        A page as `viewing.page` makes it.
    """

    name: str
    kind: str
    summary: str
    pictures: Sequence[Picture]
    map: str = ""

    @property
    def data(self) -> Markup:
        """The map as JSON that cannot end the element which holds it."""
        return Markup(json.dumps(self.map, ensure_ascii=False).replace("<", "\\u003c"))


class Finding(NamedTuple):
    """What does best for one purpose.

    Attributes
    ----------
    purpose, value, measure, winner, text : str
    verdict : {"learned", "close", "baseline", "alone"}
        Whether what was learned wins, is as good as a baseline to within the deviations, loses to one, or has none.
    """

    purpose: str
    value: str
    measure: str
    winner: str
    verdict: str
    text: str


class Report(NamedTuple):
    """All that the page shows, in its order; `unofficial` names the data sets that no published figure is for."""

    title: str
    conditions: str
    data: Table
    findings: Sequence[Finding]
    tables: Sequence[Table]
    unofficial: Sequence[str]
    networks: Sequence[Block]
    representations: Sequence[Block]
    stages: Sequence[Block]
    parameters: Sequence[Table]
    sources: Sequence[str]
    versions: Table


def page(report: Report) -> str:
    """Return the report as an HTML page; the same report gives the same characters."""
    blocks = (*report.networks, *report.representations, *report.stages)
    # Side by side and beforehand: one after the other as the page asks for them, they take half of the time it takes.
    with ThreadPoolExecutor() as pool:
        list(pool.map(_webp, {picture.content for block in blocks for picture in block.pictures}))
    environment = Environment(
        loader=FileSystemLoader(PAGES), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template("report.html").render(
        report=report,
        published=Table("Clustering as others report it", PUBLISHED),
        style=Markup((PAGES / "report.css").read_text(encoding="utf-8")),
        script=Markup((PAGES / "report.js").read_text(encoding="utf-8")),
    )


def leaders(rows: pd.DataFrame, purpose: str, score: str, measure: str) -> list[Finding]:
    """Return, for each data set, the row with the highest score, where there is no baseline to compare with.

    None where no row has the score.

    Parameters
    ----------
    rows : DataFrame
        Columns `dataset`, `network`, the score's, and perhaps `note`, what is to be said of the row.
    purpose, score, measure : str
        The heading, the column, and how to call its values.
    """
    found = []
    for dataset, group in rows.dropna(subset=[score]).groupby("dataset", sort=False) if score in rows else ():
        best = group.loc[group[score].idxmax()]
        rivals = len(group) - 1
        text = f"The best of {rivals + 1}; no baseline was measured." if rivals else "The only one measured."
        text = f"{text} {best.get('note', '')}".strip()
        (value,) = _texts(pd.Series([best[score]]), 2 if best[score] >= 1 else 3)
        found.append(Finding(f"{purpose}: {dataset}", value, measure, best["network"], "alone", text))
    return found


def contests(rows: pd.DataFrame, purpose: str, score: str, measure: str, by: str) -> list[Finding]:
    """Return, for each data set, what has the highest score, and whether that is a baseline or beats all of them.

    Parameters
    ----------
    rows : DataFrame
        Columns `dataset`, `representation`, `kind` ("baseline" or another), the score's, the one named by `by`, and
        perhaps the score's standard deviation, under its name with `_std`.
    purpose, score, measure : str
        The heading, the column, and how to call its values.
    by : str
        The column that says in which way a representation was used.
    """
    found = []
    deviations = rows[f"{score}_std"].fillna(0) if f"{score}_std" in rows else 0 * rows[score]
    rows = rows.assign(_deviation=deviations).dropna(subset=[score])
    for dataset, group in rows.groupby("dataset", sort=False):
        ranked = group.sort_values(score, ascending=False, kind="stable")
        best = ranked.iloc[0]
        shown = f"{best[score]:.3f}" + (f" ± {best['_deviation']:.3f}" if f"{score}_std" in rows else "")
        winner = f"{best['representation']}, {best[by]}"
        verdict, text = _judge(ranked, score, by)
        found.append(Finding(f"{purpose}: {dataset}", shown, measure, winner, verdict, text))
    return found


def _judge(ranked: pd.DataFrame, score: str, by: str) -> tuple[str, str]:
    """Compare the best of what was learned with the best baseline."""
    parts = dict(list(ranked.groupby(ranked["kind"] == "baseline")))
    if len(parts) < 2:
        return "alone", "There is nothing to compare it with."
    baseline, learned = parts[True].iloc[0], parts[False].iloc[0]

    def named(row: pd.Series) -> str:
        return f"the best {row['kind']}, {row['representation']}, {row[by]} ({row[score]:.3f})"

    lead = learned[score] - baseline[score]
    codes = ranked[ranked["kind"] == "autoencoder"]
    # What is best may be a embedding of plain pixels; the reader wants to know of the codes.
    more = f" Of the codes: {named(codes.iloc[0])}." if learned["kind"] != "autoencoder" and len(codes) else ""
    if abs(lead) <= learned["_deviation"] + baseline["_deviation"]:
        other = baseline if lead > 0 else learned
        return "close", f"Beside it stands {named(other)}; they differ by no more than their deviations.{more}"
    if lead < 0:
        return "baseline", f"Below it by {-lead:.3f}: {named(learned)}.{more}"
    return "learned", f"Below it by {lead:.3f}: {named(baseline)}.{more}"


def gains(rows: pd.DataFrame, purpose: str, score: str, rivals: Mapping[str, str], measure: str) -> list[Finding]:
    """Return, for each data set, the network that is furthest above the best of its rivals, or the least below.

    Parameters
    ----------
    rows : DataFrame
        Columns `dataset`, `network`, the score's and the rivals'.
    purpose, score, measure : str
        The heading, the column, and how to call the difference.
    rivals : mapping of str to str
        Columns of the same measure for what works without a network, and what to call each.
    """
    if score not in rows or not rivals:
        return []
    found, rows = [], rows.dropna(subset=[score]).dropna(subset=list(rivals), how="all")
    best_rivals = rows[list(rivals)].max(axis=1)
    rows = rows.assign(
        _gain=rows[score] - best_rivals, _rival=rows[list(rivals)].eq(best_rivals, axis=0).idxmax(axis=1)
    )
    for dataset, group in rows.groupby("dataset", sort=False):
        best = group.loc[group["_gain"].idxmax()]
        wins, rival = best["_gain"] > 0, rivals[best["_rival"]]
        text = f"{best[score]:.2f} by {best['network']}, {best[best['_rival']]:.2f} by the best baseline, {rival}."
        winner, verdict = (best["network"], "learned") if wins else (rival, "baseline")
        found.append(Finding(f"{purpose}: {dataset}", f"{best['_gain']:+.2f}", measure, winner, verdict, text))
    return found


def _is_number(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


def _texts(values: pd.Series, decimals: int | None = None) -> list[str]:
    """Write values as people do: those of a column of numbers all with as many decimals."""
    if values.dtype.kind not in "if":
        return [_text(value) for value in values]
    known = values.dropna()
    if decimals is None:
        most = 2 if known.abs().max() >= 10 else 4
        decimals = next((count for count in range(most) if (known == known.round(count)).all()), most)
    return ["" if value != value else f"{value:,.{decimals}f}" for value in values]


def _text(value: object) -> str:
    if value is None or value != value:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)
