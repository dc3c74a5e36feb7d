import shutil
from pathlib import Path

import pandas as pd
import pytest

from autoencoders.core.errors import InputError
from autoencoders.networks import storage
from stages import train

pytest.importorskip("distributed")
from dask import config  # noqa: E402

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

NAME = "digits-simple"


def contents() -> dict[str, bytes]:
    files = [*Path("models", NAME).iterdir(), Path("metrics/train", f"{NAME}.json")]
    return {file.name: file.read_bytes() for file in files}


@pytest.fixture
def cluster(dask, client, monkeypatch):
    """Two workers, to whose scheduler stages are pointed."""
    monkeypatch.setenv("DASK_SCHEDULER_ADDRESS", dask.address)


def test_a_short_training_gives_the_same_bytes_on_a_worker(workspace, cluster):
    # The workspace holds the training of this process.
    here = contents()
    shutil.rmtree(Path("models", NAME))
    train.main("autoencoders", NAME)
    assert contents() == here


def test_a_long_training_is_shared_and_ends_in_the_same_losses(workspace, cluster, capsys):
    losses, weights = pd.read_csv(f"models/{NAME}/history.csv")["loss"], storage.load(Path("models", NAME))
    shutil.rmtree(Path("models", NAME))
    with config.set({"autoencoder.long_epoch": 0, "autoencoder.products_a_parameter": 0}):
        train.main("autoencoders", NAME)
    assert f"{NAME}: trains on 2 workers" in capsys.readouterr().out
    assert pd.read_csv(f"models/{NAME}/history.csv")["loss"].to_numpy() == pytest.approx(losses, abs=1e-5)
    for found, expected in zip(storage.load(Path("models", NAME)).get_weights(), weights.get_weights(), strict=True):
        assert found == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("value", ["long", -1, float("nan"), True, None])
def test_a_limit_that_is_no_number_is_one_sentence_before_anything_trains(workspace, cluster, value):
    before = contents()
    with config.set({"autoencoder.long_epoch": value}):
        sentence = r"^autoencoder.long_epoch of Dask's configuration \(DASK_AUTOENCODER__LONG_EPOCH\) must be a number"
        with pytest.raises(InputError, match=sentence):
            train.main("autoencoders", NAME)
    assert contents() == before


def test_without_a_scheduler_a_training_is_refused_and_nothing_changes(workspace, monkeypatch):
    monkeypatch.setenv("DASK_SCHEDULER_ADDRESS", "tcp://127.0.0.1:1")
    monkeypatch.setattr("stages.shared.workers.CONNECT", 1)
    before = contents()
    with pytest.raises(ValueError, match="^No scheduler answers at 'tcp://127.0.0.1:1'"):
        train.main("autoencoders", NAME)
    assert contents() == before
