import contextlib
import importlib
import json

import numpy as np
import pandas as pd
import pytest
from small import ROOT, small_parameters

from autoencoders.representations.patches import PatchFeatures
from autoencoders.scaling.scaler import Scaler
from benchmarks import workspace
from benchmarks.choices import __main__ as command
from benchmarks.choices import images, steps
from benchmarks.choices.clusterings import Trials
from benchmarks.choices.document import with_trials
from benchmarks.choices.rule import Rule, decide
from benchmarks.measuring import Options
from stages.shared.parameters import load
from stages.shared.settings.layers import of_recipe, with_defaults

SETTINGS: dict = {name: {"name": name} for name in ("low", "middle", "high")}


class Table:
    """Trials whose scores are looked up: by setting, images and seed; a mean by setting and images for all seeds."""

    def __init__(self, scores: dict):
        self.scores, self.asked = scores, []

    def __call__(self, settings, n, seed):
        self.asked.append((settings["name"], n, seed))
        found = self.scores[settings["name"]][n]
        return {"ari": found[seed] if isinstance(found, tuple) else found}


@pytest.fixture
def in_process(monkeypatch):
    """Little data, and stages that run in this process, which spares their start."""
    values = small_parameters()
    monkeypatch.setattr(workspace, "parameters", lambda options: values)

    def run(stage, folder, **_):
        with contextlib.chdir(folder):
            importlib.import_module(stage[2]).main(*stage[3:])

    monkeypatch.setattr(workspace, "run", run)


def test_the_best_mean_over_the_seeds_is_chosen_and_nothing_else_is_tried():
    trial = Table({"low": {40: (0.1, 0.2)}, "middle": {40: (0.3, 0.2)}, "high": {40: (0.5, 0.52)}})
    found = decide(SETTINGS, trial, Rule("ari", (10, 20, 40), (0, 1)))
    assert (found["chosen"], found["finalists"]) == ("high", ["high"])
    assert found["tolerance"] == pytest.approx(0.02 / 2**0.5)
    assert {n for _, n, _ in trial.asked} == {40} and len(trial.asked) == 6


def test_among_settings_within_the_tolerance_those_decide_that_hold_as_the_data_grow():
    """`high` is best on all images and on average, but was better on fewer: it does not hold."""
    trial = Table(
        {
            "low": {40: (0.1, 0.1)},
            "middle": {10: 0.3, 20: 0.35, 40: (0.48, 0.48)},
            "high": {10: 0.4, 20: 0.7, 40: (0.45, 0.55)},
        }
    )
    found = decide(SETTINGS, trial, Rule("ari", (10, 20, 40), (0, 1)))
    assert found["finalists"] == ["high", "middle"] and found["holding"] == ["middle"]
    assert found["chosen"] == "middle"
    # Fewer images are tried by the first seed alone.
    assert ("middle", 20, 0) in trial.asked and ("middle", 20, 1) not in trial.asked


def test_the_highest_mean_over_the_numbers_of_images_decides_where_none_holds():
    scores = {"middle": {10: 0.9, 20: 0.6, 40: (0.5, 0.5)}, "high": {10: 0.7, 20: 0.65, 40: (0.49, 0.53)}}
    settings = {name: SETTINGS[name] for name in scores}
    found = decide(settings, Table(scores), Rule("ari", (10, 20, 40), (0, 1), growth_seeds=2))
    assert found["holding"] == [] and found["chosen"] == "middle"


def test_of_a_single_seed_the_tolerance_is_given():
    scores = {"low": {40: (0.1,)}, "middle": {10: 0.2, 40: (0.45,)}, "high": {10: 0.1, 40: (0.5,)}}
    found = decide(SETTINGS, Table(scores), Rule("ari", (10, 40), (0,), tolerance=0.06))
    assert (found["chosen"], found["finalists"]) == ("middle", ["high", "middle"])
    assert decide(SETTINGS, Table(scores), Rule("ari", (10, 40), (0,), tolerance=0.01))["chosen"] == "high"


def test_no_test_image_and_no_label_of_one_is_within_reach(in_process, tmp_path):
    with images.without_test_images(Options(quick=True, scratch=tmp_path), print) as (folder, values, data):
        left = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
        assert not any("test" in path or path.startswith("data/raw") for path in left)
        for dataset in values["datasets"]:
            listing = pd.read_csv(folder / f"data/prepared/{dataset}/listing.csv")
            seen = images.read(folder, dataset)
            assert set(listing["split"]) == {"train", "validation"} and "test" not in data[dataset]
            assert len(seen.train) == len(seen.train_labels) == data[dataset]["train"]
            assert len(seen.validation) == len(seen.validation_labels) == data[dataset]["validation"]
            assert seen.validation_labels.tolist() == listing["label"][listing["split"] == "validation"].tolist()


def drawn(n: int) -> np.ndarray:
    return np.random.default_rng(n).integers(0, 256, (n, 12, 12, 3), np.uint8)


