"""`docs/results/stability.csv`, which `summarize` reads, of what `stability` measured.

`python -m benchmarks.spreads` takes it from `benchmarks/results.json`, `python -m benchmarks.spreads <file> …` from
files that hold the part's result each. What was measured of a clustering before is replaced, other rows stay.
"""

import csv
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from benchmarks.measuring import ROOT
from benchmarks.moves import CLUSTERING, forms
from benchmarks.results import load
from stages.shared.spreads import FILE, SEEDS

KEYS = ("representation", "clustering", "measured", "of")
COLUMNS = (*KEYS, "runs", "conditions", *CLUSTERING)


def rows(result: Mapping) -> Iterator[dict]:
    """Yield a row a clustering: its largest moves by rounding errors, or its deviations over seeds.

    Parameters
    ----------
    result : mapping
        As `stability.measure` yields it. Of fewer than three seeds there is no row.
    """
    for name, found in result["rounding"].items():
        yield from _rows(result, found, "rounding", name, result["draws"], "moves")
    for name, entry in result["seeds"].items():
        if entry["runs"] >= 3:
            yield from _rows(result, entry["scores"], SEEDS, name, entry["runs"], "deviation")


def _rows(result: Mapping, found: Mapping, measured: str, of: str, runs: int, figure: str) -> Iterator[dict]:
    for name, form in forms(found):
        about = {"representation": name, "clustering": form, "measured": measured, "of": of, "runs": runs}
        scores = {score: f"{found[f'{name} {form} {score}'][figure]:.4f}" for score in CLUSTERING}
        yield {**about, "conditions": result["conditions"][f"{name} {form}"], **scores}


def write(results: list[Mapping], file: Path) -> None:
    """Put the rows of results into a CSV file, in the order of their keys."""
    kept = {}
    if file.exists():
        with file.open(encoding="utf-8", newline="") as stream:
            kept = {tuple(row[key] for key in KEYS): row for row in csv.DictReader(stream)}
    kept |= {tuple(row[key] for key in KEYS): row for result in results for row in rows(result)}
    with file.open("w", encoding="utf-8", newline="") as stream:
        table = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
        table.writeheader()
        table.writerows(row for _, row in sorted(kept.items()))


if __name__ == "__main__":
    given = [json.loads(Path(argument).read_text(encoding="utf-8")) for argument in sys.argv[1:]]
    write(given or [load(ROOT / "benchmarks")["stability"]["result"]], ROOT / FILE)
