import json
import os
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from listed import listed, relist, source_of
from memory import allow, peak, zeros
from scipy.spatial.distance import cdist
from small import ROOT, small_parameters

from autoencoders.core.errors import InputError
from stages import search
from stages.shared.settings import limits

PARAMETERS = small_parameters()
SHOWN = PARAMETERS["search"]["shown"]
METRICS = ["cosine", "euclidean"]
COUNTS = [1, 5, 10]
TRAINING = ("train", "validation")
SIMPLE = "digits-simple"
# Codes of a grey and of a colour network, and a representation without one.
SOURCES = {
    SIMPLE: PARAMETERS["autoencoders"]["digits-simple"],
    "photos-convolutional": PARAMETERS["autoencoders"]["photos-convolutional"],
    "photos-pca": PARAMETERS["representations"]["photos-pca"],
}


def neighbours(name: str, metric: str) -> pd.DataFrame:
    found = pd.read_csv(f"data/neighbours/{name}/neighbours.csv")
    return found[found["metric"] == metric].reset_index(drop=True)


def metrics(name: str) -> dict:
    return json.loads(Path("metrics/search", f"{name}.json").read_text(encoding="utf-8"))


def codes(name: str, *splits: str) -> np.ndarray:
    return np.concatenate([np.load(f"data/codes/{name}/{split}.npy") for split in splits]).astype(np.float64)


def listing(name: str, *splits: str) -> pd.DataFrame:
    """Return the split, row, number and label of each image."""
    return listed(SOURCES[name]["dataset"], *splits)[["split", "row", "image", "label"]]


def declare(name: str, parameters: dict | None = None, **entries: str) -> None:
    """Change what the folder of codes says of itself."""
    file = Path("data/codes", name, "code.json")
    about = json.loads(file.read_text(encoding="utf-8")) | entries
    about["parameters"] |= parameters or {}
    file.write_text(json.dumps(about), encoding="utf-8")


def asked(name: str) -> np.ndarray:
    """Return the queries' rows among the test images."""
    return neighbours(name, "cosine")["row"].drop_duplicates().to_numpy()


def written(name: str) -> dict[str, bytes]:
    folders = Path("data/neighbours", name), Path("plots/search", name)
    files = [Path("metrics/search", f"{name}.json"), *(file for folder in folders for file in folder.iterdir())]
    return {str(file): file.read_bytes() for file in files}


def run(code: str, **environment: str) -> None:
    """Run Python code that has imported the stage in a process of its own."""
    command = [sys.executable, "-c", f"import sys\nfrom stages import search\n{code}"]
    subprocess.run(command, env={**os.environ, "PYTHONPATH": str(ROOT), **environment}, check=True)


@pytest.mark.parametrize("name", SOURCES)
def test_each_query_is_listed_with_its_nearest_training_images(results, name):
    test, training = listing(name, "test"), listing(name, *TRAINING)
    for metric in METRICS:
        found = neighbours(name, metric)
        queries = found.groupby("row", sort=False)[["split", "row", "image", "label"]].head(1)
        assert len(queries) == 15
        assert queries["row"].is_monotonic_increasing
        pd.testing.assert_frame_equal(queries.reset_index(drop=True), test.iloc[queries["row"]].reset_index(drop=True))
        assert found["rank"].tolist() == 15 * list(range(1, 11))
        distances = cdist(codes(name, "test")[queries["row"]], codes(name, *TRAINING), metric)
        nearest = distances.argsort(axis=1, kind="stable")[:, :10]
        answers = found.filter(like="neighbour_").rename(columns=lambda column: column.removeprefix("neighbour_"))
        pd.testing.assert_frame_equal(answers, training.iloc[nearest.ravel()].reset_index(drop=True))
        expected = np.take_along_axis(distances, nearest, axis=1)
        np.testing.assert_allclose(found["distance"], expected.ravel(), rtol=2e-5, atol=1e-6)


