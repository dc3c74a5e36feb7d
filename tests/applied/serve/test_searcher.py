"""A prepared index gives the bits of a search of all codes."""

import numpy as np
import pytest

from applied import search
from applied.serve.searching import Searcher
from autoencoders.core.errors import InputError


def codes(kind: str) -> np.ndarray:
    random = np.random.default_rng(0)
    found = random.standard_normal((700, 12), dtype=np.float32)
    if kind == "ties":
        found = np.round(found[:, :2])
    if kind == "far":
        found += 1000
    if kind == "zeros":
        found[::3] = 0
    if kind == "great":
        found *= np.float32(1e30)
    return np.ascontiguousarray(found)


@pytest.mark.parametrize("metric", search.METRICS)
@pytest.mark.parametrize("kind", ["plain", "ties", "far", "zeros", "great"])
def test_the_same_rows_and_distances(kind, metric):
    index = codes(kind)
    queries = np.concatenate([index[:20], index[20:40] + np.float32(0.1), np.zeros_like(index[:1])])
    searcher = Searcher(index)
    for k in (1, 10, 699, 700):
        expected, found = search.nearest(index, queries, k, metric), searcher.nearest(queries, k, metric)
        assert np.array_equal(found.rows, expected.rows)
        assert np.array_equal(found.distances, expected.distances)


def test_what_cannot_be_searched_is_said_as_by_the_other():
    searcher = Searcher(codes("plain"))
    for k, metric in ((0, "cosine"), (701, "cosine"), (1, "manhattan")):
        with pytest.raises(InputError):
            searcher.nearest(codes("plain")[:1], k, metric)
    with pytest.raises(InputError, match="finite"):
        searcher.nearest(np.full((1, 12), np.nan, np.float32), 1, "cosine")
