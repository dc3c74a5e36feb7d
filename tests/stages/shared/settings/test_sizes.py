import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from small import ROOT, small_parameters

from autoencoders.representations.patches import PER_IMAGE
from autoencoders.scaling.scaler import Scaler
from stages.shared import parameters
from stages.shared.settings import sizes


def described(path: str) -> dict:
    return json.loads(Path(path).read_text(encoding="utf-8"))


def test_images_and_codes_have_the_numbers_that_the_parameters_show(results):
    values = parameters.check(small_parameters())
    for name, dataset in values.datasets.items():
        about = described(f"data/prepared/{name}/dataset.json")
        assert sizes.counts(dataset)._asdict() == about["images"]
        shape = np.load(f"data/prepared/{name}/test/images.npy").shape[1:]
        assert shape == (*dataset.image_size, dataset.channels)
    for name, block in {**values.autoencoders, **values.representations}.items():
        dataset = values.datasets[block.dataset]
        n = sizes.fitted(sizes.counts(dataset), block, values.protocol)
        assert list(sizes.code_shape(block, dataset, n)) == described(f"data/codes/{name}/code.json")["shape"], name
    assert sizes.PATCHES_PER_IMAGE == PER_IMAGE


def test_images_of_official_sources_are_the_most_there_can_be():
    values = parameters.load(ROOT / "params.yaml")
    values["datasets"]["photos"] |= {"source": "cifar10", "limit": None, "batches": [1, 2]}
    values["datasets"]["digits"] |= {"source": "mnist", "limit": 1000}
    photos, digits = (sizes.counts(dataset) for dataset in parameters.check(values).datasets.values())
    assert (photos, digits) == ((14_000, 6_000, 10_000), (700, 300, 1_000))
    assert sizes.fitted(photos, SimpleNamespace(validation=True)) == 14_000
    assert sizes.fitted(photos, SimpleNamespace(validation=False)) == 20_000
    assert sizes.fitted(photos, SimpleNamespace(), "together") == 30_000


@pytest.mark.parametrize("shape", [(6,), (4, 4, 3)])
@pytest.mark.parametrize("pooling", [None, 2, 9])
@pytest.mark.parametrize(("scaling", "pca"), [("none", None), ("none", 5), ("whiten", None), ("whiten", 99)])
def test_scaled_codes_have_the_width_that_the_parameters_show(shape, pooling, scaling, pca):
    options = {"pooling": pooling, "scaling": scaling, "ridge": 1.0, "pca": pca, "unit_length": False}
    for n in (20, 8):
        codes = np.random.default_rng(0).normal(size=(n, np.prod(shape))).astype(np.float32)
        scaled = Scaler(**options, shape=shape, seed=0).fit_transform(codes)
        assert scaled.shape[1] == sizes.scaled_width(shape, SimpleNamespace(**options), n)
