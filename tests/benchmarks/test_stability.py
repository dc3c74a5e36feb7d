import contextlib
import importlib
import io
import json
import time

import numpy as np
import pytest
from small import small_parameters

from autoencoders.pages import figures
from benchmarks import moves, spreads, stability, workspace
from benchmarks.measuring import BenchmarkError, Child, Options
from benchmarks.scripts import perturbed
from stages.shared import files


@pytest.fixture
def in_process(monkeypatch):
    """Little data, and stages and scripts that run in this process, which spares their start."""
    for drawing in ("save", "image_rows", "matrix"):
        monkeypatch.setattr(figures, drawing, getattr(figures, drawing))
    values = small_parameters()
    values["cluster"]["clusterings"] = {"kmeans": values["cluster"]["clusterings"]["kmeans"]}
    monkeypatch.setattr(workspace, "parameters", lambda options: values)
    monkeypatch.setattr(stability, "WORST", 1)
    monkeypatch.setattr(stability, "DRAWS_QUICK", 1)
    monkeypatch.setattr(stability, "MORE", {"10 seeds": {"seeds": 10}})

    def run(command, folder, **_):
        module, arguments = importlib.import_module(command[2]), command[3:]
        output, start = io.StringIO(), time.perf_counter()
        with contextlib.chdir(folder), contextlib.redirect_stdout(output):
            if module is perturbed:
                module.main(**json.loads(*arguments))
            else:
                module.main(*arguments)
        return Child(time.perf_counter() - start, 0, 0, output.getvalue(), 0)

    for module in (workspace, stability):
        monkeypatch.setattr(module, "run", run)


def metrics(accuracy: float, precision: float) -> dict:
    form = {"width": 2, "accuracy": accuracy, "accuracy_std": 0.25, "nmi": 0, "nmi_std": 0, "ari": 0, "ari_std": 0}
    found = {"source": "bundled", "cosine_precision_at_1": precision}
    return {"cluster/some": {"source": "bundled", "scored": "held_out", "kmeans": form}, "search/some": found}


def test_a_quick_run_moves_every_code_and_every_seed(in_process, monkeypatch, tmp_path):
    # Each training takes seconds, and those of classifiers no other code than those of autoencoders.
    monkeypatch.setattr(stability, "LEARNED", ("autoencoders", "representations"))
    said, results = [], []
    for result in stability.measure(Options(quick=True, seeds=2, scratch=tmp_path), said.append):
        # As it is written: what is yielded grows.
        results.append(json.loads(json.dumps(result)))
    assert list(results[0]["rounding"]) == ["digits-simple"] and not results[0]["seeds"]
    last = results[-1]
    assert list(last["rounding"]) == ["digits-simple", "digits-pixels", "digits-pixels-spectral"]
    assert last["more"].keys() == stability.MORE.keys()
    assert {name: entry["runs"] for name, entry in last["seeds"].items()} == {"digits-simple": 2}
    # Seeds make other networks, and other scores.
    precisions = last["seeds"]["digits-simple"]["scores"]["digits-simple search cosine_precision_at_10"]
    assert precisions["deviation"] > 0
    text = "\n".join(stability.lines(last))
    for shown in ("| digits-pixels-spectral | kmeans |", "| digits-simple | digits-simple | kmeans | 2 |"):
        assert shown in text
    assert not list(tmp_path.iterdir())


def test_a_run_before_the_graph_says_so(monkeypatch, tmp_path):
    monkeypatch.setattr(stability, "ROOT", tmp_path)
    with pytest.raises(BenchmarkError, match="run `make repro` first"):
        next(stability.measure(Options(), print))


def test_noise_is_as_large_as_it_should_be_and_the_same_for_the_same_seed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    random = np.random.default_rng(0)
    originals = {split: random.normal(0, 5, (400, 3)).astype(np.float32) for split in files.SPLITS}
    files.data("codes", "some").mkdir(parents=True)
    files.write_json(files.data("codes", "some", "code.json"), {"shape": [3]})

    def noise(seed):
        perturbed.perturb("some", originals, 0.01, seed)
        return np.load(files.data("codes", "some", "test.npy")) - originals["test"]

    first = noise(1)
    assert 0.045 < np.abs(first).max() < 0.055
    assert np.array_equal(noise(1), first) and not np.array_equal(noise(2), first)
    assert files.read_json(files.data("codes", "some", "code.json")) == {"shape": [3]}


