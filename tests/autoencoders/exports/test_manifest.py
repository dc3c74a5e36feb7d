import hashlib
import json

import numpy as np

from autoencoders.exports import manifest


def test_files_are_listed_by_name_with_checksum_and_size_but_for_the_manifest(tmp_path):
    for name, content in (("b.bin", b"\x00" * 5), ("A.md", b"text"), (manifest.FILE, b"{}")):
        (tmp_path / name).write_bytes(content)
    found = manifest.files_of(tmp_path)
    assert list(found) == ["A.md", "b.bin"]
    assert found["b.bin"] == {"sha256": hashlib.sha256(b"\x00" * 5).hexdigest(), "bytes": 5}


def test_a_manifest_begins_with_its_format_ends_with_the_files_and_is_the_same_again(tmp_path):
    (tmp_path / "code.bin").write_bytes(b"1")
    contents = []
    for _ in range(2):
        manifest.write(tmp_path, {"network": "ä", "noise": 0.12345678, "n": np.int64(3), "by": None})
        contents.append((tmp_path / manifest.FILE).read_bytes())
    assert contents[0] == contents[1]
    found = json.loads(contents[0])
    assert list(found) == ["format", "network", "noise", "n", "by", "files"]
    assert (found["format"], found["network"], found["noise"], found["n"]) == (1, "ä", 0.123457, 3)
    assert list(found["files"]) == ["code.bin"]


def test_the_checksum_of_a_code_is_that_of_its_little_endian_bytes_whatever_the_array():
    codes = np.arange(6, dtype=np.float32).reshape(2, 3)
    expected = [hashlib.sha256(code.astype("<f4").tobytes()).hexdigest() for code in codes]
    assert manifest.code_hashes(codes) == expected
    assert manifest.code_hashes(np.asfortranarray(codes)) == expected
    assert manifest.code_hashes(codes.astype(">f4")) == expected
