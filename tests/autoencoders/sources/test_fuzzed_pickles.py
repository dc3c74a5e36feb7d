"""Pickles that try to do harm: a share of `python -m tools.fuzz_pickles`, and some that did harm once."""

import json
import os
import pickle
import subprocess
import sys
import tempfile

import numpy as np
import pytest
from small import ROOT

from autoencoders.core.errors import InputError
from autoencoders.sources import pickles
from tools import fuzz_pickles, odd_pickles, pickle_parts

# Asks for admitted names alone. An ordinary unpickler builds an array of objects whose pointers are the letters A, and
# the process crashes when the array is freed.
CRASH = (
    b"\x80\x02}(U\x06imagescnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(K\x00tU\x01btR(K\x01(K\x04t"
    b"cnumpy\ndtype\n(U\x02O8K\x00K\x01tR(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffJ\x01\x00\x00\x00tb\x89U "
    + b"A" * 32
    + b"tbU\x06labels]u."
)
# Stores a value at index 250,000,000 of the memo; an ordinary unpickler allocates 3.8 GiB for the indices before it.
MEMORY = b"\x80\x02}r\x80\xb2\xe6\x0e."

linux = pytest.mark.skipif(not fuzz_pickles.STATUS.exists(), reason="the system does not say how much memory is used")


def read(content: bytes):
    return pickles.labelled_images(content, "it", "batch", "images", "labels", pickle_parts.SHAPE)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (CRASH, r"its 'images' is not an array of uint8 \[N, 2, 3\]"),
        (MEMORY, r"its pickle is damaged \(it stores a value at index 250000000, which must be below"),
    ],
)
def test_pickles_that_did_harm_are_refused(content, message):
    with pytest.raises(InputError, match=f"^it is not a batch: {message}"):
        read(content)


@pytest.mark.parametrize(
    "claim",
    [
        *(code + bytes([255]) for code in (pickle.SHORT_BINSTRING, pickle.SHORT_BINBYTES, pickle.SHORT_BINUNICODE)),
        pickle.LONG1 + bytes([255]),
        *(code + (2**31 - 1).to_bytes(4, "little") for code in (pickle.BINSTRING, pickle.BINBYTES, pickle.BINUNICODE)),
        # Signed, so that -1 stands there.
        pickle.BINSTRING + b"\xff\xff\xff\xff",
        *(
            code + (2**63).to_bytes(8, "little")
            for code in (pickle.BINBYTES8, pickle.BINUNICODE8, pickle.BYTEARRAY8, pickle.FRAME)
        ),
    ],
    ids=lambda claim: hex(claim[0]),
)
def test_a_length_that_the_file_does_not_have_is_refused(claim):
    with pytest.raises(InputError, match=r"damaged \(byte \d+ should be followed by \d+ more, and the file ends after"):
        read(b"\x80\x04" + claim + b"abc")


def test_nothing_is_encoded_twice():
    content = pickle_parts.text("a" * 1000) + b"\x94"
    call = pickle_parts.named("_codecs", "encode") + b"h\x00" + pickle_parts.text("latin1") + b"\x86R"
    with pytest.raises(InputError, match="it encodes more text than it holds"):
        read(pickle_parts.whole(call * 50, content))


def test_a_key_that_is_no_short_text_is_left_out():
    deep = b"N" + pickle.TUPLE1 * 100_000
    items = b"".join(key + b"N" for key in (deep, pickle_parts.number(5), b"N", pickle_parts.text("a" * 10_000)))
    with pytest.raises(InputError, match="it has no 'images'"):
        read(pickle_parts.whole(b"}(" + items + b"u"))


def test_programs_that_do_not_end_are_refused():
    with pytest.raises(InputError, match="it has more than 300000 instructions"):
        read(b"\x80\x04" + b"]" * 300_000 + b".")


