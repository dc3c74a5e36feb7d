"""Markdown: tables, and figures with their spread."""

from collections.abc import Sequence


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
