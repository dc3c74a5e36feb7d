"""Codes that are more than `in_memory` allows to hold."""

import numpy as np
import pandas as pd
import pytest
from clustered import assignments, centres, metrics, scores
from listed import listed, relist
from memory import allow, peak, zeros
from small import small_parameters

from stages import cluster
from stages.shared import codes as stored

FORMS = list(small_parameters()["cluster"]["clusterings"])
MAIN = ["accuracy", "nmi", "ari"]
SIMPLE = "digits-simple"


@pytest.fixture
def by_class(workspace):
    """Codes that lie in a group for each class, in place of a network's: 72 of 100 numbers, 28 KiB, to train on."""
    random = np.random.default_rng(0)
    for split in ("train", "validation", "test"):
        classes = listed("digits", split)["label"].to_numpy()
        grouped = 10 * np.eye(10, 100)[classes] + random.normal(size=(len(classes), 100))
        np.save(f"data/codes/digits-simple/{split}.npy", grouped.astype(np.float32))


@pytest.mark.slow
def test_codes_that_are_more_than_may_be_held_are_clustered_in_parts_and_as_well(by_class, change, monkeypatch, capsys):
    # One start may end with two groups in one cluster, whichever way it is clustered.
    for clusterer in ("kmeans", "mini_batch_kmeans", "gaussian_mixture"):
        change(f"cluster.{clusterer}", n_init=10)
    cluster.main(SIMPLE)
    assert capsys.readouterr().out == ""
    whole, table, images = metrics("digits-simple"), scores("digits-simple"), assignments("digits-simple")
    allow(0.025)
    monkeypatch.setattr(stored, "read", lambda *_: pytest.fail("read all of the codes at once"))
    cluster.main(SIMPLE)
    start = "72 vectors of 100 numbers are more than in_memory (0.025 MiB): "
    assert capsys.readouterr().out.splitlines() == [
        f"digits-simple: kmeans: {start}block by block",
        f"digits-simple: whitened: {start}scaled in parts to 32 numbers",
        f"digits-simple: mixture: {start}fitted to a sample of 54",
    ]
    in_parts, found = metrics("digits-simple"), scores("digits-simple")
    assert found.index.equals(table.index) and list(found) == list(table)
    assert assignments("digits-simple").drop(columns="cluster").equals(images.drop(columns="cluster"))
    assert in_parts.keys() == whole.keys()
    for form in FORMS:
        assert in_parts[form]["width"] == whole[form]["width"]
        for score in MAIN:
            assert in_parts[form][score] == pytest.approx(whole[form][score], abs=0.1)
    assert in_parts["kmeans"]["accuracy"] > 0.9


def test_just_what_may_be_held_is_clustered_as_a_whole(by_class, only, capsys):
    only("kmeans")
    allow(72 * 100 * 4 / 2**20)
    cluster.main(SIMPLE)
    assert capsys.readouterr().out == ""


def test_in_parts_the_size_of_the_blocks_changes_nothing_but_roundings(by_class, monkeypatch, drawings):
    allow(0.025)
    results = []
    for size in (1000, 7):
        monkeypatch.setattr("autoencoders.core.rows.BLOCK_SIZE", size)
        cluster.main(SIMPLE)
        results.append((assignments("digits-simple"), centres("digits-simple"), scores("digits-simple")))
    (first, first_centres, first_scores), (second, second_centres, second_scores) = results
    assert first.equals(second)
    np.testing.assert_allclose(first_centres, second_centres, rtol=1e-6)
    pd.testing.assert_frame_equal(first_scores, second_scores, rtol=1e-4)
    shown, again = (call["rows"] for call in drawings["image_rows"])
    for row, other in zip(shown.values(), again.values(), strict=True):
        np.testing.assert_allclose(row, other, atol=1e-5)


def test_memory_does_not_grow_with_the_vectors_beyond_what_may_be_held(workspace, change):
    # Every step reads all vectors, and takes the memory of the first.
    change("cluster", seeds=1)
    for clusterer in ("kmeans", "mini_batch_kmeans", "gaussian_mixture"):
        change(f"cluster.{clusterer}", max_iter=2)
    allow(4)
    before = peak("stages.cluster", "digits-pixels")
    n = 40_000
    vectors = np.random.default_rng(0).random((n, 784), dtype=np.float32)
    np.save("data/codes/digits-pixels/train.npy", vectors)
    zeros("data/prepared/digits/train/images.npy", (n, 28, 28, 1), np.uint8)
    relist("digits", train=n)
    after = peak("stages.cluster", "digits-pixels")
    assert len(assignments("digits-pixels")) == n + 22 + 18
    # Of 120 MiB of vectors.
    assert after - before < 64
