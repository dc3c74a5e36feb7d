import numpy as np
import pytest

from autoencoders.core.rows import Rows, blocks, row_batches
from autoencoders.images.preparation import Preparation, grey, one_hot, scale, validation_start

IMAGES = np.random.default_rng(0).integers(0, 256, (5, 4, 6, 3), dtype=np.uint8)


def test_grey_is_the_plain_mean_of_the_channels_in_0_to_1():
    # The first pixel of CIFAR-10's data_batch_1 and its grey value in the chapter.
    pixel = np.array([[[[59, 62, 63]]]], dtype=np.uint8)
    assert grey(pixel)[0, 0, 0, 0] == pytest.approx(0.24052288, abs=1e-8)
    assert grey(np.full((1, 2, 2, 3), 255, np.uint8)).max() == 1


def test_prepared_images_are_float32_in_0_to_1_and_never_wider():
    for prepared in (scale(IMAGES), grey(IMAGES), Preparation("rgb", True)(IMAGES), one_hot(np.array([0, 2]), 3)):
        assert prepared.dtype == np.float32
        assert prepared.min() >= 0 and prepared.max() <= 1


@pytest.mark.parametrize(
    ("colour", "flat", "shape"),
    [("grey", True, (24,)), ("grey", False, (4, 6, 1)), ("rgb", True, (72,)), ("rgb", False, (4, 6, 3))],
)
def test_the_promised_shape_is_the_shape_of_a_prepared_image(colour, flat, shape):
    preparation = Preparation(colour, flat)
    assert preparation.shape(IMAGES.shape[1:]) == shape
    assert preparation(IMAGES).shape == (5, *shape)


def test_blocks_are_prepared_as_the_whole_is():
    preparation = Preparation("grey", True)
    assert np.array_equal(np.concatenate([preparation(IMAGES[:2]), preparation(IMAGES[2:])]), preparation(IMAGES))


def test_one_hot_gives_the_label_back_and_refuses_labels_out_of_range():
    labels = np.array([3, 0, 9])
    assert np.array_equal(one_hot(labels, 10).argmax(axis=1), labels)
    assert np.array_equal(one_hot(labels, 10).sum(axis=1), np.ones(3))
    for wrong in (-1, 10):
        with pytest.raises(ValueError, match="0 to 9"):
            one_hot(np.array([wrong]), 10)


def test_the_validation_images_are_the_chapters_last_3000_of_10000():
    assert validation_start(10_000, 0.3) == 7_000


@pytest.mark.parametrize(("n_images", "share"), [(2, 0.01), (2, 0.99), (3, 0.5)])
def test_at_least_one_image_stays_on_either_side(n_images, share):
    assert 1 <= validation_start(n_images, share) <= n_images - 1


def test_one_image_cannot_be_split():
    with pytest.raises(ValueError, match="of 1 images"):
        validation_start(1, 0.5)


def test_blocks_cover_everything_once():
    assert [(rows.start, rows.stop) for rows in blocks(7, 3)] == [(0, 3), (3, 6), (6, 7)]
    assert list(blocks(0, 3)) == []


PARTS = [np.arange(first * 2, (first + n) * 2, dtype=np.float32).reshape(n, 2) for first, n in ((0, 3), (3, 1), (4, 6))]
JOINED = np.concatenate(PARTS)


class Recorded:
    """An array that remembers how many rows it was asked for at a time."""

    def __init__(self, array: np.ndarray):
        self.array, self.shape, self.dtype, self.asked = array, array.shape, array.dtype, []

    def __getitem__(self, key):
        found = self.array[key]
        self.asked.append(len(found))
        return found


def test_rows_of_several_arrays_are_those_of_the_arrays_joined():
    rows = Rows(*PARTS)
    assert (len(rows), rows.shape, rows.dtype) == (10, (10, 2), np.float32)
    for start in range(11):
        for stop in range(start, 12):
            assert rows[start:stop].tolist() == JOINED[start:stop].tolist()
    for key in (slice(None), slice(-4, None), slice(5, 2), slice(-3, -1)):
        assert rows[key].tolist() == JOINED[key].tolist()
    for numbers in ([9, 0, 3, 3, 2, 4], [5], []):
        assert rows[np.array(numbers, int)].tolist() == JOINED[np.array(numbers, int)].tolist()
    assert rows[np.array([], int)].shape == rows[10:].shape == (0, 2)
    assert np.asarray(rows).tolist() == JOINED.tolist()


@pytest.mark.parametrize("key", [np.array([0, 10]), np.array([-1]), slice(None, None, 2), slice(None, None, -1)])
def test_rows_that_there_are_not_or_not_in_order_are_refused(key):
    with pytest.raises(IndexError):
        Rows(*PARTS)[key]


def test_transformed_rows_have_the_transforms_shape_and_leave_the_others_as_they_are():
    rows = Rows(*PARTS)
    mapped = rows.map(lambda block: block.sum(axis=1)).map(lambda block: (block > 9).astype(np.int8)[:, np.newaxis])
    assert (len(mapped), mapped.shape, mapped.dtype) == (10, (10, 1), np.int8)
    expected = (JOINED.sum(axis=1) > 9)[:, np.newaxis].tolist()
    assert mapped[:].tolist() == mapped[np.arange(10)].tolist() == np.asarray(mapped).tolist() == expected
    assert (rows[:] == JOINED).all()


def test_the_whole_is_read_in_blocks_and_never_without_a_copy(monkeypatch):
    monkeypatch.setattr("autoencoders.core.rows.BLOCK_SIZE", 4)
    parts = [Recorded(part) for part in PARTS]
    assert np.asarray(Rows(*parts), dtype=np.float64).tolist() == JOINED.tolist()
    assert [part.asked for part in parts] == [[3], [1], [4, 2]]
    with pytest.raises(ValueError, match="a copy"):
        np.array(Rows(*PARTS), copy=False)


def test_batches_of_rows_come_once_each_pass_full_and_shuffled_with_their_numbers():
    values = np.arange(20_003, dtype=np.float32)[:, np.newaxis]
    rows, random = Rows(values[:9000], values[9000:]), np.random.default_rng(0)
    first, second = (list(row_batches(rows, 64, random, runs=2)) for _ in range(2))
    for batches in (first, second):
        assert [len(batch) for _, batch in batches] == [64] * (20_003 // 64) + [20_003 % 64]
        assert all(batch[:, 0].tolist() == numbers.tolist() for numbers, batch in batches)
        assert np.sort(np.concatenate([numbers for numbers, _ in batches])).tolist() == list(range(20_003))
    assert first[0][0].tolist() != second[0][0].tolist()
    # From runs of a thousand rows that do not lie together.
    assert np.ptp(first[0][0]) > 3000


def test_batches_of_rows_come_in_their_order_where_nothing_shuffles_them():
    values = np.arange(2500)
    numbers = np.concatenate([numbers for numbers, _ in row_batches(Rows(values), 64, runs=1)])
    assert numbers.tolist() == values.tolist()
