import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from autoencoders.images.preparation import Preparation
from autoencoders.representations.patches import PatchAutoencoder, PatchFeatures, side_by_side

RANDOM = np.random.default_rng(0)
# Bars, upright or level, in colours and places of their own: patches that have something to learn.
LABELS = np.arange(60) % 2
IMAGES = np.zeros((60, 12, 12, 3), np.uint8)
for number, label in enumerate(LABELS):
    start, colour = RANDOM.integers(1, 9), RANDOM.integers(80, 256, 3)
    IMAGES[number, :, start : start + 2] = colour
    if label:
        IMAGES[number] = IMAGES[number].transpose(1, 0, 2)
CENTRES = {"n_patches": 600, "n_centres": 8, "max_iter": 20, "seed": 0}
UNITS = {
    "n_patches": 600,
    "units": 12,
    "noise": 0.5,
    "learning_rate": 0.01,
    "batch_size": 50,
    "epochs": 15,
    "seed": 0,
}
KINDS = pytest.mark.parametrize(
    ("kind", "settings", "width"), [(PatchFeatures, CENTRES, 8), (PatchAutoencoder, UNITS, 12)]
)
RGB = Preparation("rgb", flat=False)


@KINDS
@pytest.mark.parametrize("grid", [1, 2, 3])
def test_features_are_a_description_for_each_cell_and_of_length_1(kind, settings, width, grid):
    features = kind(IMAGES, RGB, 4, grid, **settings)
    found = features(IMAGES[:7])
    assert found.dtype == np.float32 and found.shape == (7, features.width) == (7, grid * grid * width)
    assert (found >= 0).all()
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, rtol=1e-5)


@KINDS
def test_images_of_a_kind_are_nearer_to_each_other(kind, settings, width):
    found = kind(IMAGES, Preparation("grey", flat=False), 5, 1, **settings)(IMAGES)
    likeness = found @ found.T
    np.fill_diagonal(likeness, -1)
    assert (LABELS[likeness.argmax(axis=1)] == LABELS).mean() > 0.9


@KINDS
def test_brightness_and_contrast_of_the_whole_image_change_little(kind, settings, width):
    features = kind(IMAGES, RGB, 4, 2, **settings)
    found, darker = features(IMAGES[:9]), features((IMAGES[:9] * 0.5 + 60).astype(np.uint8))
    assert (np.einsum("ij,ij->i", found, darker) > 0.95).all()


@KINDS
def test_an_image_of_one_colour_has_features_too(kind, settings, width):
    assert np.isfinite(kind(IMAGES, RGB, 4, 2, **settings)(np.full((2, 12, 12, 3), 9, np.uint8))).all()


@KINDS
def test_neither_chance_nor_threads_nor_blocks_change_a_bit(kind, settings, width):
    found = []
    for threads in (1, 2):
        with threadpool_limits(threads):
            features = kind(IMAGES, RGB, 4, 2, **settings)
            found.append(features(IMAGES).tobytes())
    assert found[0] == found[1]
    assert features(IMAGES[20:30]).tobytes() == features(IMAGES)[20:30].tobytes()


@KINDS
def test_another_seed_learns_from_other_patches(kind, settings, width):
    found = [kind(IMAGES, RGB, 4, 2, **settings | {"seed": seed})(IMAGES) for seed in (0, 1)]
    assert not np.allclose(*found)


def test_patches_are_described_by_how_much_nearer_than_on_average_centres_lie():
    features = PatchFeatures(IMAGES, RGB, 4, 1, **CENTRES)
    patches = RANDOM.normal(size=(20, 4 * 4 * 3)).astype(np.float32)
    distances = np.linalg.norm(patches[:, np.newaxis] - features._centres, axis=2)
    expected = np.maximum(distances.mean(axis=1, keepdims=True) - distances, 0)
    np.testing.assert_allclose(features._describe(patches), expected, atol=1e-3)


def test_the_patch_autoencoder_learns_to_give_patches_back():
    losses = PatchAutoencoder(IMAGES, RGB, 4, 2, **UNITS | {"noise": 0}).losses
    assert len(losses) == UNITS["epochs"]
    assert losses[-1] < 0.5 * losses[0]


def test_noise_is_on_what_is_given_and_makes_the_task_harder():
    losses = [PatchAutoencoder(IMAGES, RGB, 4, 2, **UNITS | {"noise": noise}).losses[-1] for noise in (0, 1)]
    assert losses[0] < losses[1]


def test_windows_stand_side_by_side():
    windows = [{"colour": "rgb", "patch_size": 4, "grid": 2}, {"colour": "grey", "patch_size": 6, "grid": 1}]
    found = side_by_side(PatchFeatures, IMAGES, windows, **CENTRES)(IMAGES[:5])
    first = PatchFeatures(IMAGES, RGB, 4, 2, **CENTRES)(IMAGES[:5])
    second = PatchFeatures(IMAGES, Preparation("grey", flat=False), 6, 1, **CENTRES)(IMAGES[:5])
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, np.concatenate([first, second], axis=1) / np.sqrt(2), rtol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, rtol=1e-5)
