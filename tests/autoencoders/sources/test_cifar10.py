import hashlib
import io
import os
import pickle
import tarfile
from pathlib import Path

import numpy as np
import pytest

from autoencoders.core.errors import InputError
from autoencoders.sources import cifar10

SIZE = 20
NAMES = [f"class {number}" for number in range(10)]


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def files(python2_batch, monkeypatch) -> dict[str, bytes]:
    """Small files of the official form, whose sums are taken for the published ones."""
    made = {}
    for number, name in enumerate(["data_batch_1", "data_batch_2", "test_batch"]):
        pixels = np.random.default_rng(number).integers(0, 256, (SIZE, 3072), dtype=np.uint8)
        made[name] = python2_batch(pixels, [(number + index) % 10 for index in range(SIZE)])
    made["batches.meta"] = pickle.dumps({b"label_names": [name.encode() for name in NAMES]}, 4)
    for name, content in made.items():
        monkeypatch.setitem(cifar10.SHA256, name, sha256(content))
    return made


@pytest.fixture
def offline(monkeypatch, closed):
    """Point the download at an address where nothing answers."""
    monkeypatch.setattr(cifar10, "ADDRESSES", [closed + cifar10.TARBALL])


def unpacked(home: Path, files: dict[str, bytes]) -> Path:
    (home / cifar10.FOLDER).mkdir(parents=True)
    for name, content in files.items():
        (home / cifar10.FOLDER / name).write_bytes(content)
    return home


