"""How far scores move by what should not move them: rounding errors of codes, and the seeds of networks.

Stages do the work, in a folder of their own. Where the graph has run, its images and codes are taken.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import product
from pathlib import Path

from benchmarks import workspace
from benchmarks.measuring import ROOT, BenchmarkError, Child, Options, json_lines, run
from benchmarks.moves import lines as lines
from benchmarks.moves import moved, spread, worst
from stages.shared.parameters import check

TITLE = "Stability: how far a score moves by rounding errors of the codes, and by the seed of a network"
# Of the noise, in standard deviations of the codes: what sums in another order differ by.
SIZE = 1e-6
DRAWS_QUICK = 2
# With --quick: an embedding and what it is made from, and two networks.
QUICK = {
    "classifiers": ("digits-classifier",),
    "autoencoders": ("digits-simple",),
    "representations": ("digits-pixels",),
    "embeddings": ("digits-pixels-spectral",),
}
LEARNED = ("classifiers", "autoencoders", "representations", "embeddings")
# What might steady the codes that move furthest: other parameters under `cluster`.
WORST = 3
MORE = {
    "10 seeds": {"seeds": 10},
    "10 starts": {"kmeans": {"n_init": 10}, "gaussian_mixture": {"n_init": 3}},
}

Log = Callable[[str], None]
Stages = list[list[str]]


def measure(options: Options, log: Log) -> Iterator[dict]:
    """Yield what is measured so far: moves by rounding errors, the same with more starts, then spreads over seeds."""
    draws = min(DRAWS_QUICK, options.draws) if options.quick else options.draws
    result = {"draws": draws, "rounding": {}, "more": {}, "seeds": {}}
    with _finished(options, log) as (made, values):
        result["conditions"] = _conditions(values)
        for name in _codes(values) if draws else ():
            result["rounding"][name] = _perturbed(made, values, name, draws, options)
            log(f"{name}: largest move {worst(result['rounding'][name]):.4f}")
            yield result
        furthest = sorted(result["rounding"], key=lambda name: -worst(result["rounding"][name]))[:WORST]
        for how, changes in MORE.items():
            changed = {**values, "cluster": _laid(values["cluster"], changes)}
            for name in furthest:
                found = _perturbed(made, changed, name, draws, options)
                result["more"].setdefault(how, {})[name] = found
                log(f"{name}, {how}: largest move {worst(found):.4f}")
                yield result
        yield from _seeds(made, values, options, result, log)


def _codes(values: Mapping) -> dict[str, str]:
    """Return under each code's name that of the code which is perturbed: its own, or what an embedding is made from."""
    own = {name: name for group in ("autoencoders", "representations") for name in values[group]}
    return own | {name: block["of"] for name, block in values["embeddings"].items()}


def _conditions(values: Mapping) -> dict[str, str]:
    """Return under "name form" what the scores of each clustering hold for; see `stages.shared.spreads`."""
    # Only here, since it brings pandas: what starts a benchmark is measured too.
    from stages.shared.spreads import conditions

    parameters = check(values)
    clusterings = product(_codes(values), values["cluster"]["clusterings"])
    return {f"{name} {form}": conditions(parameters, name, form) for name, form in clusterings}


def _perturbed(made: Path, values: Mapping, name: str, draws: int, options: Options) -> dict:
    asked = {"stages": _uses(values, name), "code": _codes(values)[name], "draws": draws, "size": SIZE}
    first, *others = json_lines(_run(made, values, options, asked).output)
    return moved(first, others)


def _uses(values: Mapping, name: str) -> Stages:
    """Return the stages that score a code: embeddings are made anew, and the graph does not search by them."""
    if name in values["embeddings"]:
        return [["embed", name], ["cluster", name]]
    return [["cluster", name], ["search", name]]


def _seeds(made: Path, values: Mapping, options: Options, result: dict, log: Log) -> Iterator[dict]:
    """Yield `result` with the scores by one more seed of a network, representation or embedding each time.

    Seed 0 of all of them comes first; its time then decides the order, the cheapest first.
    """
    groups = {name: group for group in LEARNED for name, block in values[group].items() if "seed" in block}
    seconds: dict[str, float] = {}
    runs: dict[str, list[dict]] = {name: [] for name in groups}
    for seeds in (range(options.seeds)[:1], range(1, options.seeds)):
        for name in sorted(groups, key=lambda each: seconds.get(each, 0.0)):
            group = groups[name]
            for seed in seeds:
                block = {**values[group][name], "seed": seed}
                changed = {**values, group: {**values[group], name: block}}
                child = _run(made, changed, options, {"stages": _chain(values, group, name)})
                seconds.setdefault(name, child.seconds)
                runs[name] += json_lines(child.output)
                result["seeds"][name] = {"runs": len(runs[name]), "scores": spread(runs[name])}
                log(f"{name}, seed {seed}: {child.seconds:.0f} s")
                yield result


def _chain(values: Mapping, group: str, name: str) -> Stages:
    """Return the stages to the scores of what has a seed, and of the embeddings of it."""
    if group == "classifiers":
        return [["train", group, name], ["evaluate", name]]
    if group == "embeddings":
        return _uses(values, name)
    makes = [["train", group, name], ["encode", name]] if group == "autoencoders" else [["represent", name]]
    embeddings = [each for each, block in values["embeddings"].items() if block["of"] == name]
    return [*makes, *(stage for each in (name, *embeddings) for stage in _uses(values, each))]


def _run(made: Path, values: Mapping, options: Options, asked: Mapping) -> Child:
    """Run stages in a folder with links to the images, codes and networks of `made`, which are only read.

    A stage replaces the links to what it writes.
    """
    with workspace.scratch(options) as folder:
        workspace.write_parameters(folder, dict(values))
        for kind in ("data/prepared", "data/codes", "models"):
            (folder / kind).mkdir(parents=True)
            for each in (made / kind).iterdir():
                (folder / kind / each.name).symlink_to(each.resolve(), target_is_directory=True)
        return run(["python", "-m", "benchmarks.scripts.perturbed", json.dumps(asked)], folder)


def _laid(under: Mapping, over: Mapping) -> dict:
    """Lay changes over parameters, mapping by mapping."""
    return {**under, **{key: {**under[key], **new} if isinstance(new, dict) else new for key, new in over.items()}}


@contextmanager
def _finished(options: Options, log: Log) -> Iterator[tuple[Path, dict]]:
    """Yield a folder with prepared images, codes and networks, and its parameters.

    It is this repository, whose graph must have run; with --quick a few codes are made from little data.
    """
    if not options.quick:
        values = workspace.parameters(options)
        for name in _codes(values).values():
            if not (ROOT / "data/codes" / name / "code.json").is_file():
                raise BenchmarkError(f"data/codes/{name} is missing; run `make repro` first.")
        yield ROOT, values
        return
    with workspace.prepared(options, log) as (folder, values, _):
        values |= {group: {name: values[group][name] for name in names} for group, names in QUICK.items()}
        values |= {use: {**values[use], "networks": {}} for use in ("denoise", "export", "generate")}
        workspace.write_parameters(folder, values)
        for name in values["representations"]:
            run(["python", "-m", "stages.represent", name], folder)
        for name in values["autoencoders"]:
            run(["python", "-m", "stages.train", "autoencoders", name], folder)
            run(["python", "-m", "stages.encode", name], folder)
        yield folder, values
