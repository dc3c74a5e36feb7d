"""A table as people read it: of a data frame, its columns and the texts of its cells."""

from collections.abc import Mapping
from typing import NamedTuple

import pandas as pd

from autoencoders.pages.summary import texts


class Cell(NamedTuple):
    """A cell's text, whether it is the best of its column, and the number to sort by, if it is one."""

    text: str
    best: bool
    sort: str | None


class Table(NamedTuple):
    """A table with a title.

    Attributes
    ----------
    title : str
    frame : DataFrame
        Its first column names the rows. A column of numbers has one form for all of them; where a column holds objects,
        each number has its own.
    note : str, optional
        Sentences below the title.
    spreads : mapping of str to str, optional
        For columns of means, the column of their standard deviations, which is shown beside the mean alone.
    starred : mapping of str to str, optional
        For columns of means, a column of truth values: where it is true, a star follows, which the note explains.
    best : mapping of str to str, optional
        Columns whose best value is marked, and whether that is the "max" or the "min".
    within : str, optional
        A column; each group of rows with the same value in it has a best of its own.
    """

    title: str
    frame: pd.DataFrame
    note: str = ""
    spreads: Mapping[str, str] = {}
    starred: Mapping[str, str] = {}
    best: Mapping[str, str] = {}
    within: str | None = None

    @property
    def columns(self) -> list[str]:
        """The columns that are shown: not the deviations and stars, nor those without any value."""
        filled = self.frame.dropna(axis="columns", how="all").columns
        return [column for column in filled if column not in (*self.spreads.values(), *self.starred.values())]

    @property
    def rows(self) -> list[list[Cell]]:
        """The cells of each row, in the order of `columns`."""
        return [list(cells) for cells in zip(*(self._cells(column) for column in self.columns), strict=True)]

    @property
    def markdown(self) -> str:
        """The table in GitHub's Markdown, the best values in bold."""
        lines = [[f"**{cell.text}**" if cell.best else cell.text for cell in row] for row in self.rows]
        lines = [self.columns, ["---"] * len(self.columns), *lines]
        body = "\n".join(f"| {' | '.join(line)} |" for line in lines)
        return "\n\n".join(part for part in (f"## {self.title}", self.note, body) if part) + "\n"

    def _cells(self, column: str) -> list[Cell]:
        values = self.frame[column]
        if column in self.spreads:
            deviations = self.frame[self.spreads[column]]
            written = [texts.mean(*pair) for pair in zip(values, deviations, strict=True)]
        else:
            written = texts.column(values)
        if column in self.starred:
            stars = self.frame[self.starred[column]]
            written = [f"{text} *" if star else text for text, star in zip(written, stars, strict=True)]
        best = pd.Series(False, index=values.index)
        if column in self.best:
            groups = self.frame[self.within] if self.within else pd.Series(0, index=values.index)
            best = values == values.groupby(groups).transform(self.best[column])
        return [
            Cell(text, bool(marked), repr(float(value)) if text and texts.is_number(value) else None)
            for text, marked, value in zip(written, best, values, strict=True)
        ]
