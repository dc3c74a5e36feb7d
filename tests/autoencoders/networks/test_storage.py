import numpy as np
import pytest

from autoencoders.core.errors import InputError
from autoencoders.images.preparation import Preparation
from autoencoders.networks import architectures, runtime, storage


def network(seed: int = 0):
    runtime.deterministic(seed)
    return architectures.dense("mine", (6,), [4, 2], "relu", "relu", "sigmoid")


@pytest.mark.parametrize(
    ("kind", "shape", "sizes"),
    [
        ("dense", (64,), {"units": [16, 4], "code_activation": "relu"}),
        ("dense", (64,), {"units": [16, 4], "code_activation": "linear", "kl_weight": 1, "seed": 3}),
        ("convolutional", (8, 8, 1), {"filters": [4], "kernel_size": 3}),
        ("strided", (8, 8, 1), {"filters": [4], "kernel_size": 3, "units": [4], "code_activation": "linear"}),
    ],
    ids=["dense", "variational", "convolutional", "strided"],
)
def test_a_loaded_network_computes_what_the_saved_one_did(tmp_path, kind, shape, sizes):
    runtime.deterministic(0)
    model = architectures.build(kind, "mine", shape, {"activation": "relu", "output_activation": "sigmoid", **sizes})
    storage.save(model, tmp_path)
    images = np.random.default_rng(0).random((3, *shape), dtype=np.float32)
    assert np.array_equal(storage.load(tmp_path)(images), model(images))


def test_equal_networks_give_equal_bytes_and_other_weights_do_not(tmp_path):
    folders = [tmp_path / name for name in ("first", "again", "other")]
    for folder, seed in zip(folders, (0, 0, 1), strict=True):
        folder.mkdir()
        storage.save(network(seed), folder)
    first, again, other = ({file.name: file.read_bytes() for file in folder.iterdir()} for folder in folders)
    assert first == again
    assert first[storage.WEIGHTS] != other[storage.WEIGHTS]


def test_the_summary_names_layers_shapes_and_parameters(tmp_path):
    storage.save(network(), tmp_path)
    summary = (tmp_path / storage.SUMMARY).read_text()
    assert all(word in summary for word in ("code (Dense)", "(None, 2)", "Total params: 80"))


@pytest.mark.parametrize("name", [storage.ARCHITECTURE, storage.WEIGHTS])
@pytest.mark.parametrize("damage", ["missing", "cut short", "garbage"])
def test_a_damaged_folder_gives_one_sentence_that_names_it(tmp_path, name, damage):
    storage.save(network(), tmp_path)
    file = tmp_path / name
    if damage == "missing":
        file.unlink()
    else:
        file.write_bytes(file.read_bytes()[:100] if damage == "cut short" else b"no network")
    with pytest.raises(InputError, match=f"{tmp_path} holds no readable network"):
        storage.load(tmp_path)


@pytest.mark.parametrize("kind", ["dense", "classifier"])
def test_the_largest_difference_between_keras_and_the_graphs_is_found(tmp_path, kind):
    runtime.deterministic(0)
    sizes = {"units": [16, 4], "activation": "relu", "code_activation": "linear", "output_activation": "sigmoid"}
    model = architectures.build(kind, "mine", (64,), {**sizes, "n_classes": 3})
    flat, images = Preparation("grey", flat=True), np.random.default_rng(0).integers(0, 256, (5, 8, 8, 1), np.uint8)
    storage.save_graphs(model, tmp_path, flat, (8, 8, 1))
    assert 0 <= storage.largest_difference(model, tmp_path, flat, images) < 1e-5
    # Another network than that of the graphs.
    model.set_weights([2 * weights for weights in model.get_weights()])
    assert storage.largest_difference(model, tmp_path, flat, images) > 1e-3
