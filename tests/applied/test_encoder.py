"""The library: images of every form by every kind of network, and what it says of them."""

import io
from pathlib import Path

import example_export as example
import numpy as np
import pytest
from PIL import Image

from applied.encoder import Encoder
from applied.index import Index
from autoencoders.core.errors import InputError
from autoencoders.images.preparation import Preparation

KINDS = list(example.KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_training_images_have_the_same_codes_by_either_way_alone_and_in_any_batch(examples, kind):
    made = examples(kind)
    encoder = Encoder.load(made.export)
    assert np.array_equal(encoder.encode(made.pictures)[: len(made.codes)], made.codes)
    assert np.array_equal(encoder.encode(made.files[3:10]), made.codes[3:10])
    assert np.array_equal(encoder.encode(made.images[5:9], prepared=True), made.codes[5:9])
    for file, code in zip(made.files, made.codes, strict=True):
        assert np.array_equal(encoder.encode(file), code[np.newaxis])


@pytest.mark.parametrize("kind", KINDS)
def test_every_answer_of_an_image_is_the_same_bits_alone_and_in_a_batch(examples, kind):
    made = examples(kind)
    encoder = Encoder.load(made.export)
    about = encoder.manifest
    methods = [encoder.encode, encoder.reconstruct, encoder.anomaly]
    methods += [encoder.assign] * (about["clusters"]["by"] is not None) + [encoder.denoise] * about["denoises"]
    if encoder.index is not None:
        methods += [
            lambda images, metric=metric: encoder.search(images, 4, metric) for metric in ("cosine", "euclidean")
        ]
    for method in methods:
        together, alone = method(made.files), [method(file) for file in made.files]
        if isinstance(together, np.ndarray):
            together, alone = [together], [[found] for found in alone]
        for place, values in enumerate(together):
            assert np.array_equal(values, np.concatenate([found[place] for found in alone]), equal_nan=True)


def test_a_picture_gives_one_code_as_path_bytes_image_of_pillow_and_array(dense, encoder):
    file = dense.files[0]  # grey, a PNG
    with Image.open(file) as opened:
        pixels = np.asarray(opened)
        forms = [str(file), file, file.read_bytes(), opened.copy(), pixels, pixels[..., np.newaxis], pixels[np.newaxis]]
    # [n, height, width] is told from [height, width, channels] by its last axis.
    forms.append(np.stack([pixels, pixels])[:1])
    for form in forms:
        assert np.array_equal(encoder.encode(form), dense.codes[:1])
    assert np.array_equal(encoder.encode(forms[:5]), np.repeat(dense.codes[:1], 5, axis=0))


def test_arrays_with_opacity_are_laid_on_white(encoder):
    clear = np.zeros((8, 8, 4), np.uint8)
    assert (encoder.prepare(clear) == 255).all()


def test_no_images_have_no_codes(encoder):
    assert encoder.encode([]).shape == (0, 5)


@pytest.mark.parametrize(
    ("images", "sentence"),
    [
        (b"", "Image 0 is empty; give another one."),
        ([b"no picture"], "Image 0 is no JPEG, PNG"),
        (np.zeros((8, 8)), "array 0 has values of float64; give uint8"),
        (np.zeros((2, 8, 8, 2), np.uint8), "has the axes"),
        (np.zeros((0, 8, 8, 1), np.uint8), "and so no images"),
        ([3], "image 0 is of the type int"),
        ("nowhere.png", "which is not there"),
        (np.zeros((400, 400), np.uint8), "more than max_pixels allows"),
    ],
)
def test_what_is_no_image_is_said_in_one_sentence(encoder, images, sentence):
    with pytest.raises(InputError, match=sentence) as caught:
        encoder.encode(images)
    assert "\n" not in str(caught.value)


def test_prepared_images_are_checked(encoder):
    with pytest.raises(
        InputError, match=r"images are uint8 \[1, 9, 8, 1\], but prepared ones are uint8 \[n, 8, 8, 1\]"
    ):
        encoder.encode(np.zeros((1, 9, 8, 1), np.uint8), prepared=True)


def test_an_image_belongs_to_the_nearest_centre(dense, encoder):
    found = encoder.assign(dense.files)
    distances = encoder._clusters(dense.codes)
    assert np.array_equal(found.cluster, distances.argmin(axis=1))
    np.testing.assert_allclose(found.distance, distances.min(axis=1), rtol=1e-6)
    for cluster in range(3):
        own = found.distance[found.cluster == cluster]
        if len(own) > 1:
            # The farthest of them has none beyond it, and the nearest nearly all.
            share = found.farther[found.cluster == cluster]
            assert share[own.argmax()] == 0 and share[own.argmin()] > 0.99


def test_by_neighbours_an_image_belongs_to_the_cluster_of_most(examples):
    made = examples("variational")
    encoder = Encoder.load(made.export)
    found, near = encoder.assign(made.files), encoder.search(made.files, 3, "euclidean")
    stored = np.load(made.export / "clusters.npy")
    for cluster, distance, rows, distances in zip(found.cluster, found.distance, *near, strict=True):
        counts = np.bincount(stored[rows], minlength=3)
        best = counts.argmax() if counts.max() > 1 else stored[rows[0]]
        assert cluster == best and distance == distances[stored[rows] == best].min()
    # They are the index itself, and others of their cluster have neighbours farther away.
    assert (found.farther[found.distance == 0] == 1).all() and ((found.farther >= 0) & (found.farther <= 1)).all()


def test_a_network_says_what_its_export_lacks(examples):
    encoder = Encoder.load(examples("convolutional").export)
    file = examples("convolutional").files[0]
    for call, sentence in {
        lambda: encoder.assign(file): "has no clusters",
        lambda: encoder.search(file): "has no index of training images",
        lambda: encoder.anomaly(file, by="index"): "has no index of training images",
        lambda: encoder.generate(3): "has no mixture or prior to draw codes from",
        lambda: Encoder.load(examples("dense").export).denoise(file): "was not trained to restore noisy images",
        lambda: Encoder.load(examples("dense").export).generate(3, source="prior"): "has no prior to draw",
    }.items():
        with pytest.raises(InputError, match=sentence):
            call()


def test_the_score_is_the_mean_squared_error_of_prepared_pixels(examples):
    for kind in ("dense", "strided", "convolutional"):
        made = examples(kind)
        encoder = Encoder.load(made.export)
        found = encoder.anomaly(made.files, by="reconstruction")
        prepared = Preparation(encoder.manifest["network_colour"], flat=False)(made.images)
        errors = ((encoder.reconstruct(made.files) - prepared).astype(np.float64) ** 2).mean(axis=(1, 2, 3))
        np.testing.assert_allclose(found.score, errors, rtol=1e-6)
        quantiles = np.load(made.export / "quantiles.npz")["reconstruction"]
        np.testing.assert_allclose(found.below, np.interp(errors, quantiles, np.linspace(0, 1, 1001)), atol=1e-3)


def test_the_manifest_says_what_makes_an_anomaly(examples):
    made = examples("variational")
    encoder = Encoder.load(made.export)
    assert (encoder.anomaly(made.files).score == 0).all()  # these are the index
    assert (encoder.anomaly(made.files, by="reconstruction").score > 0).all()
    with pytest.raises(InputError, match="by is 'age'"):
        encoder.anomaly(made.files, by="age")


def test_denoising_takes_the_image_through_the_whole_network(examples):
    made = examples("convolutional")
    encoder = Encoder.load(made.export)
    np.testing.assert_allclose(encoder.denoise(made.files), encoder.reconstruct(made.files), atol=1e-6)


@pytest.mark.parametrize(("kind", "source"), [("dense", None), ("strided", "mixture"), ("variational", "prior")])
def test_the_seed_decides_what_is_generated(examples, kind, source):
    encoder = Encoder.load(examples(kind).export)
    first = encoder.generate(7, 3, source)
    assert (
        first.dtype == np.float32 and first.shape == (7, *encoder.image_shape) and 0 <= first.min() < first.max() <= 1
    )
    assert np.array_equal(first, encoder.generate(7, 3, source))
    assert not np.array_equal(first, encoder.generate(7, 4, source))


def test_codes_come_from_the_mixture_as_it_is_defined(examples):
    from applied import generating
    from applied.export import Export

    stored = np.load(examples("strided").export / "mixture.npz")
    found = generating.codes(Export.read(examples("strided").export), 40_000, 0)
    means = stored["means"] @ stored["components"] + stored["mean"]
    np.testing.assert_allclose(found.mean(axis=0), stored["weights"] @ means, atol=0.1)
    inner = sum(
        weight * (factor @ factor.T + np.outer(mean, mean))
        for weight, factor, mean in zip(stored["weights"], stored["factors"], stored["means"], strict=True)
    ) - np.outer(stored["weights"] @ stored["means"], stored["weights"] @ stored["means"])
    expected = stored["components"].T @ inner @ stored["components"]
    np.testing.assert_allclose(np.cov(found.T), expected, atol=0.05 * np.abs(expected).max())


@pytest.mark.parametrize(("n", "seed", "source"), [(0, 0, None), (1, -1, None), (1, 0, "thin air")])
def test_wrong_arguments_of_generating_are_said(encoder, n, seed, source):
    with pytest.raises(InputError, match="^(n|seed|source) is"):
        encoder.generate(n, seed, source)


def test_an_index_may_be_codes_a_file_of_them_pictures_or_the_export_itself(dense, encoder, tmp_path):
    np.save(tmp_path / "codes.npy", dense.codes)
    expected = encoder.search(dense.files[:3], 2)
    for index in (dense.codes, Index(dense.codes, {}), tmp_path / "codes.npy", str(dense.pictures), dense.export):
        found = encoder.search(dense.files[:3], 1, index=index)
        assert np.array_equal(found.rows, expected.rows[:, :1])


def test_an_index_of_another_network_is_refused(examples, encoder, tmp_path):
    file = examples("dense").files[0]
    np.save(tmp_path / "wide.npy", np.zeros((4, 6), np.float32))
    np.save(tmp_path / "listed.npy", np.zeros((4, 5), np.float32))
    (tmp_path / "listed.csv").write_text("file,image\na.png,\n")
    np.save(tmp_path / "double.npy", np.zeros((4, 5)))
    for index, sentence in {
        tmp_path / "wide.npy": r"index: float32 \[4, 6\], but codes of dense have the axes \[n, 5\]",
        examples("variational").export: "is an export of another network",
        tmp_path / "listed.npy": "lists 1 images, but there are 4 codes",
        tmp_path / "double.npy": "holds no codes, which are float32",
        tmp_path / "absent.npy": "which is not there",
        Path(__file__): "is no JPEG, PNG",
    }.items():
        with pytest.raises(InputError, match=sentence):
            encoder.search(file, index=index)


def test_a_picture_that_pillow_holds_open_stays_as_it_is(dense, encoder):
    with Image.open(io.BytesIO(dense.files[1].read_bytes())) as image:
        size = image.size
        assert np.array_equal(encoder.encode(image.copy()), encoder.encode(image.copy()))
        assert image.size == size