def test_a_move_is_the_largest_distance_from_the_score_as_it_is():
    found = moves.moved(metrics(0.5, 0.9), [metrics(0.52, 0.9), metrics(0.47, 0.9)])
    assert found["some kmeans accuracy"] == {"printed": 0.5, "deviation": 0.25, "moves": pytest.approx(0.03)}
    assert found["some search cosine_precision_at_1"] == {"printed": 0.9, "moves": 0}
    assert moves.worst(found) == pytest.approx(0.03)
    text = "\n".join(moves.lines({"draws": 2, "rounding": {"some": found}, "more": {}, "seeds": {}}))
    assert "1 of 4 scores move by more than 0.005" in text
    assert "| some | kmeans | 0.500 ± 0.250 → **0.0300** | 0.000 ± 0.000 → 0.0000 |" in text
    assert "| some | 0.900 | 0.0000 |" in text


def test_without_rounding_errors_there_is_no_table_of_them():
    text = "\n".join(moves.lines({"draws": 0, "rounding": {}, "more": {}, "seeds": {}}))
    assert text == "Rounding errors were left out (`--draws 0`)."


def test_a_spread_over_seeds_has_mean_deviation_and_range():
    found = moves.spread([metrics(0.5, 0.9), metrics(0.7, 0.8)])
    assert found["some kmeans accuracy"] == pytest.approx({"mean": 0.6, "deviation": 0.1, "min": 0.5, "max": 0.7})
    assert not any(key.endswith("_std") for key in found)


def test_the_spreads_are_a_file_that_the_summary_reads(tmp_path):
    form = {"some kmeans accuracy": 0.03, "some kmeans nmi": 0.02, "some kmeans ari": 0.01, "some search precision": 1}
    result = {
        "draws": 2,
        "conditions": {"some kmeans": "0123456789ab"},
        "rounding": {"some": {key: {"printed": 0.5, "moves": value} for key, value in form.items()}},
        "seeds": {
            learned: {"runs": runs, "scores": {key: {"deviation": 2 * value} for key, value in form.items()}}
            for learned, runs in (("some", 10), ("another", 2))
        },
    }
    file = tmp_path / "stability.csv"
    for _ in range(2):
        spreads.write([result], file)
    assert file.read_text(encoding="utf-8").splitlines() == [
        "representation,clustering,measured,of,runs,conditions,accuracy,nmi,ari",
        "some,kmeans,rounding,some,2,0123456789ab,0.0300,0.0200,0.0100",
        "some,kmeans,seeds,some,10,0123456789ab,0.0600,0.0400,0.0200",
    ]


def test_what_follows_from_a_network_is_scored_too():
    values = {"autoencoders": {"some": {}}, "embeddings": {"near": {"of": "some"}, "other": {"of": "another"}}}
    makes, uses = [["train", "autoencoders", "some"], ["encode", "some"]], [["cluster", "some"], ["search", "some"]]
    assert stability._chain(values, "autoencoders", "some") == [*makes, *uses, ["embed", "near"], ["cluster", "near"]]
    assert stability._chain(values, "classifiers", "it") == [["train", "classifiers", "it"], ["evaluate", "it"]]
    assert stability._chain(values, "embeddings", "near") == [["embed", "near"], ["cluster", "near"]]


def test_more_starts_are_laid_over_the_graphs_own():
    cluster = {"seeds": 3, "kmeans": {"n_init": 3, "max_iter": 300}}
    assert stability._laid(cluster, {"seeds": 10, "kmeans": {"n_init": 30}}) == {
        "seeds": 10,
        "kmeans": {"n_init": 30, "max_iter": 300},
    }
