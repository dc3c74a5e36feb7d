import numpy as np
import pytest

from autoencoders.core.errors import InputError
from autoencoders.sources.images import Images, set_apart


def numbered(labels) -> Images:
    """Images whose only pixel is their number."""
    labels = np.asarray(labels, dtype=np.int64)
    return Images(np.arange(len(labels), dtype=np.uint8).reshape(-1, 1, 1, 1), labels)


def numbers(images: Images) -> list[int]:
    return images.images.ravel().tolist()


def apart(images: Images, share: float, seed: int = 0) -> tuple[list[int], list[int]]:
    train, test = set_apart(images, share, np.random.default_rng(seed))
    return numbers(train), numbers(test)


def test_every_image_is_in_one_part_in_the_given_order():
    train, test = apart(numbered(np.arange(100) % 10), 0.3)
    assert sorted(train + test) == list(range(100))
    assert train == sorted(train) and test == sorted(test)
    assert len(test) == 30


def test_every_class_gives_the_same_share():
    labels = np.repeat([0, 1, 2, 3], [80, 40, 20, 10])
    _, test = set_apart(numbered(labels), 0.1, np.random.default_rng(1))
    counts = np.bincount(test.labels)
    assert counts.sum() == 15
    assert np.all(np.abs(counts - [8, 4, 2, 1]) <= 1)


def test_the_images_keep_their_labels():
    labels = np.arange(60) % 7
    for part in set_apart(numbered(labels), 0.5, np.random.default_rng(0)):
        assert part.labels.tolist() == labels[numbers(part)].tolist()


def test_the_seed_decides():
    images = numbered(np.arange(100) % 10)
    assert apart(images, 0.2, seed=1) == apart(images, 0.2, seed=1)
    assert apart(images, 0.2, seed=1) != apart(images, 0.2, seed=2)


@pytest.mark.parametrize(("share", "part"), [(0.1, "testing"), (0.9, "training")])
def test_an_empty_part_is_refused(share, part):
    with pytest.raises(InputError, match=rf"^test_share is {share}, which leaves none of 3 images for {part}"):
        apart(numbered([0, 1, 2]), share)


def test_first_takes_at_most_the_limit():
    images = numbered(range(5))
    assert numbers(images.first(3)) == [0, 1, 2]
    assert len(images.first(9)) == len(images.first(None)) == 5
