import numpy as np
import pytest

from autoencoders.representations.patches import PatchAutoencoder, PatchFeatures, triangle

RANDOM = np.random.default_rng(0)
# Bars, upright or level, in colours and places of their own: patches that have something to learn.
LABELS = np.arange(60) % 2
IMAGES = np.zeros((60, 12, 12, 3), np.uint8)
for number, label in enumerate(LABELS):
    start, colour = RANDOM.integers(1, 9), RANDOM.integers(80, 256, 3)
    IMAGES[number, :, start : start + 2] = colour
    if label:
        IMAGES[number] = IMAGES[number].transpose(1, 0, 2)
CENTRES = {"n_patches": 600, "n_clusters": 8, "max_iter": 20, "seed": 0}
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


def fitted(kind: type, settings: dict, *windows: tuple[str, int, int]):
    """Return patch features fitted to IMAGES, by windows of a colour, a size and a grid."""
    keys = ("colour", "patch_size", "grid")
    return kind(windows=[dict(zip(keys, window, strict=True)) for window in windows], **settings).fit(IMAGES)


@KINDS
@pytest.mark.parametrize("grid", [1, 2, 3])
def test_features_are_a_description_for_each_cell_and_of_length_1(kind, settings, width, grid):
    found = fitted(kind, settings, ("rgb", 4, grid)).transform(IMAGES[:7])
    assert found.dtype == np.float32 and found.shape == (7, grid * grid * width)
    assert (found >= 0).all()
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, rtol=1e-5)


@KINDS
def test_images_of_a_kind_are_nearer_to_each_other(kind, settings, width):
    found = fitted(kind, settings, ("grey", 5, 1)).transform(IMAGES)
    likeness = found @ found.T
    np.fill_diagonal(likeness, -1)
    assert (LABELS[likeness.argmax(axis=1)] == LABELS).mean() > 0.9


@KINDS
def test_brightness_and_contrast_of_the_whole_image_change_little_and_one_colour_does_no_harm(kind, settings, width):
    patches = fitted(kind, settings, ("rgb", 4, 2))
    found, darker = patches.transform(IMAGES[:9]), patches.transform((IMAGES[:9] * 0.5 + 60).astype(np.uint8))
    assert (np.einsum("ij,ij->i", found, darker) > 0.95).all()
    assert np.isfinite(patches.transform(np.full((2, 12, 12, 3), 9, np.uint8))).all()


def test_patches_are_described_by_how_much_nearer_than_on_average_centres_lie():
    patches, centres = (RANDOM.normal(size=(n, 48)).astype(np.float32) for n in (20, 8))
    distances = np.linalg.norm(patches[:, np.newaxis] - centres, axis=2)
    expected = np.maximum(distances.mean(axis=1, keepdims=True) - distances, 0)
    np.testing.assert_allclose(triangle(patches, centres), expected, atol=1e-3)


def test_the_patch_autoencoder_learns_to_give_patches_back_and_noise_makes_it_harder():
    (exact,), (noisy,) = (fitted(PatchAutoencoder, UNITS | {"noise": noise}, ("rgb", 4, 2)).losses_ for noise in (0, 1))
    assert len(exact) == UNITS["epochs"]
    assert exact[-1] < 0.5 * exact[0]
    assert exact[-1] < noisy[-1]


def test_windows_stand_side_by_side():
    windows = [("rgb", 4, 2), ("grey", 6, 1)]
    found = fitted(PatchFeatures, CENTRES, *windows).transform(IMAGES[:5])
    apart = [fitted(PatchFeatures, CENTRES, window).transform(IMAGES[:5]) for window in windows]
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, np.concatenate(apart, axis=1) / np.sqrt(2), rtol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, rtol=1e-5)
