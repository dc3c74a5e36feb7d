"""How trials decide: which settings are tried further, and which of them is taken."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

# A trial: settings, number of training images and seed, to scores on the validation images.
Trial = Callable[[Mapping[str, Any], int, int], Mapping[str, float]]

# At most so many settings are tried on fewer images: the best on all of them.
FINALISTS = 3


@dataclass(frozen=True)
class Rule:
    """The score that decides, and what is spent on a decision.

    Attributes
    ----------
    score : str
        The key of the deciding score in what a trial returns.
    sizes : sequence of int
        Numbers of training images, ascending; the last one is all of them.
    seeds : sequence of int
    tolerance : float or None
        How far below the best a setting may lie and still be tried further; None: the standard deviation (over n - 1)
        of the best setting's score over the seeds.
    growth_seeds : int
        Seeds, the first ones, by which finalists are tried on fewer images.
    """

    score: str
    sizes: Sequence[int]
    seeds: Sequence[int]
    tolerance: float | None = None
    growth_seeds: int = 1


def decide(settings: Mapping[str, Mapping[str, Any]], trial: Trial, rule: Rule, grows: bool = False) -> dict:
    """Try settings and choose among them.

    1. Each setting is tried on all training images, with each seed.
    2. Finalists are those whose mean over the seeds lies within the tolerance of the best mean, at most FINALISTS.
    3. If there are several, they are tried on fewer images too. Those hold whose score falls by no more than the
       tolerance from any number of images to the next. Of these (of all finalists, if none holds) the one with the
       highest mean over the numbers of images is chosen; seeds that not all numbers of images have do not count.

    Parameters
    ----------
    settings : mapping of mapping
        Under each setting's name what a trial of it gets.
    trial : callable
    rule : Rule
    grows : bool
        Whether to try a single finalist on fewer images too, where there is nothing to decide.

    Returns
    -------
    dict
        `chosen`, the name; `tolerance`; `finalists` and `holding`, names; `trials`, a list of `setting`, `images`,
        `seed` and scores.
    """
    found: dict[tuple[str, int], list[Mapping[str, float]]] = {}
    trials: list[dict] = []

    def run(name: str, images: int, seeds: Sequence[int]) -> None:
        for seed in seeds:
            scores = trial(settings[name], images, seed)
            found.setdefault((name, images), []).append(scores)
            trials.append({"setting": name, "images": images, "seed": seed, **scores})

    def values(name: str, images: int, n: int | None = None) -> list[float]:
        return [scores[rule.score] for scores in found[name, images][:n]]

    full = rule.sizes[-1]
    for name in settings:
        run(name, full, rule.seeds)
    kept = sorted(settings, key=lambda name: statistics.fmean(values(name, full)), reverse=True)
    top = values(kept[0], full)
    tolerance = statistics.stdev(top) if rule.tolerance is None else rule.tolerance
    finalists = [n for n in kept if statistics.fmean(values(n, full)) >= statistics.fmean(top) - tolerance][:FINALISTS]
    found_by = {"tolerance": tolerance, "finalists": finalists, "trials": trials}
    if len(finalists) == 1 and not grows:
        return {"chosen": finalists[0], "holding": finalists, **found_by}

    n_seeds = min(rule.growth_seeds, len(rule.seeds))
    growth = {}
    for name in finalists:
        for images in rule.sizes[:-1]:
            run(name, images, rule.seeds[:n_seeds])
        growth[name] = [statistics.fmean(values(name, images, n_seeds)) for images in rule.sizes]
    holding = [name for name in finalists if _holds(growth[name], tolerance)]
    chosen = max(holding or finalists, key=lambda name: statistics.fmean(growth[name]))
    return {"chosen": chosen, "holding": holding, **found_by}


def _holds(means: Sequence[float], tolerance: float) -> bool:
    return all(after >= before - tolerance for before, after in zip(means, means[1:], strict=False))
