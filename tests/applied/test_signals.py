"""How the command ends from outside, in a process of its own."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from small import ROOT

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def interruptible():
    """As in a terminal, also where the tests run in the background of a script, which ignores SIGINT."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def started(*arguments, cwd, **options) -> subprocess.Popen:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "applied", *map(str, arguments)]
    return subprocess.Popen(
        command, cwd=cwd, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_command_in_one_line_and_nothing_is_left(dense, tmp_path, number):
    # Enough for many seconds.
    images = np.lib.format.open_memmap(tmp_path / "many.npy", "w+", np.uint8, (2_000_000, 30, 31))
    del images
    process = started("encode", dense.export, "many.npy", "--out", "codes.npy", cwd=tmp_path)
    end = time.monotonic() + 60
    while not any(path.name.startswith(".partial-") for path in tmp_path.iterdir()):
        assert process.poll() is None and time.monotonic() < end
        time.sleep(0.02)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert (out, err) == ("", f"stopped by {number.name}\n")
    assert [path.name for path in tmp_path.iterdir()] == ["many.npy"]


def test_a_reader_of_the_output_may_go(dense, tmp_path):
    process = started("search", dense.export, *dense.files * 200, "--k", 20, cwd=tmp_path)
    process.stdout.readline()
    process.stdout.close()
    err = process.stderr.read()
    assert process.wait(60) == 128 + signal.SIGPIPE and "Traceback" not in err


def test_a_full_disk_is_said(dense, tmp_path):
    limit = "import resource,runpy,sys;resource.setrlimit(resource.RLIMIT_FSIZE,(3000,3000));import signal;"
    limit += (
        "signal.signal(signal.SIGXFSZ,signal.SIG_IGN);sys.argv=sys.argv;runpy.run_module('applied',run_name='__main__')"
    )
    arguments = ["encode", dense.export, *dense.files * 20, "--out", "codes.csv", "--quiet"]
    found = subprocess.run(
        [sys.executable, "-c", limit, *map(str, arguments)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        text=True,
        capture_output=True,
    )
    assert (
        found.returncode == 2 and found.stderr == "error: codes.csv cannot be written (File too large); correct that.\n"
    )
    assert list(tmp_path.iterdir()) == []


def test_the_command_starts_in_less_than_a_second_of_the_processor(dense, tmp_path):
    before = os.times()
    process = started("encode", dense.export, dense.files[0], cwd=tmp_path)
    process.communicate(timeout=60)
    after = os.times()
    taken = after.children_user + after.children_system - before.children_user - before.children_system
    assert process.returncode == 0 and taken < 1