@pytest.mark.parametrize("name", SOURCES)
def test_the_metrics_are_the_shares_of_neighbours_of_the_querys_class(results, name):
    expected = {}
    for metric in METRICS:
        found = neighbours(name, metric)
        agrees = found["label"] == found["neighbour_label"]
        expected |= {f"{metric}_precision_at_{k}": agrees[found["rank"] <= k].mean() for k in COUNTS}
    kept = metrics(name)
    assert kept.pop("source") == source_of(SOURCES[name])
    assert kept == pytest.approx(expected, rel=1e-5)


def test_images_that_training_held_out_are_not_searched(workspace):
    declare(SIMPLE, {"validation": True})
    search.main(SIMPLE)
    found = neighbours("digits-simple", "euclidean")
    assert set(found["neighbour_split"]) == {"train"}
    distances = cdist(codes(SIMPLE, "test")[asked("digits-simple")], codes(SIMPLE, "train"))
    assert found["neighbour_row"].tolist() == distances.argsort(axis=1)[:, :10].ravel().tolist()


def test_test_images_are_not_searched_even_where_the_network_was_trained_on_them(workspace):
    before = written("digits-simple")
    declare(SIMPLE, protocol="together")
    search.main(SIMPLE)
    assert written("digits-simple") == before


@pytest.mark.parametrize("name", ["photos-convolutional", "photos-pca"])
def test_the_figures_show_queries_of_many_classes_and_frame_neighbours_by_class(
    workspace, pixels, drawings, drawn, name
):
    block = SOURCES[name]
    search.main(name)
    assert drawn(f"plots/search/{name}") == {f"neighbours-{metric}.png" for metric in METRICS}
    images = np.concatenate([pixels(block, split) for split in TRAINING])
    starts = {"train": 0, "validation": len(pixels(block, "train"))}
    classes = json.loads(Path("data/prepared/photos/dataset.json").read_text(encoding="utf-8"))["classes"]
    for metric, call in zip(METRICS, drawings["image_rows"], strict=True):
        found = neighbours(name, metric)
        assert call["captions"] == ["query", *"12345678"]
        shown = [(row.split("\n")[0], int(row.split()[-1])) for row in call["rows"]]
        assert len(shown) == len({label for label, _ in shown}) == min(SHOWN, found["label"].nunique())
        for (title, row), (label, number) in zip(call["rows"].items(), shown, strict=True):
            group = found[found["image"] == number].head(8)
            assert {classes[value] for value in group["label"]} == {label}
            query = pixels(block, "test")[group["row"].iloc[0]]
            rows = group["neighbour_split"].map(starts) + group["neighbour_row"]
            np.testing.assert_allclose(row, [query, *images[rows]], atol=1e-6)
            same = (group["neighbour_label"] == group["label"]).tolist()
            assert call["frames"][title] == [None, *(search.SAME if agrees else search.OTHER for agrees in same)]


def test_the_parameters_decide_what_is_searched_and_shown(change, drawings):
    name = "digits-simple"
    change("search", metrics=["euclidean"], neighbours=[2, 3], queries=None, shown=20)
    search.main(SIMPLE)
    assert set(pd.read_csv(f"data/neighbours/{name}/neighbours.csv")["metric"]) == {"euclidean"}
    assert neighbours(name, "euclidean")["row"].tolist() == np.repeat(range(18), 3).tolist()
    assert set(metrics(name)) == {"source", "euclidean_precision_at_2", "euclidean_precision_at_3"}
    (shown,) = drawings["image_rows"]
    assert [len(row) for row in shown["rows"].values()] == [4] * 18


def test_the_seed_draws_the_queries(change):
    rows = []
    for seed in (0, 1):
        change("search", seed=seed, queries=6, metrics=["cosine"], shown=1)
        search.main(SIMPLE)
        rows.append(asked("digits-simple").tolist())
    assert rows[0] != rows[1]


