import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from autoencoders.core.errors import InputError
from autoencoders.sources import bundled, stream

CROPS, SHARE = 12, 0.25


@pytest.fixture(scope="module")
def photos():
    return bundled.photos(CROPS, SHARE, seed=0)


@pytest.fixture(scope="module")
def digits():
    return bundled.digits(0.2, seed=0)


def same(one, other) -> bool:
    return all(
        np.array_equal(getattr(one, split).images, getattr(other, split).images)
        and np.array_equal(getattr(one, split).labels, getattr(other, split).labels)
        for split in ("train", "test")
    )


# Photographs


def test_the_crops_have_the_promised_form(photos):
    assert photos.train.images.shape == (90, 32, 32, 3)
    assert photos.test.images.shape == (30, 32, 32, 3)
    for part in (photos.train, photos.test):
        assert part.images.dtype == np.uint8 and part.labels.dtype == np.int64


def test_every_photograph_gives_the_same_number_of_crops(photos):
    assert len(photos.classes) == len(set(photos.classes)) == 10
    assert np.bincount(photos.train.labels).tolist() == [9] * 10
    assert np.bincount(photos.test.labels).tolist() == [3] * 10


def test_the_classes_are_mixed(photos):
    last = photos.train.labels[-round(0.3 * len(photos.train)) :]
    assert len(set(last.tolist())) >= 8
    assert sum(one == other for one, other in pairwise(photos.train.labels)) < 30


def test_a_crop_is_more_than_a_flat_patch(photos):
    assert np.all(photos.train.images.std(axis=(1, 2)).max(axis=1) > 2)


def test_no_crop_comes_twice(photos):
    images = np.concatenate([photos.train.images, photos.test.images])
    assert len(np.unique(images.reshape(len(images), -1), axis=0)) == len(images)


@pytest.mark.parametrize("photograph", bundled.PHOTOGRAPHS, ids=lambda photograph: photograph.name)
def test_no_pixel_is_in_both_a_training_and_a_test_crop(photograph):
    height, width, _ = bundled.read(photograph).shape
    side = bundled.CROP * photograph.shrink
    covered = {}
    for split in ("train", "test"):
        covered[split] = np.zeros((height, width), dtype=bool)
        places = bundled.positions(photograph, getattr(photograph, split), 300, np.random.default_rng(0))
        assert len(np.unique(places, axis=0)) == 300
        for top, left in places:
            assert 0 <= top <= height - side and 0 <= left <= width - side
            covered[split][top : top + side, left : left + side] = True
    assert covered["train"].any() and covered["test"].any()
    assert not np.any(covered["train"] & covered["test"])


def test_positions_reach_the_edges_of_the_region_and_no_further():
    photograph = bundled.Photograph("made up", "", "", 1, bundled.Region(5, 7, 39, 40), bundled.Region(0, 0, 0, 0))
    places = bundled.positions(photograph, photograph.train, 99, np.random.default_rng(0))
    assert sorted(map(tuple, places)) == [(top, left) for top in (5, 6, 7) for left in (7, 8)]


def test_a_crop_is_the_mean_of_the_source_pixels_mirrored_or_not(monkeypatch):
    region = bundled.Region(2, 4, 66, 68)
    photograph = bundled.Photograph("made up", "", "", 2, region, region)
    image = np.random.default_rng(0).integers(0, 256, (70, 70, 3), dtype=np.uint8)
    monkeypatch.setattr(bundled, "PHOTOGRAPHS", (photograph,))
    monkeypatch.setattr(bundled, "read", lambda _: image)
    blocks = [[image[2 + 2 * y : 4 + 2 * y, 4 + 2 * x : 6 + 2 * x] for x in range(32)] for y in range(32)]
    expected = np.array([[block.mean(axis=(0, 1)) for block in row] for row in blocks]).round()
    forms = {(expected if forward else expected[:, ::-1]).tobytes(): forward for forward in (True, False)}
    # There is one place for a crop in each region, so that every seed gives this crop or its mirror image.
    seen = [forms[bundled.photos(2, 0.5, seed).train.images[0].astype(float).tobytes()] for seed in range(20)]
    assert set(seen) == {True, False}


def test_crops_without_detail_are_left_out(monkeypatch):
    # Of the eight places the last four reach the bright columns, and four crops are wanted.
    region = bundled.Region(0, 0, 32, 39)
    photograph = bundled.Photograph("made up", "", "", 1, region, region)
    image = np.zeros((32, 39, 3), dtype=np.uint8)
    image[:, 35:] = 255
    monkeypatch.setattr(bundled, "PHOTOGRAPHS", (photograph,))
    monkeypatch.setattr(bundled, "read", lambda _: image)
    source = bundled.photos(8, 0.5, seed=0)
    assert source.train.images.any(axis=(1, 2, 3)).all() and source.test.images.any(axis=(1, 2, 3)).all()


def test_the_seed_decides_which_crops(photos):
    assert same(photos, bundled.photos(CROPS, SHARE, seed=0))
    assert not same(photos, bundled.photos(CROPS, SHARE, seed=1))


