import signal
import sys
import threading
import time
from pathlib import Path

import pytest

from tools import repro

# Does what a stage does: says that it has begun, and clears away when it is interrupted.
WORKING = """
import pathlib, sys, time
try:
    pathlib.Path(sys.argv[1]).touch()
    time.sleep(60)
except KeyboardInterrupt:
    pathlib.Path(sys.argv[1]).unlink()
    sys.exit(5)
"""


@pytest.fixture
def processes():
    """Processes that this one's signals stop, until the test ends."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    # As in a terminal, also where the tests run in the background of a script, which ignores SIGINT.
    before = {number: signal.signal(number, signal.SIG_DFL) for number in numbers}
    yield repro.Processes()
    for number, handler in before.items():
        signal.signal(number, handler)


def test_processes_run_side_by_side_and_give_their_codes(processes):
    commands = [[sys.executable, "-c", f"import sys; sys.exit({code})"] for code in (0, 3)]
    assert processes.run(*commands) == [0, 3]
    assert processes.stopped_by is None


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP], ids=lambda number: number.name)
def test_a_signal_interrupts_all_waits_for_them_and_starts_no_more(processes, number, tmp_path):
    marks = [tmp_path / name for name in "ab"]

    def send() -> None:
        # To the main thread, which waits: one that this thread takes would not wake it.
        while not all(mark.exists() for mark in marks):
            time.sleep(0.01)
        signal.pthread_kill(threading.main_thread().ident, number)

    threading.Thread(target=send, daemon=True).start()
    assert processes.run(*([sys.executable, "-c", WORKING, str(mark)] for mark in marks)) == [5, 5]
    assert not any(mark.exists() for mark in marks)
    assert processes.run([sys.executable, "-c", "0"]) == []
    assert processes.stopped_by == number


def test_in_the_background_of_a_script_sigterm_stops_all(processes, tmp_path):
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    background, mark = repro.Processes(), tmp_path / "a"

    def send() -> None:
        while not mark.exists():
            time.sleep(0.01)
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
        signal.pthread_kill(threading.main_thread().ident, signal.SIGTERM)

    threading.Thread(target=send, daemon=True).start()
    assert background.run([sys.executable, "-c", WORKING, str(mark)]) == [5]
    assert background.stopped_by == signal.SIGTERM


def test_a_branch_is_named_by_one_pattern_where_that_matches_no_other_stage():
    photos = ["extract@photos", "train@photos-simple", "encode@photos-simple"]
    assert repro.targets(photos, [*photos, "extract@digits", "report"]) == ["--glob", "*@photos*"]
    assert repro.targets(photos, [*photos, "extract@photos-large"]) == photos
    assert repro.targets(["extract@a", "train@b"], ["extract@a", "train@b", "report"]) == ["--glob", "*@*"]
    assert repro.targets(["extract@a", "train@b"], ["extract@a", "train@b", "extract@c"]) == ["extract@a", "train@b"]


def test_without_git_the_graph_is_refused_in_one_sentence(tmp_path, monkeypatch, capsys):
    Path(tmp_path, ".dvc").mkdir()
    monkeypatch.chdir(tmp_path)
    assert repro.main() == 1
    said = f"error: {tmp_path} is not a git repository; run `git init` there first, since DVC needs Git.\n"
    assert capsys.readouterr().err == said


def test_a_graph_that_dvc_cannot_read_is_one_sentence(tmp_path, monkeypatch, capsys):
    Path(tmp_path, ".dvc").mkdir()
    Path(tmp_path, ".git").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(repro, "Repo", _unreadable)
    assert repro.main() == 1
    assert capsys.readouterr().err == "error: dvc.yaml is corrupted; `dvc status` says more.\n"


def _unreadable():
    raise repro.DvcException("dvc.yaml is corrupted.\nmore")