def packed(home: Path, files: dict[str, bytes]) -> Path:
    home.mkdir(exist_ok=True)
    with tarfile.open(home / cifar10.TARBALL, "w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(f"{cifar10.FOLDER}/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return home


def read(home: Path, log=lambda line: None, **options):
    return cifar10.load(home, log=log, **{"batches": (1,), "limit": None, "test_share": 0.2, "seed": 0, **options})


def without(files: dict[str, bytes], *names: str) -> dict[str, bytes]:
    return {name: content for name, content in files.items() if name not in names}


# The official files


def test_the_official_files_hold_what_the_chapter_shows(data_home, no_network):
    source = read(data_home)
    images, labels = source.train.images, source.train.labels
    assert images.shape == source.test.images.shape == (10_000, 32, 32, 3)
    assert labels[:12].tolist() == [6, 9, 9, 4, 1, 1, 2, 7, 8, 3, 4, 7]
    assert [source.classes[label] for label in labels[:4]] == ["frog", "truck", "truck", "deer"]
    # The first row of the file starts with red values and ends with blue ones.
    assert images[0, 0, :3, 0].tolist() == [59, 43, 50]
    assert images[0, 31, 29:, 2].tolist() == [140, 84, 72]
    grey = images[0].astype(np.float32).mean(axis=-1) / 255
    assert grey[0, :3] == pytest.approx([0.24052288, 0.1751634, 0.18431373], abs=1e-6)
    assert np.bincount(source.test.labels).tolist() == [1000] * 10
    assert source.origin == "CIFAR-10, data_batch_1 and test_batch"


def test_the_class_names_are_the_official_ones(data_home):
    assert read(data_home, limit=1).classes == cifar10.CLASSES


def test_the_official_batch_alone_gives_test_images(data_home, tmp_path, no_network):
    (tmp_path / cifar10.FOLDER).mkdir()
    name = f"{cifar10.FOLDER}/data_batch_1"
    os.symlink((data_home / name).resolve(), tmp_path / name)
    source = read(tmp_path, limit=1000, test_share=0.3)
    assert len(source.train) == 700 and len(source.test) == 300
    assert source.classes == cifar10.CLASSES


# Where the files are taken from


def test_the_folder_is_read(tmp_path, files, no_network):
    source = read(unpacked(tmp_path, files))
    assert source.train.images.shape == source.test.images.shape == (SIZE, 32, 32, 3)
    assert source.train.images.dtype == np.uint8 and source.train.labels.dtype == np.int64
    assert source.train.labels.tolist() == [index % 10 for index in range(SIZE)]
    assert source.test.labels.tolist() == [(index + 2) % 10 for index in range(SIZE)]
    assert source.classes == NAMES


def test_the_three_planes_become_channels(tmp_path, files, no_network):
    source = read(unpacked(tmp_path, files))
    rows = np.random.default_rng(0).integers(0, 256, (SIZE, 3072), dtype=np.uint8)
    for channel in range(3):
        plane = rows[:, 1024 * channel : 1024 * (channel + 1)].reshape(SIZE, 32, 32)
        assert np.array_equal(source.train.images[..., channel], plane)


def test_the_tarball_gives_the_same_and_stays_packed(tmp_path, files, no_network):
    folder = read(unpacked(tmp_path / "folder", files), batches=[1, 2])
    tarball = read(packed(tmp_path / "tarball", files), batches=[1, 2])
    assert np.array_equal(folder.train.images, tarball.train.images)
    assert np.array_equal(folder.test.images, tarball.test.images)
    assert (folder.classes, folder.origin) == (tarball.classes, tarball.origin)
    assert [file.name for file in (tmp_path / "tarball").iterdir()] == [cifar10.TARBALL]


def test_the_tarball_gives_what_the_folder_lacks(tmp_path, files, no_network):
    unpacked(tmp_path, without(files, "data_batch_2", "test_batch"))
    source = read(packed(tmp_path, without(files, "data_batch_1")), batches=[1, 2])
    assert len(source.train) == 2 * SIZE and len(source.test) == SIZE


def test_batches_are_joined_in_the_order_asked_for(tmp_path, files, no_network):
    unpacked(tmp_path, files)
    one, two = (read(tmp_path, batches=[batch]).train for batch in (1, 2))
    both = read(tmp_path, batches=[2, 1])
    assert np.array_equal(both.train.images, np.concatenate([two.images, one.images]))
    assert np.array_equal(both.train.labels, np.concatenate([two.labels, one.labels]))
    assert both.origin == "CIFAR-10, data_batch_2, data_batch_1 and test_batch"


def test_class_names_are_known_without_their_file(tmp_path, files, no_network):
    assert read(unpacked(tmp_path, without(files, "batches.meta"))).classes == cifar10.CLASSES


def test_the_tarball_is_not_opened_for_class_names_alone(tmp_path, files, no_network):
    home = unpacked(tmp_path, without(files, "batches.meta"))
    (home / cifar10.TARBALL).write_bytes(b"damaged")
    assert read(home).classes == cifar10.CLASSES


def test_limit_takes_the_first_images(tmp_path, files, no_network):
    whole, limited = read(unpacked(tmp_path, files)), read(tmp_path, limit=7)
    assert len(limited.train) == len(limited.test) == 7
    assert np.array_equal(limited.train.images, whole.train.images[:7])


# A batch alone


def test_a_batch_alone_has_a_share_set_apart_and_says_so(tmp_path, files, no_network):
    home = unpacked(tmp_path, {"data_batch_1": files["data_batch_1"]})
    lines = []
    source = read(home, lines.append, test_share=0.5, limit=18)
    assert len(source.train) == len(source.test) == 9
    assert len(lines) == 1 and "holds no test_batch: 9 training images are set apart" in lines[0]
    assert source.origin == "CIFAR-10, data_batch_1, of which 9 images are set apart for testing"
    pixels = np.concatenate([source.train.images, source.test.images]).reshape(18, -1)
    assert len(np.unique(pixels, axis=0)) == 18


def test_the_seed_decides_what_is_set_apart(tmp_path, files, no_network):
    home = unpacked(tmp_path, {"data_batch_1": files["data_batch_1"]})
    first, again, other = (read(home, seed=seed, test_share=0.5).test.images for seed in (0, 0, 1))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


# Files that are not there


def test_a_missing_batch_without_network_is_one_sentence(tmp_path, files, offline):
    home = unpacked(tmp_path, without(files, "data_batch_2"))
    with pytest.raises(InputError) as raised:
        read(home, batches=[1, 2])
    message = str(raised.value)
    start = f"{home}/cifar-10-batches-py holds no data_batch_2, and cifar-10-python.tar.gz could not be downloaded ("
    assert message.startswith(start)
    assert "AUTOENCODER_DATA_HOME" in message and "\n" not in message
    assert [file.name for file in home.iterdir()] == [cifar10.FOLDER]


def test_the_tarball_is_downloaded_once(tmp_path, files, serve, monkeypatch, closed):
    mirror = packed(tmp_path / "mirror", files)
    genuine = hashlib.md5((mirror / cifar10.TARBALL).read_bytes()).hexdigest()
    monkeypatch.setattr(cifar10, "TARBALL_MD5", genuine)
    monkeypatch.setattr(cifar10, "ADDRESSES", [closed + cifar10.TARBALL, serve(mirror) + cifar10.TARBALL])
    lines = []
    for _ in range(2):
        source = read(tmp_path / "home", lines.append)
        assert len(source.train) == len(source.test) == SIZE
    assert [line.split(" ")[0] for line in lines] == ["Downloading"] * 2
    assert [file.name for file in (tmp_path / "home").iterdir()] == [cifar10.TARBALL]


def test_a_tarball_of_another_checksum_is_not_kept(tmp_path, files, serve, monkeypatch):
    monkeypatch.setattr(cifar10, "ADDRESSES", [serve(packed(tmp_path / "mirror", files)) + cifar10.TARBALL])
    with pytest.raises(InputError, match="could not be downloaded .*does not have the published checksum"):
        read(tmp_path / "home")
    assert list((tmp_path / "home").iterdir()) == []


# Files that are not the official ones


@pytest.mark.parametrize("name", ["data_batch_1", "test_batch", "batches.meta"])
def test_a_changed_file_is_refused(tmp_path, files, name, no_network):
    changed = files | {name: files[name][:-1] + b" "}
    message = "does not have the published checksum"
    with pytest.raises(InputError, match=f"^.*{cifar10.FOLDER}/{name} {message}"):
        read(unpacked(tmp_path / "folder", changed))
    with pytest.raises(InputError, match=f"^{name} in .*{cifar10.TARBALL} {message}"):
        read(packed(tmp_path / "tarball", changed))


def test_a_doctored_batch_runs_nothing_even_with_the_right_checksum(tmp_path, files, monkeypatch, no_network):
    class Doctored:
        def __reduce__(self):
            return os.system, (f"touch {tmp_path / 'trace'}",)

    content = pickle.dumps({"data": Doctored(), "labels": []}, 2)
    home = unpacked(tmp_path, files | {"data_batch_1": content})
    with pytest.raises(InputError, match="does not have the published checksum"):
        read(home)
    monkeypatch.setitem(cifar10.SHA256, "data_batch_1", sha256(content))
    with pytest.raises(InputError, match=r"^data_batch_1 is not a CIFAR-10 batch: its pickle asks for \w+\.system"):
        read(home)
    assert not (tmp_path / "trace").exists()


def test_a_damaged_tarball_is_refused(tmp_path, files, no_network):
    tarball = packed(tmp_path, files) / cifar10.TARBALL
    whole = tarball.read_bytes()
    damaged = [b"", b"no tarball", whole[: len(whole) // 2], whole[:5000] + bytes(500) + whole[5500:]]
    for content in damaged:
        tarball.write_bytes(content)
        with pytest.raises(InputError, match=f"{cifar10.TARBALL} (is damaged|holds no|does not have)"):
            read(tmp_path)


def test_a_tarball_without_the_batch_is_refused(tmp_path, files, no_network):
    with pytest.raises(InputError, match=f"{cifar10.TARBALL} holds no data_batch_2; delete it"):
        read(packed(tmp_path, without(files, "data_batch_2")), batches=[1, 2])
