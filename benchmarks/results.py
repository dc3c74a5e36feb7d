"""`results.json`, part by part, and the same as Markdown."""

import json
from collections.abc import Mapping
from pathlib import Path

from autoencoders.core.rounding import rounded
from benchmarks.measuring import BenchmarkError

FILE = "results.json"
# A share of the processors that other programs always have.
NOTICEABLE = 0.03


def load(folder: Path) -> dict:
    """Return what earlier runs measured, by part; nothing where there is no file.

    Raises
    ------
    BenchmarkError
        If the file is no JSON.
    """
    file = folder / FILE
    if not file.is_file():
        return {}
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except ValueError:
        raise BenchmarkError(f"{file} is no JSON file; delete it or restore it.") from None


def merge(folder: Path, part: str, entry: dict, order: list[str]) -> dict:
    """Put one part's entry into the file, keep the others, and return all of them in the given order."""
    found = {**load(folder), part: rounded(entry, 5)}
    found = {name: found[name] for name in (*order, *(found.keys() - set(order))) if name in found}
    folder.mkdir(parents=True, exist_ok=True)
    # Aside first: what was measured for hours must not be lost to an interrupted write.
    aside = folder / f".partial-{FILE}"
    aside.write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    aside.rename(folder / FILE)
    return found


def markdown(results: dict, parts: Mapping[str, object]) -> str:
    """Return all parts as Markdown, each after its title, with the machine above those measured on it.

    Parameters
    ----------
    results : dict
        The file's content.
    parts : mapping of str to module
        Those that know how to show themselves.
    """
    lines, shown = [], None
    for name, entry in results.items():
        if name not in parts:
            continue
        described = _machine(entry)
        if described != shown:
            lines += [described, ""]
            shown = described
        lines += [f"**{parts[name].TITLE}**", ""]
        if skipped := entry["result"].get("skipped"):
            lines += [f"Skipped: {skipped}", ""]
        else:
            lines += [*parts[name].lines(entry["result"]), ""]
            if entry["settings"]["other_work"] >= NOTICEABLE:
                share = f"{entry['settings']['other_work']:.0%}".replace("%", " %")
                lines += [f"Meanwhile other programs took {share} of the processors.", ""]
    return "\n".join(lines)


def _machine(entry: dict) -> str:
    machine, settings = entry["machine"], entry["settings"]
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    quick = " With `--quick`: too little data to say anything but that the benchmark runs." if settings["quick"] else ""
    return (
        f"Measured on {machine['processor']}, {machine['cores']} cores, {machine['memory_gib']:.0f} GiB; {versions}. "
        f"Medians, with the smallest and the largest measurement.{quick}"
    )


def document(content: str) -> str:
    """Return `results.md`."""
    return (
        "# Benchmarks\n\nMade by `make bench`. [docs/speed.md](../docs/speed.md) says what is compared and what the "
        f"figures show.\n\n{content}"
    )