def test_limit_takes_the_first_crops(photos):
    limited = bundled.photos(CROPS, SHARE, seed=0, limit=7)
    assert len(limited.train) == len(limited.test) == 7
    assert np.array_equal(limited.train.images, photos.train.images[:7])


def test_neither_photographs_nor_digits_need_the_network(no_network, tmp_path):
    options = {"test_share": 0.25, "seed": 0, "limit": None}
    for source, more in (("bundled_photos", {"crops": 4}), ("bundled_digits", {})):
        found = stream(source, {**options, **more}, path=tmp_path / "absent", home=tmp_path / "absent")
        assert sum(len(block.images) for block in found.blocks) == found.total
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("crops", "share", "part"), [(4, 0.1, "testing"), (4, 0.9, "training")])
def test_crops_that_leave_a_split_empty_are_refused(crops, share, part):
    with pytest.raises(InputError, match=f"^test_share is {share}, which leaves none of {crops} crops for {part}"):
        bundled.photos(crops, share, seed=0)


def test_more_crops_than_there_is_room_for_are_refused(monkeypatch):
    tight = bundled.PHOTOGRAPHS[0]._replace(test=bundled.Region(400, 0, 496, 98))
    monkeypatch.setattr(bundled, "PHOTOGRAPHS", (tight,))
    assert len(bundled.photos(6, 0.5, seed=0).test) == 3
    with pytest.raises(InputError, match="^crops asks for 4 crops .* astronaut, which has room for 3; lower crops"):
        bundled.photos(8, 0.5, seed=0)


def test_a_missing_photograph_is_named():
    absent = bundled.PHOTOGRAPHS[0]._replace(file="data/absent.png")
    with pytest.raises(InputError, match="^The photograph data/absent.png of the package skimage is not there"):
        bundled.read(absent)


def test_a_photograph_of_another_size_is_refused():
    larger = bundled.PHOTOGRAPHS[0]._replace(test=bundled.Region(0, 0, 513, 512))
    with pytest.raises(InputError, match="astronaut.png .* is not the one that the crops were planned for"):
        bundled.read(larger)


# Digits


def test_the_digits_have_the_promised_form(digits):
    assert digits.classes == list("0123456789")
    assert len(digits.train) == 1438 and len(digits.test) == 359
    for part in (digits.train, digits.test):
        assert part.images.shape[1:] == (28, 28, 1)
        assert part.images.dtype == np.uint8 and part.labels.dtype == np.int64
    assert digits.train.images.max() == 255 and digits.train.images.min() == 0


def test_every_digit_gives_the_same_share(digits):
    train, test = np.bincount(digits.train.labels), np.bincount(digits.test.labels)
    assert np.all(np.abs(test - 0.2 * (train + test)) <= 1)


def test_no_digit_is_in_both_splits(digits):
    images = np.concatenate([digits.train.images, digits.test.images]).reshape(1797, -1)
    assert len(np.unique(images, axis=0)) == 1797


def test_a_digit_keeps_its_label_and_its_look(digits):
    from sklearn.datasets import load_digits

    originals = load_digits()
    part = digits.test
    # Averaged back to 8x8 the middle 20x20 pixels are nearest to an original of the same label.
    middle = part.images[:, 4:24, 4:24, 0].astype(np.float32) / 255 * 16
    fine = middle.repeat(2, axis=1).repeat(2, axis=2)
    small = fine.reshape(-1, 8, 5, 8, 5).mean(axis=(2, 4)).reshape(len(part), 64)
    distances = np.square(small[:, np.newaxis] - originals.data[np.newaxis]).sum(axis=-1)
    nearest = distances.argmin(axis=1)
    assert np.array_equal(originals.target[nearest], part.labels)
    assert len(set(nearest.tolist())) == len(part)


def test_a_digit_has_a_dark_margin(digits):
    margin = np.ones((28, 28), dtype=bool)
    margin[4:24, 4:24] = False
    assert not digits.train.images[:, margin].any()
    assert digits.train.images[:, ~margin].any(axis=1).all()


def test_the_seed_decides_which_digits(digits):
    assert same(digits, bundled.digits(0.2, seed=0))
    assert not same(digits, bundled.digits(0.2, seed=1))


def test_limit_applies_before_the_share_is_set_apart():
    from sklearn.datasets import load_digits

    limited = bundled.digits(0.2, seed=0, limit=50)
    assert len(limited.train) == 40 and len(limited.test) == 10
    labels = np.concatenate([limited.train.labels, limited.test.labels])
    assert sorted(labels) == sorted(load_digits().target[:50])


@pytest.mark.slow
def test_reading_digits_imports_nothing_for_photographs():
    code = (
        "import sys; from autoencoders.sources import stream; "
        "stream('bundled_digits', {'test_share': 0.2, 'seed': 0}, path=None, home=None); "
        "sys.exit(', '.join({'skimage', 'tensorflow', 'pooch'} & sys.modules.keys()) or 0)"
    )
    root = Path(__file__).parents[3]
    finished = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True)
    assert finished.returncode == 0, finished.stderr


# The way in


def test_an_unknown_source_is_refused(tmp_path):
    with pytest.raises(InputError, match="^There is no source 'letters'; use bundled_photos or "):
        stream("letters", {}, path=tmp_path, home=tmp_path)