@pytest.mark.slow
def test_another_process_with_other_threads_writes_the_same_bytes_without_tensorflow(workspace):
    search.main("photos-simple")
    first = written("photos-simple")
    code = "search.main('photos-simple'); assert not {'tensorflow', 'keras'} & set(sys.modules)"
    run(code, OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
    assert written("photos-simple") == first


def test_codes_of_nothing_but_zeros_are_scored_without_a_warning(workspace):
    name = "digits-simple"
    for split in (*TRAINING, "test"):
        file = f"data/codes/{name}/{split}.npy"
        np.save(file, np.zeros_like(np.load(file)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        search.main(SIMPLE)
    for metric, distance in (("cosine", 1), ("euclidean", 0)):
        found = neighbours(name, metric)
        assert set(found["distance"]) == {distance}
        agrees = found["label"] == found["neighbour_label"]
        assert metrics(name)[f"{metric}_precision_at_10"] == pytest.approx(agrees.mean(), rel=1e-5)


def test_more_neighbours_than_images_are_one_sentence_before_anything_slow_is_imported(workspace):
    file = Path("data/prepared/digits/dataset.json")
    described = json.loads(file.read_text(encoding="utf-8"))
    # Fewer than the parameters show, as a source's own files may have.
    described["images"] |= {"train": 4, "validation": 3}
    file.write_text(json.dumps(described), encoding="utf-8")
    sentence = "search.neighbours asks for 10, more than the 7 training images; lower it."
    with pytest.raises(InputError, match=f"^{sentence}$"):
        search.main(SIMPLE)
    code = "try: search.main('digits-simple')\nexcept ValueError as error: assert 'asks for 10' in str(error)"
    run(f"{code}\nassert 'sklearn' not in sys.modules")
    assert list(workspace.rglob(".partial-*")) == []


def test_a_table_that_nobody_can_read_is_one_sentence_where_only_the_images_show_it(workspace, monkeypatch):
    monkeypatch.setattr(limits, "MOST_NEIGHBOURS", 299)
    sentence = "^search.neighbours asks for 10 of 15 queries of digits, 300 lines of a table that may have 299; "
    # The check of the parameters, of the images that they show, would say it before.
    monkeypatch.setattr(limits, "_neighbours_fit_a_table", lambda parameters: None)
    with pytest.raises(InputError, match=sentence):
        search.main(SIMPLE)


def test_no_test_images_are_one_sentence(workspace):
    file = Path("data/prepared/digits/dataset.json")
    described = json.loads(file.read_text(encoding="utf-8"))
    described["images"]["test"] = 0
    file.write_text(json.dumps(described), encoding="utf-8")
    with pytest.raises(InputError, match=r"^search\.queries has no test images to draw from; raise "):
        search.main(SIMPLE)


@pytest.mark.parametrize(
    "missing",
    [
        "data/prepared/digits/dataset.json",
        "data/prepared/digits/listing.csv",
        "data/prepared/digits/train/images.npy",
        "data/codes/digits-simple/validation.npy",
        "data/codes/digits-simple/code.json",
    ],
)
def test_a_missing_input_is_one_sentence_and_leaves_nothing_half_written(workspace, missing):
    Path(missing).unlink()
    with pytest.raises(InputError, match=f"^{missing} "):
        search.main(SIMPLE)
    assert list(workspace.rglob(".partial-*")) == []


def test_memory_does_not_grow_with_the_codes_beyond_what_may_be_held(workspace):
    allow(4)
    before = peak("stages.search", "digits-pixels")
    n = 40_000
    zeros("data/codes/digits-pixels/train.npy", (n, 784), np.float32)
    zeros("data/prepared/digits/train/images.npy", (n, 28, 28, 1), np.uint8)
    relist("digits", train=n)
    after = peak("stages.search", "digits-pixels")
    # Of 120 MiB of vectors.
    assert after - before < 64
