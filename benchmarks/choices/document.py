"""The trials as Markdown, as docs/choices.md shows them."""

import statistics
from collections.abc import Iterator, Mapping

from benchmarks.tables import table

BEGIN, END = "<!-- The trials, as `python -m benchmarks.choices` writes them. -->", "<!-- End of the trials. -->"


def with_trials(document: str, found: Mapping[str, Mapping]) -> str:
    """Return docs/choices.md with the tables of these trials between its two marks."""
    before, rest = document.split(BEGIN)
    return "\n".join([before + BEGIN, "", *lines(found), END]) + rest.split(END)[1]


def lines(found: Mapping[str, Mapping]) -> list[str]:
    """Return for each decision a table: a row a setting, the chosen one in bold.

    Means over the seeds; after ± the standard deviation (over n - 1) of the score that decides.
    """
    text = []
    for part in found.values():
        for title, step in part["steps"].items():
            text += [f"**{title}** (tolerance {step['tolerance']:.4f})", "", *_step(step), ""]
    return text


def _step(step: Mapping) -> list[str]:
    score = step["score"]
    sizes = sorted({trial["images"] for trial in step["trials"]})
    others = [key for key in step["trials"][0] if key not in ("setting", "images", "seed", score)]
    names = {"accuracy": "accuracy", "nmi": "NMI", "ari": "ARI"}
    header = ["setting", "seeds", *(f"{names[score]}, {n:,} images" for n in sizes), *(names[key] for key in others)]
    return table(header, [list(_cells(step, name, sizes, [score, *others])) for name in step["settings"]])


def _cells(step: Mapping, name: str, sizes: list[int], keys: list[str]) -> Iterator[str]:
    by_size = {n: [t for t in step["trials"] if t["setting"] == name and t["images"] == n] for n in sizes}
    full = by_size[sizes[-1]]
    yield f"**{name}**" if name == step["chosen"] else name
    yield f"{len(full)}"
    for n in sizes:
        values = [trial[keys[0]] for trial in by_size[n]]
        deviation = f" ± {statistics.stdev(values):.3f}" if len(values) > 1 else ""
        yield f"{statistics.fmean(values):.3f}{deviation}" if values else ""
    for key in keys[1:]:
        yield f"{statistics.fmean(trial[key] for trial in full):.3f}"
