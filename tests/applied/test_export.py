"""The folder of an export: whole, or refused in one sentence."""

import json
import shutil

import numpy as np
import pytest

from applied.encoder import Encoder
from autoencoders.core.errors import InputError


def refused(folder, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence) as caught:
        Encoder.load(folder)
    assert "\n" not in str(caught.value)


def changed(export, **values) -> None:
    file = export / "manifest.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | values))


def test_changed_missing_and_added_files_are_named(own):
    export = own.export
    (export / "extra.txt").write_text("more")
    refused(export, "export/extra.txt is not named in manifest.json; copy or export the folder again.")
    (export / "extra.txt").unlink()
    (export / "below").mkdir()
    (export / "below" / "extra.txt").write_text("more")
    refused(export, "extra.txt is not named in")
    shutil.rmtree(export / "below")
    before = (export / "README.md").read_text()
    (export / "README.md").write_text(before + " ")
    refused(export, "README.md has other content than is named in manifest.json")
    assert Encoder.load(export, verify=False).encode(own.files[0]).shape == (1, 5)
    (export / "README.md").unlink()
    refused(export, "README.md is missing, but named in manifest.json")
    (export / "README.md").write_text(before)
    # What systems leave in folders is no part of them.
    (export / ".DS_Store").write_bytes(b"")
    (export / "Thumbs.db").write_bytes(b"")
    Encoder.load(export)


def test_another_format_is_refused_with_its_version(own):
    changed(own.export, format=2)
    refused(own.export, "has format 2, but this program reads format 1; install the version")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"{", "manifest.json is no JSON"),
        (b"\xff", "manifest.json is no JSON"),
        (b"[1]", "names no format"),
        (b"{}", "names no format"),
        (b'{"format": 1}', "has no valid network"),
        (b"[" * 100_000, "manifest.json is no JSON"),
    ],
)
def test_a_damaged_manifest_is_refused(own, content, sentence):
    (own.export / "manifest.json").write_bytes(content)
    refused(own.export, sentence)


@pytest.mark.parametrize(
    ("key", "value", "named"),
    [
        ("images", {"height": 8}, "images.width"),
        ("clusters", {}, "clusters.by"),
        ("files", {"a": 1}, "files.a"),
        ("generates", 1, "generates"),
    ],
)
def test_a_manifest_without_what_is_needed_is_refused(own, key, value, named):
    changed(own.export, **{key: value})
    refused(own.export, f"has no valid {named};")


def test_a_folder_that_is_none(tmp_path):
    refused(tmp_path / "absent", "is no export: it has no manifest.json")
    refused(tmp_path, "is no export: it has no manifest.json")
    (tmp_path / "file").write_text("")
    refused(tmp_path / "file", "is no export: it has no manifest.json")


def test_files_that_cannot_be_used_are_named_where_nothing_verified_them(own):
    for name, use in {
        "encoder.onnx": lambda encoder: encoder.encode(own.files[0]),
        "quantiles.npz": lambda encoder: encoder.anomaly(own.files[0]),
        "index.npy": lambda encoder: encoder.search(own.files[0]),
    }.items():
        before = (own.export / name).read_bytes()
        (own.export / name).write_bytes(before[:100])
        with pytest.raises(InputError, match=f"{name} (is no graph|holds no array)"):
            use(Encoder.load(own.export, verify=False))
        (own.export / name).write_bytes(before)


def test_loading_changes_nothing(own):
    before = {path.name: path.read_bytes() for path in own.export.iterdir()}
    encoder = Encoder.load(own.export)
    encoder.search(own.files[0])
    encoder.anomaly(np.zeros((8, 8), np.uint8))
    assert {path.name: path.read_bytes() for path in own.export.iterdir()} == before
