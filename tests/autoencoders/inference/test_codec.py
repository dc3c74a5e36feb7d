import numpy as np
import pytest

from autoencoders.core.rows import blocks
from autoencoders.images.preparation import Preparation, add_noise
from autoencoders.inference.codec import Codec, code_images
from autoencoders.networks import architectures, runtime, storage

IMAGES = np.random.default_rng(0).integers(0, 256, (7, 8, 8, 3), dtype=np.uint8)


@pytest.fixture
def codec(tmp_path):
    """A function that returns the codec of a saved network, which denoises."""

    def build(flat: bool) -> Codec:
        runtime.deterministic(0)
        preparation = Preparation("grey" if flat else "rgb", flat=flat)
        if flat:
            activations = {"activation": "relu", "code_activation": "relu", "output_activation": "sigmoid"}
            model = architectures.dense("network", (64,), [10], **activations)
        else:
            model = architectures.convolutional("network", (8, 8, 3), [4], 3, "relu", "sigmoid")
        storage.save_graphs(model, tmp_path, preparation, IMAGES.shape[1:], denoises=True)
        return Codec(tmp_path)

    return build


@pytest.mark.parametrize(
    ("flat", "code_shape", "image_shape"), [(True, (10,), (8, 8, 1)), (False, (4, 4, 4), (8, 8, 3))]
)
def test_a_codec_takes_and_gives_images_whatever_the_network_takes(codec, flat, code_shape, image_shape):
    codec = codec(flat)
    codes = codec.encode(IMAGES)
    assert (codec.code_shape, codec.code_size) == (code_shape, np.prod(code_shape))
    assert codes.shape == (7, codec.code_size) and codes.dtype == np.float32
    assert codec.decode(codes).shape == (7, *image_shape)
    assert np.array_equal(codec.reconstruct(IMAGES), codec.decode(codes))
    # Numbers of double precision, such as means of codes, are decoded too.
    assert np.array_equal(codec.decode(codes.astype(np.float64)), codec.decode(codes))


@pytest.mark.parametrize("flat", [True, False])
def test_restoring_takes_prepared_images(codec, flat):
    codec, prepare = codec(flat), Preparation("grey" if flat else "rgb", flat=False)
    assert np.array_equal(codec.restore(prepare(IMAGES)), codec.reconstruct(IMAGES))


@pytest.mark.parametrize("flat", [True, False])
def test_codes_do_not_depend_on_the_size_of_the_blocks(codec, flat):
    codec = codec(flat)
    for size in (1, 3):
        cut = np.concatenate([codec.encode(IMAGES[rows]) for rows in blocks(len(IMAGES), size)])
        assert np.array_equal(cut, codec.encode(IMAGES))


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
        ((97,), {"code": (10, 10)}),
        ((997,), {"code": (32, 32)}),
        ((16, 16, 32), {"code": (256, 32), "code mean": (16, 16)}),
    ],
)
def test_codes_are_drawn_in_the_chapters_layouts(shape, expected):
    codes = np.random.default_rng(0).random((2, int(np.prod(shape))), dtype=np.float32)
    assert {name: images.shape[1:] for name, images in code_images(codes, shape).items()} == expected


def test_a_code_that_lacks_a_number_to_a_square_ends_with_nan():
    codes = np.arange(2 * 11, dtype=np.float32).reshape(2, 11)
    (images,) = code_images(codes, (11,)).values()
    assert images.shape == (2, 3, 4)
    assert np.array_equal(images.reshape(2, -1)[:, :11], codes) and np.isnan(images[:, -1, -1]).all()


def test_the_mean_of_a_convolutional_code_is_over_its_filters():
    codes = np.arange(8, dtype=np.float32).reshape(1, 8)
    assert code_images(codes, (2, 2, 2))["code mean"].tolist() == [[[0.5, 2.5], [4.5, 6.5]]]
