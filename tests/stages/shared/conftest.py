import numpy as np
import pytest
from small import ROOT

from autoencoders.core.rows import Rows
from autoencoders.images.preparation import Preparation
from autoencoders.training.jobs import Job
from stages.shared import files

IMAGES = np.random.default_rng(0).integers(0, 256, (49, 8, 8, 3), dtype=np.uint8)
SETTINGS = {"units": [4], "activation": "relu", "code_activation": "relu", "output_activation": "sigmoid", "seed": 0}
SETTINGS |= {"loss": "binary_crossentropy", "optimizer": "adam", "learning_rate": 0.01, "batch_size": 16, "epochs": 2}


@pytest.fixture
def job(tmp_path):
    """A training of two epochs: 49 images uint8 [49, 8, 8, 3] in batches of 16, the last of one image."""
    np.save(tmp_path / "images.npy", IMAGES)
    return Job(
        kind="dense",
        name="network",
        settings=SETTINGS,
        images=Rows(files.StoredArray(tmp_path / "images.npy")),
        targets=None,
        preparation=Preparation("grey", flat=True),
        folder=str(tmp_path),
        root=str(ROOT),
    )
