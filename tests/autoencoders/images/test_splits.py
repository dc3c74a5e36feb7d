import hashlib

import numpy as np
import pytest

from autoencoders.images.splits import by_pixels, digests

SHARES = {"test_share": 0.2, "validation_share": 0.25, "seed": 0}


def hashes(n: int, start: int = 0) -> list[str]:
    return [hashlib.sha256(str(number).encode()).hexdigest() for number in range(start, start + n)]


def test_a_digest_is_that_of_the_pixels_whatever_array_they_lie_in():
    images = np.random.default_rng(0).integers(0, 256, (3, 4, 5, 3), dtype=np.uint8)
    assert digests(images) == [hashlib.sha256(image.tobytes()).hexdigest() for image in images]
    assert digests(np.asfortranarray(images)) == digests(images) == digests(images[::-1])[::-1]


def test_the_shares_are_met():
    names = by_pixels([""] * 10_000, hashes(10_000), **SHARES).names
    # The standard deviation of each count is 40.
    assert abs((names == "test").sum() - 2000) < 160 and abs((names == "validation").sum() - 2000) < 160
    assert set(names) == {"train", "validation", "test"}


def test_other_images_and_their_order_move_none():
    one, more = hashes(500), [*hashes(1000, start=500), *hashes(500)]
    alone = by_pixels([""] * 500, one, **SHARES).names
    assert by_pixels([""] * 1500, more, **SHARES).names[1000:].tolist() == alone.tolist()
    assert by_pixels([""] * 500, one, **{**SHARES, "seed": 1}).names.tolist() != alone.tolist()


def test_a_larger_test_share_takes_images_from_the_others_and_gives_none_back():
    before, after = (
        by_pixels([""] * 500, hashes(500), **{**SHARES, "test_share": share}).names == "test" for share in (0.2, 0.4)
    )
    assert (after | ~before).all() and after.sum() > before.sum()


def test_equal_images_stand_in_one_split_and_are_named():
    pixels = [*hashes(50), *hashes(50)]
    found = by_pixels([""] * 100, pixels, **SHARES)
    assert found.names[:50].tolist() == found.names[50:].tolist()
    assert found.equal.all() and not by_pixels([""] * 50, hashes(50), **SHARES).equal.any()


@pytest.mark.parametrize(
    ("given", "names"),
    [
        (("train", "test"), ("", "test")),
        (("validation", "test"), ("", "test")),
        (("train", "validation", "train"), ("", "validation", "")),
        (("test", "test"), ("test", "test")),
    ],
)
def test_of_equal_images_in_two_given_splits_those_are_left_out_that_would_be_learnt_from(given, names):
    # A test image of its own keeps the share of test images from being drawn.
    pixels = [*hashes(1) * len(given), *hashes(1, start=7)]
    found = by_pixels([*given, "test"], pixels, test_share=0.2, validation_share=1e-9, seed=0)
    assert found.names.tolist() == [*names, "test"]
    assert found.equal.tolist() == [True] * len(given) + [False]


def test_a_share_applies_only_where_the_source_names_no_such_split():
    pixels = hashes(1000)
    names = by_pixels(["train"] * 500 + ["test"] * 500, pixels, **SHARES).names
    assert (names[500:] == "test").all() and set(names[:500]) == {"train", "validation"}
    assert abs((names == "validation").sum() - 125) < 50
    names = by_pixels(["train"] * 500 + ["validation"] * 500, pixels, **SHARES).names
    assert (names[500:] == "validation").all() and set(names[:500]) == {"train", "test"}
