"""How far scores lie apart, and the tables of it."""

import statistics
from collections.abc import Iterable, Iterator, Mapping, Sequence

from benchmarks.tables import table

CLUSTERING = ("accuracy", "nmi", "ari")
# A move that is shown in bold: what rounding errors should not exceed.
AIM = 0.005
# Of a network's own metrics, those that are scores of test images.
OTHERS = ("psnr", "test_accuracy")

Scores = dict[str, dict[str, dict[str, float]]]


def scores(metrics: Mapping[str, Mapping]) -> dict[str, float]:
    """Return the scores among the contents of metrics files, by "name form score".

    Parameters
    ----------
    metrics : mapping of mapping
        Contents of metrics files by "stage/name". Each form of clustering is a mapping in its own; the other scores
        take the stage's name for the form. A score's deviation over seeds of the clusterer has its name and "_std".
    """
    found = {}
    for key, content in metrics.items():
        stage, name = key.split("/")
        for what, value in content.items():
            if isinstance(value, Mapping):
                found |= {f"{name} {what} {score}": value[score] for score in CLUSTERING}
                found |= {f"{name} {what} {score}_std": value[f"{score}_std"] for score in CLUSTERING}
            elif "precision" in what or what in OTHERS:
                found[f"{name} {stage} {what}"] = value
    return found


def moved(first: Mapping[str, Mapping], others: Sequence[Mapping[str, Mapping]]) -> dict[str, dict[str, float]]:
    """Return for each score what it is `first`, its deviation over seeds, and its largest distance in `others`."""
    printed, again = scores(first), [scores(each) for each in others]
    return {
        key: {
            "printed": value,
            **({"deviation": printed[f"{key}_std"]} if f"{key}_std" in printed else {}),
            "moves": max(abs(each[key] - value) for each in again),
        }
        for key, value in printed.items()
        if not key.endswith("_std")
    }


def spread(runs: Sequence[Mapping[str, Mapping]]) -> dict[str, dict[str, float]]:
    """Return for each score its mean, standard deviation (over n), smallest and largest value over runs."""
    each = [scores(run) for run in runs]
    found = {}
    for key in each[0]:
        if not key.endswith("_std"):
            values = [found_scores[key] for found_scores in each]
            found[key] = {"mean": statistics.fmean(values), "deviation": statistics.pstdev(values)}
            found[key] |= {"min": min(values), "max": max(values)}
    return found


def worst(found: Mapping[str, Mapping[str, float]]) -> float:
    """Return the largest move."""
    return max(score["moves"] for score in found.values())


def lines(result: dict) -> list[str]:
    """Return the part as Markdown."""
    return [*_rounding(result), *_more(result), *_seeds(result)]


def _rounding(result: dict) -> list[str]:
    if not result["rounding"]:
        return ["Rounding errors were left out (`--draws 0`)."]
    moves = [score["moves"] for found in result["rounding"].values() for score in found.values()]
    above = sum(move > AIM for move in moves)
    return [
        f"Rounding errors: each code is perturbed {result['draws']} times by uniform noise of at most 1e-6 of its "
        "standard deviation; of an embedding, the code that it is made from. Then the same stages run. A cell holds "
        "the score, its deviation over the seeds of the clusterer, and after the arrow the largest distance from it. "
        f"{above} of {len(moves)} scores move by more than {AIM} (bold).",
        "",
        *table(["code", "form", "accuracy", "NMI", "ARI"], list(_clustered(result["rounding"]))),
        "",
        *table(["code", "precision of search at 1, by angle", "largest move of any"], list(_found(result["rounding"]))),
    ]


def forms(found: Iterable[str]) -> list[tuple[str, str]]:
    """Return the code and form of each clustering among the keys of scores."""
    return list(dict.fromkeys(tuple(key.split()[:2]) for key in found if key.split()[2] in CLUSTERING))


def _clustered(rounding: Mapping[str, Mapping]) -> Iterator[list[str]]:
    for found in rounding.values():
        for name, form in forms(found):
            yield [name, form, *(_move(found[f"{name} {form} {score}"]) for score in CLUSTERING)]


def _move(score: Mapping[str, float]) -> str:
    return f"{score['printed']:.3f} ± {score['deviation']:.3f} → {_distance(score['moves'])}"


def _distance(move: float) -> str:
    return f"**{move:.4f}**" if move > AIM else f"{move:.4f}"


def _found(rounding: Mapping[str, Mapping]) -> Iterator[list[str]]:
    for name, found in rounding.items():
        precisions = {key: score for key, score in found.items() if "precision" in key}
        if precisions:
            first = found[f"{name} search cosine_precision_at_1"]["printed"]
            yield [name, f"{first:.3f}", _distance(worst(precisions))]


def _more(result: dict) -> list[str]:
    if not result["more"]:
        return []
    names = list(next(iter(result["more"].values())))
    ways = {"as they are": result["rounding"], **result["more"]}
    rows = [
        [name, form, *(_largest(found.get(name, {}), name, form) for found in ways.values())]
        for name in names
        for _, form in forms(result["rounding"][name])
    ]
    about = "The codes that move furthest, with more starts and seeds of the clusterer: largest move of three scores."
    return ["", about, "", *table(["code", "form", *ways], rows)]


def _largest(found: Mapping[str, Mapping], name: str, form: str) -> str:
    moves = [found[key]["moves"] for score in CLUSTERING if (key := f"{name} {form} {score}") in found]
    return _distance(max(moves)) if moves else ""


def _seeds(result: dict) -> list[str]:
    if not result["seeds"]:
        return []
    clustered, others = [], []
    for learned, entry in result["seeds"].items():
        found, runs = entry["scores"], str(entry["runs"])
        for name, form in forms(found):
            clustered.append(
                [learned, name, form, runs, *(_range(found[f"{name} {form} {score}"]) for score in CLUSTERING)]
            )
        rest = {key: score for key, score in found.items() if key.split()[2] not in CLUSTERING}
        shown = [key for key in rest if key.split()[2] in (*OTHERS, "cosine_precision_at_1")]
        others += [[learned, " ".join(key.split()[1:]).replace("_", " "), runs, _range(rest[key])] for key in shown]
    return [
        "",
        "Seeds of networks and representations: mean and standard deviation over the seeds, and the range.",
        "",
        *table(["learned", "code", "form", "seeds", "accuracy", "NMI", "ARI"], clustered),
        "",
        *table(["learned", "score", "seeds", "over the seeds"], others),
    ]


def _range(score: Mapping[str, float]) -> str:
    return f"{score['mean']:.3f} ± {score['deviation']:.3f} ({score['min']:.3f} to {score['max']:.3f})"