def test_honest_pickles_of_all_protocols_are_read():
    for content in pickle_parts.honest():
        images, labels = pickles.labelled_images(content, "it", "batch", "data", "labels", pickle_parts.SHAPE)
        assert images.shape == (2, 2, 3) and images.dtype == np.uint8 and not images.flags.writeable
        assert labels.tolist() == [3, 9] and labels.dtype == np.int64
        assert len(pickles.class_names(content, "it", "file", "label_names")) == 10
    for content in pickle_parts.honest()[:-2]:
        images, _ = pickles.labelled_images(content, "it", "batch", "data", "labels", pickle_parts.SHAPE)
        assert images.ravel().tolist() == list(range(12))


def test_odd_pickles_are_the_same_for_the_same_seed():
    for make in (odd_pickles.mutated, odd_pickles.constructed):
        assert [make(1, index) for index in range(20)] == [make(1, index) for index in range(20)]
        assert make(1, 9) != make(2, 9)


@pytest.mark.slow
@linux
def test_a_share_of_the_odd_pickles_does_no_harm(capsys):
    assert fuzz_pickles.main(["--mutated", "3000", "--constructed", "45", "--seed", "1"]) == 0, capsys.readouterr().err
    assert "3000 mutated and 45 constructed pickles of seed 1" in (line := capsys.readouterr().out)
    assert ", 0 failures; " in line


def interpreted_by(monkeypatch, function) -> list[str]:
    """What the command says of one pickle that is read by another interpreter."""
    monkeypatch.setattr(pickles, "interpret", function)
    return fuzz_pickles._problems(b"", fuzz_pickles.Outcome())


def test_other_exceptions_are_failures(monkeypatch):
    for problem in interpreted_by(monkeypatch, lambda content: {}["key"]):
        assert "KeyError: 'key'" in problem


def test_messages_of_more_than_a_line_are_failures(monkeypatch):
    def interpret(content):
        raise InputError("one\ntwo.")

    for problem in interpreted_by(monkeypatch, interpret):
        assert problem.startswith("the message is not one line of at most ")


def test_images_that_are_not_as_promised_are_failures(monkeypatch):
    monkeypatch.setattr(pickles, "labelled_images", lambda *_: (np.zeros((3, 2, 3), np.uint8), np.zeros(2, np.int64)))
    assert "images or labels are not what is promised" in interpreted_by(monkeypatch, lambda content: {})


def test_what_takes_long_is_a_failure(monkeypatch):
    monkeypatch.setattr(fuzz_pickles, "SECONDS", 0)
    assert all("it took 0.0 s" in problem for problem in interpreted_by(monkeypatch, lambda content: {}))


@linux
def test_what_others_print_is_a_failure(tmp_path):
    program = """
import os, sys
from autoencoders.sources import pickles
from tools import fuzz_pickles
pickles.interpret = lambda content: os.write(2, b"an internal error") and {}
sys.exit(fuzz_pickles.main(["--held", "mutated", "0", "5", "1"]))
"""
    with (tmp_path / "messages").open("w") as messages:
        command = [sys.executable, "-c", program]
        environment = {**os.environ, "TMPDIR": str(tmp_path)}
        done = subprocess.run(
            command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=messages, text=True, check=True
        )
    number, outcome = done.stdout.splitlines()
    assert number == "5" and "write to standard error" in json.loads(outcome)["failures"][0]


@linux
def test_memory_that_runs_out_is_a_failure(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert fuzz_pickles.main(["--mutated", "0", "--constructed", "30", "--memory", "1"]) == 1
    assert "MemoryError" in capsys.readouterr().err
    assert list(tmp_path.glob("constructed-0-*.pkl")), "the pickle should have been kept"


@linux
def test_crashes_are_failures(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho 6; echo 7; echo internal error >&2; kill -SEGV $$\n", encoding="utf-8")
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))
    assert fuzz_pickles.main(["--mutated", "8", "--constructed", "0"]) == 1
    output, errors = capsys.readouterr()
    assert "1 failures" in output and "exit code -11: internal error" in errors
    (kept,) = tmp_path.glob("mutated-0-7-*.pkl")
    assert kept.read_bytes() == odd_pickles.mutated(0, 7)
