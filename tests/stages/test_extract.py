import hashlib
import json
import shutil
from pathlib import Path
from typing import get_args

import numpy as np
import pandas as pd
import pytest
from small import write_parameters

from autoencoders.core.errors import InputError
from autoencoders.sources import SOURCES, cifar10
from autoencoders.sources.streams import of_arrays
from stages import extract as stage
from stages.shared.parameters import load
from stages.shared.running import run
from stages.shared.settings.datasets import Dataset

PARAMETERS = Path(__file__).parents[2] / "params.yaml"
FILES = ["classes.json", "images.npy", "listing.csv", "skipped.csv", "source.json"]


@pytest.fixture
def configure(tmp_path, monkeypatch):
    """A function that changes parameters of a data set; the test runs where the changed file lies."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("AUTOENCODER_DATA_HOME", raising=False)

    def change(dataset: str, **changes) -> None:
        values = load(PARAMETERS)
        values["datasets"][dataset].update(changes)
        # What other stages ask for, of fewer images.
        values["map"]["perplexity"] = 1
        values["search"]["neighbours"] = values["generate"]["components"] = [1]
        write_parameters(Path(), values)

    return change


def written(dataset: str) -> Path:
    return Path("data/raw") / dataset


def names(folder: Path) -> list[str]:
    return sorted(str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file())


def fingerprints(folder: Path) -> dict[str, str]:
    return {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in names(folder)}


def listing(dataset: str) -> pd.DataFrame:
    return pd.read_csv(written(dataset) / "listing.csv")


def test_photos_are_written(configure, no_network, capsys):
    configure("photos", crops=10, test_share=0.2, limit=None)
    stage.main("photos")
    folder = written("photos")
    assert names(folder) == FILES
    images, table = np.load(folder / "images.npy", allow_pickle=False), listing("photos")
    assert images.shape == (100, 32, 32, 3) and images.dtype == np.uint8
    assert list(table) == ["image", "split", "label", "sha256"]
    assert table["split"].tolist() == ["train"] * 80 + ["test"] * 20
    # Test images count from zero again.
    assert table["image"].tolist() == [*range(80), *range(20)]
    assert table["sha256"].tolist() == [hashlib.sha256(image.tobytes()).hexdigest() for image in images]
    for _, part in table.groupby("split"):
        assert set(part["label"]) == set(range(10))
    assert (folder / "skipped.csv").read_text(encoding="utf-8") == "file,reason\n"
    classes = json.loads((folder / "classes.json").read_text(encoding="utf-8"))
    assert len(classes) == 10 and "astronaut" in classes
    assert json.loads((folder / "source.json").read_text(encoding="utf-8")) == {
        "dataset": "photos",
        "source": "bundled_photos",
        "origin": "crops of ten photographs that scikit-image and scikit-learn ship",
        "images": 100,
        "skipped": 0,
        "left_out": {},
    }
    assert capsys.readouterr().out.startswith("photos: 100 images from crops of ten photographs")


def test_digits_are_written(configure, no_network):
    configure("digits", limit=100, test_share=0.3)
    stage.main("digits")
    assert names(written("digits")) == FILES
    assert np.load(written("digits") / "images.npy").shape == (100, 28, 28, 1)
    assert listing("digits")["split"].value_counts().to_dict() == {"train": 70, "test": 30}


def test_two_runs_write_the_same_bytes_and_another_seed_others(configure):
    configure("photos", crops=5, seed=3)
    stage.main("photos")
    first = fingerprints(written("photos"))
    shutil.rmtree("data")
    stage.main("photos")
    assert fingerprints(written("photos")) == first
    configure("photos", crops=5, seed=4)
    stage.main("photos")
    assert fingerprints(written("photos"))["images.npy"] != first["images.npy"]


@pytest.mark.parametrize(
    ("variable", "home"), [(None, "data/downloads"), ("", "data/downloads"), ("~/sets", "HOME/sets"), ("sets", "sets")]
)
def test_the_library_gets_the_parameters_and_the_data_home(configure, monkeypatch, tmp_path, capsys, variable, home):
    configure("photos", source="cifar10", batches=[2, 4], limit=11, test_share=0.25, seed=6, crops=9)
    monkeypatch.setenv("HOME", str(tmp_path))
    if variable is not None:
        monkeypatch.setenv("AUTOENCODER_DATA_HOME", variable)
    given = {}

    def stream(source, options, **more):
        given.update(more, source=source, options=options)
        images = np.zeros((2, 32, 32, 3), np.uint8)
        return of_arrays(["only"], "nowhere", {"train": (images, np.zeros(2, np.int64))})

    monkeypatch.setattr(stage, "stream", stream)
    stage.main("photos")
    said = (
        "DVC does not notice when official files are added or replaced: run `dvc repro --force --single-item extract@"
    )
    assert said in capsys.readouterr().out
    assert given == {
        "source": "cifar10",
        "options": {"batches": [2, 4], "limit": 11, "test_share": 0.25, "seed": 6},
        "path": Path("requirements.lock"),
        "home": Path(home.replace("HOME", str(tmp_path))),
    }


def test_official_files_are_read_from_the_data_home(data_home, configure, monkeypatch, no_network):
    configure("photos", source="cifar10", limit=20)
    monkeypatch.setenv("AUTOENCODER_DATA_HOME", str(data_home))
    stage.main("photos")
    labels = listing("photos").query("split == 'train'")["label"]
    assert labels[:12].tolist() == [6, 9, 9, 4, 1, 1, 2, 7, 8, 3, 4, 7] and len(labels) == 20
    # What another machine reads from another folder must have the same record.
    assert str(data_home) not in (written("photos") / "source.json").read_text(encoding="utf-8")


def test_a_source_that_cannot_be_read_ends_in_one_sentence_and_no_output(configure, monkeypatch, closed):
    configure("photos", source="cifar10")
    monkeypatch.setattr(cifar10, "ADDRESSES", [closed + cifar10.TARBALL])
    monkeypatch.setattr("sys.argv", ["extract", "photos"])
    with pytest.raises(SystemExit) as ended:
        run(stage.main)
    message = str(ended.value)
    assert message.startswith("error: cifar-10-python.tar.gz could not be downloaded")
    assert "put it into data/downloads" in message and "\n" not in message
    assert not written("photos").exists()


def test_an_unknown_data_set_is_one_sentence(configure):
    configure("digits")
    with pytest.raises(InputError, match="^params.yaml has no datasets.letters; there is 'digits', 'photos'.$"):
        stage.main("letters")


def test_the_parameters_and_the_library_know_the_same_sources():
    settings = get_args(get_args(Dataset)[0])
    known = [source for each in settings for source in get_args(each.model_fields["source"].annotation)]
    assert sorted(known) == sorted(SOURCES)
