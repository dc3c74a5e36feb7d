import gzip
import hashlib
import io
import os
import pickle
from pathlib import Path

import numpy as np
import pytest

from autoencoders.core.errors import InputError
from autoencoders.sources import mnist

N_TRAIN, N_TEST = 20, 10
IDX = (*mnist.TRAIN, *mnist.TEST)


def idx(values: np.ndarray) -> bytes:
    sizes = b"".join(size.to_bytes(4, "big") for size in values.shape)
    return bytes([0, 0, 8, values.ndim]) + sizes + values.tobytes()


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def arrays() -> dict[str, np.ndarray]:
    """Small arrays under the names of the IDX files that hold such."""
    rng = np.random.default_rng(0)
    made = {}
    for (images, labels), count in ((mnist.TRAIN, N_TRAIN), (mnist.TEST, N_TEST)):
        made[images] = rng.integers(0, 256, (count, 28, 28), dtype=np.uint8)
        made[labels] = (np.arange(count) % 10).astype(np.uint8)
    return made


@pytest.fixture
def files(arrays, monkeypatch) -> dict[str, bytes]:
    """Small unpacked files of the official form, whose sums are taken for the published ones."""
    made = {name: idx(values) for name, values in arrays.items()}
    for name, content in made.items():
        monkeypatch.setitem(mnist.SHA256, name, sha256(content))
    return made


@pytest.fixture
def npz(arrays, monkeypatch) -> bytes:
    packed = io.BytesIO()
    names = dict(zip(("x_train", "y_train", "x_test", "y_test"), IDX, strict=True))
    np.savez(packed, **{key: arrays[name] for key, name in names.items()})
    monkeypatch.setitem(mnist.SHA256, mnist.NPZ, sha256(packed.getvalue()))
    return packed.getvalue()


@pytest.fixture
def offline(monkeypatch, closed):
    """Point the download at an address where nothing answers."""
    monkeypatch.setattr(mnist, "MIRRORS", [closed])


