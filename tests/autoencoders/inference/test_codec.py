import numpy as np
import pytest

from autoencoders.core.rows import blocks
from autoencoders.images.preparation import Preparation, add_noise
from autoencoders.inference.codec import Codec, code_images
from autoencoders.inference.network import Network
from autoencoders.networks import architectures, runtime, storage

IMAGES = np.random.default_rng(0).integers(0, 256, (7, 8, 8, 3), dtype=np.uint8)


@pytest.fixture
def codec(tmp_path):
    """A function that returns the codec of a saved network."""

    def build(flat: bool) -> Codec:
        runtime.deterministic(0)
        if flat:
            activations = {"activation": "relu", "code_activation": "relu", "output_activation": "sigmoid"}
            model = architectures.dense("network", (64,), [10], **activations)
        else:
            model = architectures.convolutional("network", (8, 8, 3), [4], 3, "relu", "sigmoid")
        storage.save(model, tmp_path)
        return Codec(Network(tmp_path), Preparation("grey" if flat else "rgb", flat=flat), IMAGES.shape[1:])

    return build


@pytest.mark.parametrize(
    ("flat", "code_shape", "image_shape"), [(True, (10,), (8, 8, 1)), (False, (4, 4, 4), (8, 8, 3))]
)
def test_a_codec_takes_and_gives_images_whatever_the_network_takes(codec, flat, code_shape, image_shape):
    codec = codec(flat)
    images = codec.prepare(IMAGES)
    codes = codec.encode(images)
    assert codec.code_shape == code_shape
    assert codes.shape == (7, codec.code_size) and codes.dtype == np.float32
    assert images.shape == codec.decode(codes).shape == (7, *image_shape)
    assert np.array_equal(codec.reconstruct(images), codec.decode(codes))


def test_codes_do_not_depend_on_the_size_of_the_blocks(codec):
    codec = codec(flat=False)
    images = codec.prepare(IMAGES)
    for size in (1, 3):
        cut = np.concatenate([codec.encode(images[rows]) for rows in blocks(len(images), size)])
        assert np.allclose(cut, codec.encode(images), atol=1e-6)


def test_noise_is_seeded_of_the_stated_size_and_clipped():
    images = np.full((50, 8, 8, 1), 0.5, np.float32)
    noisy = add_noise(images, 0.1, np.random.default_rng(0))
    assert noisy.dtype == np.float32
    assert (noisy - images).std() == pytest.approx(0.1, rel=0.05)
    assert np.array_equal(noisy, add_noise(images, 0.1, np.random.default_rng(0)))
    strong = add_noise(images, 5, np.random.default_rng(0))
    assert strong.min() == 0 and strong.max() == 1


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((256,), {"code": (16, 16)}),
        ((100,), {"code": (10, 10)}),
        ((12,), {"code": (3, 4)}),
        ((7,), {"code": (1, 7)}),
        ((16, 16, 32), {"code": (256, 32), "code mean": (16, 16)}),
    ],
)
def test_codes_are_drawn_in_the_chapters_layouts(shape, expected):
    codes = np.random.default_rng(0).random((2, int(np.prod(shape))), dtype=np.float32)
    assert {name: images.shape[1:] for name, images in code_images(codes, shape).items()} == expected


def test_the_mean_of_a_convolutional_code_is_over_its_filters():
    codes = np.arange(8, dtype=np.float32).reshape(1, 8)
    assert code_images(codes, (2, 2, 2))["code mean"].tolist() == [[[0.5, 2.5], [4.5, 6.5]]]
