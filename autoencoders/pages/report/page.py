"""One page of all results: findings, tables, figures and maps, in one HTML file that needs nothing else."""

import base64
import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from autoencoders.pages.summary.findings import Finding
from autoencoders.pages.summary.table import Table

PAGES = Path(__file__).parent
# Sources whose images are those that published figures are of.
OFFICIAL = ("cifar10", "mnist")
# What others report on all of the official images: method, data, accuracy, NMI, ARI, source; a range as two rows.
PUBLISHED = PAGES / "published.csv"


class Picture(NamedTuple):
    """A PNG, as bytes, the caption below it, and the text that is read out in its place."""

    content: bytes
    caption: str
    alt: str

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels, from the file's header."""
        return int.from_bytes(self.content[16:20], "big"), int.from_bytes(self.content[20:24], "big")

    @property
    def address(self) -> str:
        """The picture itself, as an address: the file as it is, since another encoding takes 0.1 s a picture."""
        return "data:image/png;base64," + base64.b64encode(self.content).decode()


class Section(NamedTuple):
    """What is shown of one network, of one other code or of one stage, once it is opened.

    Attributes
    ----------
    name, kind, summary : str
        The summary is one line, the best scores.
    pictures : sequence of Picture
    map : str, optional
        A page as `autoencoders.pages.map.page.render` makes it.
    """

    name: str
    kind: str
    summary: str
    pictures: Sequence[Picture]
    map: str = ""

    @property
    def data(self) -> Markup:
        """The map as JSON without a `<`, so that it cannot end the element which holds it."""
        return Markup(json.dumps(self.map, ensure_ascii=False).replace("<", "\\u003c"))


class Report(NamedTuple):
    """All that the page shows, in its order.

    `published` says whether figures that others report are shown; `unofficial` names the data sets with classes that
    none of these is for.
    """

    title: str
    conditions: str
    data: Table
    findings: Sequence[Finding]
    tables: Sequence[Table]
    published: bool
    unofficial: Sequence[str]
    networks: Sequence[Section]
    representations: Sequence[Section]
    stages: Sequence[Section]
    parameters: Sequence[Table]
    sources: Sequence[str]
    versions: Table


def render(report: Report) -> str:
    """Return the report as an HTML page; the same report gives the same characters."""
    environment = Environment(
        loader=FileSystemLoader(PAGES), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template("report.html").render(
        report=report,
        published=Table("Clustering as others report it", pd.read_csv(PUBLISHED)),
        style=Markup((PAGES / "report.css").read_text(encoding="utf-8")),
        script=Markup((PAGES / "report.js").read_text(encoding="utf-8")),
    )