def write(folder: Path, files: dict[str, bytes]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


def gz(files: dict[str, bytes]) -> dict[str, bytes]:
    return {f"{name}.gz": gzip.compress(content) for name, content in files.items()}


def read(home: Path, log=lambda line: None, **options):
    return mnist.load(home, log=log, **{"limit": None, "test_share": 0.2, "seed": 0, **options})


def assert_holds(source, arrays):
    for part, (images, labels) in ((source.train, mnist.TRAIN), (source.test, mnist.TEST)):
        assert part.images.dtype == np.uint8 and part.labels.dtype == np.int64
        assert np.array_equal(part.images, arrays[images][..., np.newaxis])
        assert np.array_equal(part.labels, arrays[labels])
    assert source.classes == list("0123456789")


# The official files


def test_the_official_idx_files(data_home, no_network):
    source = read(data_home)
    assert source.train.images.shape == (60_000, 28, 28, 1)
    assert source.test.images.shape == (10_000, 28, 28, 1)
    assert source.train.labels[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert source.test.labels[:5].tolist() == [7, 2, 1, 0, 4]
    assert np.bincount(source.train.labels).tolist() == [
        5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949
    ]  # fmt: skip
    assert source.origin == "MNIST, the four IDX files"


def test_the_chapters_pickle_holds_the_first_training_images(data_home, tmp_path, no_network):
    os.symlink((data_home / mnist.PKL).resolve(), tmp_path / mnist.PKL)
    lines = []
    source = read(tmp_path, lines.append, test_share=0.25)
    assert len(source.train) == 7500 and len(source.test) == 2500
    assert len(lines) == 1 and "mnist.pkl holds no test images: 2500 of its images" in lines[0]
    first = read(data_home, limit=10_000).train.images
    both = np.concatenate([source.train.images, source.test.images])
    assert np.array_equal(np.unique(both.reshape(10_000, -1), axis=0), np.unique(first.reshape(10_000, -1), axis=0))


# The packings


@pytest.mark.parametrize("folder", [".", "mnist"])
@pytest.mark.parametrize("spelling", ["{}", "{}.gz", "dotted", "dotted.gz"])
def test_idx_files_are_read(tmp_path, files, arrays, folder, spelling, no_network):
    named = {}
    for name, content in files.items():
        file = spelling.format(name).replace("dotted", name.replace("-idx", ".idx"))
        named[file] = gzip.compress(content) if file.endswith(".gz") else content
    write(tmp_path / folder, named)
    assert_holds(read(tmp_path), arrays)


def test_a_file_that_was_unpacked_but_kept_its_name_is_read(tmp_path, files, arrays, no_network):
    write(tmp_path, {f"{name}.gz": content for name, content in files.items()})
    assert_holds(read(tmp_path), arrays)


@pytest.mark.parametrize("folder", [".", "mnist"])
def test_kerass_npz_is_read(tmp_path, npz, arrays, folder, no_network):
    write(tmp_path / folder, {mnist.NPZ: npz})
    source = read(tmp_path)
    assert_holds(source, arrays)
    assert source.origin == "MNIST, mnist.npz"
    limited = read(tmp_path, limit=7)
    assert len(limited.train) == len(limited.test) == 7


@pytest.mark.parametrize("folder", [".", "mnist"])
@pytest.mark.parametrize("as_list", [True, False])
def test_the_chapters_pickle_is_read(tmp_path, arrays, folder, as_list, no_network):
    images, labels = (arrays[name] for name in mnist.TRAIN)
    content = {"images": images, "labels": labels.tolist() if as_list else labels}
    write(tmp_path / folder, {mnist.PKL: pickle.dumps(content, 4)})
    source = read(tmp_path, test_share=0.5)
    assert np.bincount(source.train.labels).tolist() == np.bincount(source.test.labels).tolist() == [1] * 10
    assert source.origin == "MNIST, mnist.pkl, of which 10 images are set apart for testing"
    for part in (source.train, source.test):
        for image, label in zip(part.images, part.labels, strict=True):
            (index,) = np.flatnonzero((images == image[..., 0]).all(axis=(1, 2)))
            assert labels[index] == label


def test_the_seed_decides_what_is_set_apart(tmp_path, arrays, no_network):
    content = dict(zip(("images", "labels"), (arrays[name] for name in mnist.TRAIN), strict=True))
    write(tmp_path, {mnist.PKL: pickle.dumps(content, 4)})
    first, again, other = (read(tmp_path, seed=seed, test_share=0.5).test.images for seed in (0, 0, 1))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_idx_files_come_before_the_others(tmp_path, files, npz, no_network):
    write(tmp_path, files | {mnist.NPZ: npz})
    assert read(tmp_path).origin == "MNIST, the four IDX files"
    (tmp_path / mnist.TEST[0]).unlink()
    assert read(tmp_path).origin == "MNIST, mnist.npz"


def test_limit_takes_the_first_images_and_applies_before_the_share(tmp_path, files, arrays, no_network):
    source = read(write(tmp_path / "idx", files), limit=7)
    assert len(source.train) == len(source.test) == 7
    assert np.array_equal(source.train.images[..., 0], arrays[mnist.TRAIN[0]][:7])
    content = dict(zip(("images", "labels"), (arrays[name] for name in mnist.TRAIN), strict=True))
    source = read(write(tmp_path / "pkl", {mnist.PKL: pickle.dumps(content, 4)}), limit=10, test_share=0.2)
    assert len(source.train) == 8 and len(source.test) == 2
    assert sorted([*source.train.labels, *source.test.labels]) == list(range(10))


# Downloads


def test_without_files_and_network_one_sentence_says_what_to_do(tmp_path, offline):
    with pytest.raises(InputError) as raised:
        read(tmp_path)
    message = str(raised.value)
    assert message.startswith("train-images-idx3-ubyte.gz could not be downloaded (")
    assert str(tmp_path / "mnist") in message and "AUTOENCODER_DATA_HOME" in message and "\n" not in message
    assert list((tmp_path / "mnist").iterdir()) == []


def test_the_second_mirror_is_used_and_may_have_packed_anew(tmp_path, files, arrays, serve, monkeypatch):
    damaged = serve(write(tmp_path / "damaged", {name: content[:-20] for name, content in gz(files).items()}))
    again = {f"{name}.gz": gzip.compress(content, compresslevel=1, mtime=7) for name, content in files.items()}
    monkeypatch.setattr(mnist, "MIRRORS", [damaged, serve(write(tmp_path / "again", again))])
    lines = []
    assert_holds(read(tmp_path / "home", lines.append), arrays)
    assert len(lines) == 8
    assert_holds(read(tmp_path / "home", lines.append), arrays)
    assert len(lines) == 8, "files that are there were downloaded again"


def test_only_missing_files_are_downloaded(tmp_path, files, arrays, serve, monkeypatch):
    last = IDX[-1]
    write(tmp_path / "home", {name: content for name, content in files.items() if name != last})
    monkeypatch.setattr(mnist, "MIRRORS", [serve(write(tmp_path / "mirror", gz({last: files[last]})))])
    lines = []
    assert_holds(read(tmp_path / "home", lines.append), arrays)
    assert len(lines) == 1 and last in lines[0]


# Files that are not the official ones


@pytest.mark.parametrize("name", IDX)
def test_a_changed_idx_file_is_refused(tmp_path, files, name, no_network):
    changed = files | {name: files[name][:-1] + bytes([files[name][-1] ^ 1])}
    with pytest.raises(InputError, match=f"{name} does not have the published checksum"):
        read(write(tmp_path, changed))


def test_a_cut_gzip_file_is_refused(tmp_path, files, no_network):
    packed = gz(files)
    name = f"{mnist.TRAIN[0]}.gz"
    for content in (packed[name][:-3], packed[name][:100], packed[name][:3]):
        write(tmp_path, packed | {name: content})
        with pytest.raises(InputError, match=f"{name} is damaged; delete it"):
            read(tmp_path)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda content: b"\0\0\x0d" + content[3:], "is not an IDX file of bytes with 3 axes"),
        (lambda content: b"\0\0\x08\x01" + content[4:], "is not an IDX file of bytes with 3 axes"),
        (lambda content: content[:10], "is not an IDX file of bytes with 3 axes"),
        (lambda content: content[:-1], "does not have the length that its header gives"),
        (lambda content: content + b"\0", "does not have the length that its header gives"),
        (lambda content: idx(np.zeros((N_TRAIN, 14, 14), np.uint8)), "does not hold images of 28x28 pixels"),
        (lambda content: idx(np.zeros((N_TRAIN + 1, 28, 28), np.uint8)), "one for each label"),
    ],
)
def test_the_header_is_checked(tmp_path, files, monkeypatch, damage, message, no_network):
    name = mnist.TRAIN[0]
    changed = damage(files[name])
    monkeypatch.setitem(mnist.SHA256, name, sha256(changed))
    with pytest.raises(InputError, match=f"{name} .*{message}"):
        read(write(tmp_path, files | {name: changed}))


def test_a_changed_npz_is_refused(tmp_path, npz, no_network):
    with pytest.raises(InputError, match="mnist.npz does not have the published checksum"):
        read(write(tmp_path, {mnist.NPZ: npz[:-1]}))


def test_a_doctored_pickle_runs_nothing(tmp_path, no_network):
    class Doctored:
        def __reduce__(self):
            return eval, (f"open({str(tmp_path / 'trace')!r}, 'w')",)

    write(tmp_path, {mnist.PKL: pickle.dumps({"images": Doctored(), "labels": []}, 4)})
    with pytest.raises(InputError, match="mnist.pkl is not a MNIST pickle .* asks for builtins.eval, "):
        read(tmp_path)
    assert not (tmp_path / "trace").exists()


def test_a_cut_pickle_is_refused(tmp_path, arrays, no_network):
    content = pickle.dumps({"images": arrays[mnist.TRAIN[0]], "labels": arrays[mnist.TRAIN[1]]}, 4)
    with pytest.raises(InputError, match="mnist.pkl is not a MNIST pickle .* is damaged"):
        read(write(tmp_path, {mnist.PKL: content[:-100]}))
