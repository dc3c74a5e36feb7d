import numpy as np
import pytest

from autoencoders.preparation import Preparation, blocks, grey, one_hot, scale, validation_start

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