def test_kinds_of_patches_side_by_side_are_the_representations_own_codes(tmp_path):
    random = np.random.default_rng(0)
    labels = random.integers(0, 3, 40), random.integers(0, 3, 20)
    seen = images.Images(drawn(40), labels[0], drawn(20), labels[1], 3)
    windows = [{"colour": "rgb", "patch_size": 4, "grid": 2}, {"colour": "grey", "patch_size": 5, "grid": 3}]
    settings = {"windows": windows, "n_patches": 200, "n_clusters": 10, "max_iter": 5, "seed": 1}
    cluster = {"n_clusters": 3, "kmeans": {"n_init": 2, "max_iter": 10}, "seeds": 2, "seed": 0}
    trials = Trials(seen, cluster, tmp_path)
    block = {"kind": "patches", "dataset": "photos", "colour": "rgb", **settings}

    fitted = PatchFeatures(**settings).fit(seen.train[:30])
    for found, expected in zip(trials.codes(block, 30), (seen.train[:30], seen.validation), strict=True):
        np.testing.assert_array_equal(found, fitted.transform(expected))

    scaling = {"scaling": "whiten", "ridge": 1, "pca": 8, "unit_length": True, "pooling": None}
    graph = {"n_components": 3, "n_neighbors": 5, "metric": "cosine", "affinity": "self_tuning", "diffusion": 1}
    scores = trials.scores({**block, "seed": 7}, {**scaling, **graph}, 30, seed=1)
    assert scores.keys() == {"accuracy", "nmi", "ari"} and 1 / 3 <= scores["accuracy"] <= 1
    # The seed that is asked for takes the place of the block's, and what lies in the cache is taken from there.
    vectors = Scaler(**scaling).fit(trials.codes(block, 30)[0]).transform(trials.codes(block, 30)[1])
    kept = [np.load(path) for path in sorted(tmp_path.glob("*-validation.npy"))]
    assert len(kept) == 3 and any(np.array_equal(vectors, each) for each in kept)
    assert trials.scores(block, {**scaling, **graph}, 30, seed=1) == scores


def test_a_step_starts_from_what_the_step_before_chose(in_process, monkeypatch, tmp_path):
    asked = []

    def decided(settings, trial, rule, grows):
        return {"chosen": "9", "tolerance": 0.0, "trials": [trial(settings["9"], rule.sizes[-1], 0)]}

    def scores(self, representation, embedding, n, seed):
        asked.append((representation["n_clusters"], representation["max_iter"], n, seed))
        return {"ari": 0.0}

    monkeypatch.setattr(command, "decide", decided)
    monkeypatch.setattr(Trials, "scores", scores)
    values = workspace.parameters(Options())
    values["embeddings"]["digits-pixels-spectral"]["of"] = "digits-patches"
    with images.without_test_images(Options(quick=True, scratch=tmp_path), print) as (folder, values, data):
        for settings in ({"n_clusters": 9}, {"max_iter": 3}):
            blocks = ("representations.digits-patches",)
            step = steps.Step("a step", blocks, ("digits-pixels-spectral",), {"9": settings})
            _, values = command.run(step, values, folder, tmp_path, print)
        n = data["digits"]["train"]
    assert asked == [(9, 20, n, 0), (9, 3, n, 0)]


def test_a_run_writes_its_decisions_and_shows_them(in_process, monkeypatch, tmp_path, capsys):
    name = "digits-pixels-spectral"
    workspace.parameters(Options())["embeddings"][name]["of"] = "digits-patches"
    centres = {"8": {"n_clusters": 8}, "9": {"n_clusters": 9}}
    tried = [
        steps.Step("centres", ("representations.digits-patches",), (name,), centres),
        steps.Step("links", (f"embeddings.{name}",), (name,), {"5": {"n_neighbors": 5}}, grows=True),
    ]
    monkeypatch.setattr(steps, "STEPS", {"digits": tried})
    output = tmp_path / "choices.json"
    assert command.main(["digits", "--quick", "--output", str(output)]) == 0
    found = json.loads(output.read_text(encoding="utf-8"))["digits"]["steps"]
    assert found["centres"]["chosen"] in ("8", "9") and found["centres"]["score"] == "ari"
    # A single setting is tried on fewer images too, for what it gives there.
    assert len({trial["images"] for trial in found["links"]["trials"] if trial["seed"] == 0}) == 3
    text = capsys.readouterr().out
    assert "**centres** (tolerance " in text and "| **5** | 3 |" in text


@pytest.mark.slow
def test_a_classifier_is_scored_by_validation_images():
    from benchmarks.choices.classifiers import accuracy

    random = np.random.default_rng(0)
    labels = random.integers(0, 2, 60)
    bright = np.clip(100 * labels[:, None, None, None] + random.integers(0, 80, (60, 8, 8, 1)), 0, 255).astype(np.uint8)
    seen = images.Images(bright[:40], labels[:40], bright[40:], labels[40:], 2)
    block = {**small_parameters()["classifiers"]["digits-classifier"], "units": [8], "batch_size": 10, "epochs": 8}
    block |= {"learning_rate": 0.05, "optimizer": "adam", "optimizer_options": {}, "schedule": "constant", "warmup": 0}
    assert accuracy(seen, block, 40, 0) == {"accuracy": 1.0}
    # Labels of validation images serve the score alone.
    turned = seen._replace(validation_labels=1 - seen.validation_labels)
    assert accuracy(turned, block, 40, 0) == {"accuracy": 0.0}


# What was tried and decided on the official data.
CHOICES = json.loads((ROOT / "docs/results/choices.json").read_text(encoding="utf-8"))
DECISIONS = {title: step for part in CHOICES.values() for title, step in part["steps"].items()}


DECIDED = [step for each in steps.STEPS.values() for step in each if step.title in DECISIONS]


@pytest.mark.parametrize("step", DECIDED, ids=lambda step: step.title)
def test_parameters_are_those_that_the_trials_chose(step):
    values = with_defaults(of_recipe(load(ROOT / "params.yaml")))
    found = DECISIONS[step.title]
    assert found["settings"] == json.loads(json.dumps(step.settings))
    for key in step.blocks:
        group, name = key.split(".")
        chosen = found["settings"][found["chosen"]]
        assert {setting: values[group][name][setting] for setting in chosen} == chosen


def test_the_document_shows_the_trials():
    document = (ROOT / "docs/choices.md").read_text(encoding="utf-8")
    assert with_trials(document, CHOICES) == document
