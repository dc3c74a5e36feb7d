import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from autoencoders.core.rows import Rows
from autoencoders.images.preparation import Preparation
from autoencoders.representations import pixels

RANDOM = np.random.default_rng(0)
IMAGES, OTHERS = (RANDOM.integers(0, 256, (n, 6, 5, 3), dtype=np.uint8) for n in (40, 7))


def flat(images: np.ndarray, colour: str) -> np.ndarray:
    values = images / 255 if colour == "rgb" else images.mean(axis=-1) / 255
    return values.reshape(len(images), -1)


@pytest.mark.parametrize("colour", ["grey", "rgb"])
@pytest.mark.parametrize("keep_form", [True, False])
def test_pixels_are_those_of_the_colour_in_a_row(colour, keep_form):
    found = pixels.pixels(IMAGES, Preparation(colour, flat=not keep_form))(OTHERS)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, flat(OTHERS, colour), atol=1e-6)


@pytest.mark.parametrize("colour", ["grey", "rgb"])
def test_components_are_fitted_to_the_training_images_alone(colour):
    found = pixels.pca(IMAGES, Preparation(colour, flat=False), 4, seed=0)(OTHERS)
    training, others = flat(IMAGES, colour), flat(OTHERS, colour)
    directions = np.linalg.svd(training - training.mean(axis=0))[2][:4]
    expected = (others - training.mean(axis=0)) @ directions.T
    assert found.dtype == np.float32
    # A component's sign is a matter of chance.
    np.testing.assert_allclose(np.abs(found), np.abs(expected), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("colour", ["grey", "rgb"])
def test_components_of_stored_rows_are_those_of_the_array(colour):
    form = Preparation(colour, flat=False)
    whole = pixels.pca(IMAGES, form, 4, seed=0)(OTHERS)
    found = pixels.pca(Rows(IMAGES[:25], IMAGES[25:]), form, 4, seed=0)(OTHERS)
    assert found.dtype == np.float32
    np.testing.assert_allclose(np.abs(found), np.abs(whole), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(("n_images", "width"), [(40, 30), (9, 9)])
def test_no_more_components_are_taken_than_there_are(n_images, width):
    transform = pixels.pca(IMAGES[:n_images], Preparation("grey", flat=True), 64, seed=0)
    assert transform(OTHERS).shape == (7, width)


def test_neither_chance_nor_the_number_of_threads_changes_a_bit():
    images, found = RANDOM.integers(0, 256, (600, 24, 24, 1), dtype=np.uint8), []
    for threads in (1, 2):
        with threadpool_limits(threads):
            found.append(pixels.pca(images, Preparation("grey", flat=True), 3, seed=0)(images).tobytes())
    assert found[0] == found[1]
