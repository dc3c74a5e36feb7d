"""Inverted lists, beside a comparison with all codes."""

import sys

import numpy as np
import pytest

from autoencoders.core.errors import InputError
from autoencoders.core.rows import Rows
from autoencoders.uses import inverted_lists
from autoencoders.uses.inverted_lists import METRICS, InvertedLists
from autoencoders.uses.neighbours import nearest

N, QUERIES, K = 3000, 40, 5


@pytest.fixture(scope="module")
def drawn() -> tuple[np.ndarray, np.ndarray]:
    """Codes and queries in clusters, float32 [n, 6]."""
    random = np.random.default_rng(0)
    centres = random.normal(size=(30, 6)) * 3
    codes = centres[random.integers(30, size=N + QUERIES)] + random.normal(size=(N + QUERIES, 6))
    return codes[:N].astype(np.float32), codes[N:].astype(np.float32)


@pytest.fixture
def faiss():
    return pytest.importorskip("faiss")


def by_hand(codes: np.ndarray, metric: str, n_lists: int = 7) -> InvertedLists:
    """Lists of any kind: what is found does not depend on how good they are, once enough are compared."""
    centres = codes[:n_lists] / (np.linalg.norm(codes[:n_lists], axis=1, keepdims=True) if metric == "cosine" else 1)
    return InvertedLists(centres.astype(np.float32), (np.arange(len(codes)) % n_lists).astype(np.int32), metric)


@pytest.mark.parametrize("metric", METRICS)
def test_a_query_has_the_lists_of_its_nearest_centres(drawn, metric):
    lists = by_hand(drawn[0], metric, 50)
    for query in drawn[1]:
        near = nearest(lists.centres, query[np.newaxis], [metric], 4)[metric].rows[0]
        assert set(lists.probed(query, 4)) == set(near)
    assert sorted(lists.probed(query, 99)) == list(range(50))


@pytest.mark.parametrize("metric", METRICS)
def test_the_recall_is_the_share_of_nearest_codes_in_these_lists(drawn, metric):
    codes, queries = drawn
    lists, exact = by_hand(codes, metric), nearest(codes, queries, [metric], K)[metric].rows
    found = lists.measure(queries, exact, 2)
    shares = [[row % 7 in lists.probed(query, 2) for row in near] for query, near in zip(queries, exact, strict=True)]
    assert 0 < found.recall < 1 and found.recall == pytest.approx(np.mean(shares))
    assert found.compared == pytest.approx(2 / 7, rel=0.01)
    assert lists.measure(queries, exact, 7) == (1, 1)


@pytest.mark.parametrize("metric", METRICS)
def test_codes_stand_in_the_list_of_their_nearest_centre(faiss, drawn, metric):
    lists = inverted_lists.build(drawn[0], metric)
    assert len(lists) == N // 250 and len(np.unique(lists.lists)) == len(lists)
    distances = nearest(lists.centres, drawn[0], [metric], len(lists))[metric]
    assert (distances.rows[:, 0] == lists.lists).mean() > 0.999
    if metric == "cosine":
        np.testing.assert_allclose(np.linalg.norm(lists.centres, axis=1), 1, rtol=1e-5)


@pytest.mark.parametrize("metric", METRICS)
def test_the_same_codes_and_seed_give_the_same_bytes_whatever_the_threads_and_blocks(faiss, drawn, metric):
    codes, threads = drawn[0], faiss.omp_get_max_threads()
    first = inverted_lists.build(codes, metric, random_state=1)
    try:
        faiss.omp_set_num_threads(3)
        again = inverted_lists.build(Rows(codes[:1000], codes[1000:]), metric, random_state=1)
        assert faiss.omp_get_max_threads() == 3
    finally:
        faiss.omp_set_num_threads(threads)
    assert first.centres.tobytes() == again.centres.tobytes() and first.lists.tobytes() == again.lists.tobytes()
    other = inverted_lists.build(codes, metric, random_state=2)
    assert first.centres.tobytes() != other.centres.tobytes()


@pytest.mark.parametrize("metric", METRICS)
def test_candidates_of_all_lists_hold_the_nearest_codes(faiss, drawn, metric):
    codes, queries = drawn
    lists = by_hand(codes, metric)
    index, exact = lists.filled(Rows(codes), 7), nearest(codes, queries, [metric], K)[metric].rows
    for query, near in zip(queries, exact, strict=True):
        found = lists.candidates(index, query, 2 * K)
        assert len(found) == 2 * K and (np.diff(found) > 0).all() and np.isin(near, found).all()


@pytest.mark.parametrize("metric", METRICS)
def test_candidates_are_of_the_lists_that_are_compared(faiss, drawn, metric):
    codes, queries = drawn
    lists = by_hand(codes, metric)
    index = lists.filled(codes, 2)
    for query in queries:
        assert set(lists.candidates(index, query, 30) % 7) <= set(lists.probed(query, 2).tolist())


def test_of_few_codes_there_is_one_list(faiss, drawn):
    lists = inverted_lists.build(drawn[0][:1], "euclidean")
    assert (len(lists), lists.lists.tolist()) == (1, [0])
    assert [inverted_lists.n_lists(n) for n in (249, 500, 10**6, 10**8)] == [1, 2, 4000, 40_000]


@pytest.mark.parametrize("value", [np.nan, np.inf, 3e38])
def test_codes_that_cannot_be_compared_are_one_sentence(faiss, drawn, value):
    codes = drawn[0].copy()
    codes[17, 2] = value
    with pytest.raises(InputError, match="^codes hold values that are no finite numbers, or too large for it; search"):
        inverted_lists.build(codes, "euclidean")
    with pytest.raises(InputError, match="^codes hold values"):
        by_hand(drawn[0], "euclidean").filled(codes, 1)


FINE = np.eye(3, 4, dtype=np.float32), np.array([0, 2, 1], np.int32)


@pytest.mark.parametrize(
    ("centres", "lists", "sentence"),
    [
        (FINE[0][0], FINE[1], "centres are to be finite float32"),
        (FINE[0][:0], FINE[1][:0], "centres are to be finite float32"),
        (FINE[0].astype(np.float64), FINE[1], "centres are to be finite float32"),
        (FINE[0] * np.float32(np.nan), FINE[1], "centres are to be finite float32"),
        (FINE[0] * np.float32(1e30), FINE[1], "centres are so large"),
        (FINE[0], FINE[1].astype(np.int64), "lists are to be int32"),
        (FINE[0], FINE[1][np.newaxis], "lists are to be int32"),
        (FINE[0], FINE[1] + np.int32(1), "lists are to name the 3 centres from 0"),
        (FINE[0], -FINE[1], "lists are to name the 3 centres from 0"),
    ],
)
def test_arrays_that_are_no_lists_are_refused(centres, lists, sentence):
    with pytest.raises(InputError, match=f"^{sentence}"):
        InvertedLists(centres, lists, "euclidean")


def test_another_metric_is_refused():
    with pytest.raises(InputError, match="^metric is 'l1'; use cosine or euclidean"):
        InvertedLists(*FINE, "l1")


def test_without_faiss_one_sentence_says_what_to_do(monkeypatch, drawn):
    monkeypatch.setitem(sys.modules, "faiss", None)
    assert not inverted_lists.available()
    with pytest.raises(InputError, match="needs the package faiss-cpu, which is not installed; run `pip"):
        inverted_lists.build(drawn[0], "cosine")
