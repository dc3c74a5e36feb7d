"""Servers of a linear autoencoder of digits, and pictures as clients send them."""

import io

import linear_export
import numpy as np
import pytest
from PIL import Image
from threadpoolctl import threadpool_limits

from applied.encoder import Encoder


@pytest.fixture(scope="session")
def export(tmp_path_factory):
    """The folder of an export with everything."""
    # Threads of BLAS that spin beside other tests take many times as long.
    with threadpool_limits(1):
        return linear_export.write(tmp_path_factory.mktemp("served") / "digits-linear", *linear_export.digits())


@pytest.fixture(scope="session")
def bare(tmp_path_factory):
    """The folder of an export that encodes and decodes, and nothing else."""
    lacks = dict.fromkeys(("index", "clusters", "denoises", "generates"), False)
    with threadpool_limits(1):
        return linear_export.write(
            tmp_path_factory.mktemp("bare") / "bare", *linear_export.digits(), name="bare", **lacks
        )


@pytest.fixture(scope="session")
def encoder(export):
    return Encoder.load(export)


@pytest.fixture(scope="session")
def digits():
    """Digits that the network was not trained on, uint8 [359, 8, 8, 1]."""
    return linear_export.digits()[0][:359]


@pytest.fixture(scope="session")
def sent(digits):
    """The same as PNG."""
    return [as_file(image[..., 0]) for image in digits]


@pytest.fixture(scope="session")
def client(encoder):
    """A client of a server with the usual limits."""
    from serving import served

    with served(encoder) as client:
        yield client


@pytest.fixture(scope="session")
def bare_client(bare):
    from serving import served

    with served(Encoder.load(bare)) as client:
        yield client


@pytest.fixture(scope="session")
def photograph(tmp_path_factory):
    """The file of a photograph of 640x427 pixels."""
    from sklearn.datasets import load_sample_image

    file = tmp_path_factory.mktemp("photograph") / "china.jpg"
    Image.fromarray(load_sample_image("china.jpg")).save(file)
    return file


def as_file(pixels: np.ndarray, form: str = "PNG", **more) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, form, **more)
    return file.getvalue()
