"""Markdown: tables, figures with their spread, and a table's place in the README."""

import re
from collections.abc import Sequence
from pathlib import Path

MARKERS = ("<!-- benchmarks -->", "<!-- /benchmarks -->")


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the lines of a Markdown table."""
    return [f"| {' | '.join(header)} |", "|" + "---|" * len(header), *(f"| {' | '.join(row)} |" for row in rows)]


def figure(summary: dict, digits: int = 1, unit: str = "", factor: float = 1) -> str:
    """Return a median with its range, as in "2.1 (2.0 to 2.3)"; the median alone where there is one measurement."""
    middle, low, high = (f"{factor * summary[key]:,.{digits}f}" for key in ("median", "min", "max"))
    spread = f" ({low} to {high})" if len(summary["values"]) > 1 else ""
    return f"{middle}{unit}{spread}"


def percent(summary: dict) -> str:
    """Return a share with its range, in per cent."""
    return figure(summary, 0 if summary["median"] >= 0.1 else 1, " %", 100)


def insert(text: str, content: str) -> str:
    """Return `text` with `content` between its two marker comments, or as it is where they are not there."""
    start, end = MARKERS
    pattern = re.compile(f"(?<={re.escape(start)}\n).*?(?={re.escape(end)})", re.DOTALL)
    # A function, since a replacement string would have its backslashes read.
    return pattern.sub(lambda _: f"\n{content.strip()}\n\n", text, count=1)


def insert_into(file: Path, content: str) -> bool:
    """Put `content` between the marker comments of a file and return whether that changed it."""
    if not file.is_file():
        return False
    before = file.read_text(encoding="utf-8")
    after = insert(before, content)
    if after != before:
        file.write_text(after, encoding="utf-8")
    return after != before
