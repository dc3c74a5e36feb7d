import threading

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from autoencoders.core.engines import ThisProcess, Threads, computed_by, in_order
from autoencoders.core.rows import over_blocks, summed

ENGINES = [ThisProcess(), Threads(1, 4), Threads(3, 4)]


class Recorded:
    """An engine that computes as another one does, and remembers how often it was asked."""

    def __init__(self):
        self.asked = 0

    def results(self, function, items):
        self.asked += 1
        return ThisProcess().results(function, items)


@pytest.mark.parametrize("engine", ENGINES)
def test_results_come_in_the_order_of_the_items(engine):
    late = threading.Event()

    def slow_first(item):
        if item == 0 and getattr(engine, "n", 1) > 1:
            assert late.wait(10)
        if item == 3:
            late.set()
        return 2 * item

    with computed_by(engine):
        assert list(in_order(slow_first, range(20))) == list(range(0, 40, 2))


@pytest.mark.parametrize("engine", ENGINES)
def test_items_are_taken_only_a_few_ahead_and_the_first_error_ends_it(engine):
    taken = []

    def items():
        for item in range(100):
            taken.append(item)
            yield item

    def fail_at_ten(item):
        if item == 10:
            raise ValueError("ten")
        return item

    found = in_order(fail_at_ten, items(), engine)
    assert next(found) == 0
    assert len(taken) <= 6
    with pytest.raises(ValueError, match="ten"):
        list(found)
    assert len(taken) <= 16


@pytest.mark.parametrize("engine", ENGINES)
def test_each_result_is_computed_with_one_thread_of_blas(engine):
    np.ones((2, 2)) @ np.ones((2, 2))

    def threads(item):
        return {library["num_threads"] for library in threadpool_info()}

    with threadpool_limits(2):
        assert set().union(*in_order(threads, range(5), engine)) == {1}
        assert 2 in threads(0)


def test_an_engine_that_is_given_computes_what_is_more_than_one_piece_of_work():
    engine = Recorded()
    with computed_by(engine):
        assert list(in_order(str, [])) == [] and list(in_order(str, [1])) == ["1"]
        assert engine.asked == 0
        assert list(in_order(str, [1, 2])) == ["1", "2"]
    assert engine.asked == 1
    assert list(in_order(str, [1, 2])) == ["1", "2"]
    assert engine.asked == 1


def test_a_slice_counts_as_done_when_its_result_is_taken():
    seen = []

    def watch(slices, n, what):
        for rows in slices:
            yield rows
            seen.append(rows.stop)

    found = over_blocks(lambda rows: rows.stop, 25, 10, watch)
    assert [next(found)[1], list(seen)] == [10, []]
    assert [next(found)[1], list(seen)] == [20, [10]]
    assert list(found) == [(slice(20, 25), 25)] and seen == [10, 20, 25]


def test_sums_are_those_of_all_blocks_and_the_same_bytes_whoever_computes_them(monkeypatch):
    monkeypatch.setattr("autoencoders.core.rows.BLOCK_SIZE", 10)
    values = np.random.default_rng(0).normal(size=(777, 3))

    def of(rows):
        return values[rows].sum(axis=0), np.array([rows.stop - rows.start])

    found = []
    for engine in ENGINES:
        with computed_by(engine):
            found.append(summed(of, len(values), part=4))
    for sums, count in found:
        assert count == [777] and sums.tobytes() == found[0][0].tobytes()
        np.testing.assert_allclose(sums, values.sum(axis=0))
