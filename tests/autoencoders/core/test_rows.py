import numpy as np

from autoencoders.core.rows import Rows, all_in_memory, in_memory

VECTORS = np.arange(60, dtype=np.float32).reshape(20, 3)


def test_rows_are_read_where_they_fit():
    rows = Rows(VECTORS[:7], VECTORS[7:]).map(lambda block: block + 1)
    assert rows.nbytes == VECTORS.nbytes
    assert in_memory(rows, VECTORS.nbytes - 1) is rows
    for memory in (VECTORS.nbytes, None):
        found = in_memory(rows, memory)
        assert type(found) is np.ndarray and found.dtype == np.float32
        assert np.array_equal(found, VECTORS + 1)
    assert in_memory(VECTORS, 0) is VECTORS


def test_all_stay_on_disk_if_training_vectors_exceed_memory():
    parts = {"training": Rows(VECTORS), "held_out": Rows(np.concatenate([VECTORS, VECTORS[:10]]))}
    large, training, both = (all_in_memory(parts, memory) for memory in (4 * 3 * 19, 4 * 3 * 20, 4 * 3 * 30))
    assert large == parts
    assert type(training["training"]) is np.ndarray and training["held_out"] is parts["held_out"]
    assert all(type(vectors) is np.ndarray for vectors in both.values())


def test_reading_shows_how_far_it_is():
    seen = []

    def watch(slices, n, what):
        seen.append((n, what))
        return slices

    in_memory(Rows(VECTORS), None, watch, "scaling")
    assert seen == [(20, "scaling")]
