"""The codes that approximate search is measured with, and the table."""

import numpy as np
import pytest

from benchmarks import approximate
from benchmarks.measuring import ROOT


def test_synthetic_codes_are_in_clusters_and_queries_are_not_among_them():
    codes, queries = approximate.synthetic(5000)
    assert codes.shape == (5000, 64) and queries.shape == (approximate.QUERIES, 64) and codes.dtype == np.float32
    apart = np.sqrt(np.square(codes[:, np.newaxis] - queries[:20]).sum(axis=2))
    assert apart.min() > 0 and np.median(apart.min(axis=0)) < np.median(apart) / 1.5
    again = approximate.synthetic(5000)[0]
    assert np.array_equal(codes, again)


@pytest.mark.parametrize("kind", approximate.KINDS)
def test_each_kind_finds_the_nearest_codes(kind):
    pytest.importorskip("faiss")
    codes, queries = (part[:2000] for part in approximate.synthetic(2000))
    nearest = approximate.exact(codes)[""](queries[:20])
    for search in approximate.KINDS[kind](codes).values():
        shares = [np.isin(*rows).mean() for rows in zip(nearest, search(queries[:20]), strict=True)]
        assert np.mean(shares) > 0.9


def test_a_kind_is_named_once_in_the_table():
    way = {"kind": "exact", "compares": "", "build": 1.25, "memory": 2000.4, "recall": 0.98765, "speed": 1234.5}
    assert approximate.lines([way, way])[2:] == [
        "| exact | 1.2 | 2,000 | all | 0.988 | 1,234 |",
        "|  |  |  | all | 0.988 | 1,234 |",
    ]


def test_the_table_of_the_documents_is_the_one_that_was_measured():
    measured = (ROOT / "benchmarks/approximate.md").read_text(encoding="utf-8")
    shown = (ROOT / "docs/speed.md").read_text(encoding="utf-8")
    tables = [part for part in measured.split("\n\n") if part.startswith("| index |")]
    assert len(tables) == 2 and all(part in shown for part in tables)
