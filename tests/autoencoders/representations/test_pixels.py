import numpy as np
import pytest

from autoencoders.core.rows import Rows
from autoencoders.representations.pixels import Pixels, PrincipalComponents

RANDOM = np.random.default_rng(0)
IMAGES, OTHERS = (RANDOM.integers(0, 256, (n, 6, 5, 3), dtype=np.uint8) for n in (40, 7))


def flat(images: np.ndarray, colour: str) -> np.ndarray:
    values = images / 255 if colour == "rgb" else images.mean(axis=-1) / 255
    return values.reshape(len(images), -1)


@pytest.mark.parametrize("colour", ["grey", "rgb"])
def test_pixels_are_those_of_the_colour_in_a_row(colour):
    found = Pixels(colour).fit(IMAGES).transform(OTHERS)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, flat(OTHERS, colour), atol=1e-6)


@pytest.mark.parametrize("colour", ["grey", "rgb"])
def test_components_are_fitted_to_the_training_images_alone(colour):
    found = PrincipalComponents(colour, 4, seed=0).fit(IMAGES).transform(OTHERS)
    training, others = flat(IMAGES, colour), flat(OTHERS, colour)
    directions = np.linalg.svd(training - training.mean(axis=0))[2][:4]
    expected = (others - training.mean(axis=0)) @ directions.T
    assert found.dtype == np.float32
    # A component's sign is a matter of chance.
    np.testing.assert_allclose(np.abs(found), np.abs(expected), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("colour", ["grey", "rgb"])
def test_components_of_images_larger_than_memory_are_those_of_the_array(colour):
    whole = PrincipalComponents(colour, 4, seed=0).fit(IMAGES).transform(OTHERS)
    # As float32 they take four times as much as they do here.
    large = PrincipalComponents(colour, 4, seed=0, memory=4 * IMAGES.nbytes - 1).fit(Rows(IMAGES[:25], IMAGES[25:]))
    found = large.transform(OTHERS)
    assert found.dtype == np.float32
    np.testing.assert_allclose(np.abs(found), np.abs(whole), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(("n_images", "width"), [(40, 30), (9, 9)])
def test_no_more_components_are_taken_than_there_are(n_images, width):
    components = PrincipalComponents("grey", 64, seed=0).fit(IMAGES[:n_images])
    assert components.transform(OTHERS).shape == (7, width)
