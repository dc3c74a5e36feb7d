"""Workers that are killed at random moments of a stage."""

import random
import subprocess
import sys

import pytest

from tools import clusters, killing

pytest.importorskip("distributed")
pytestmark = pytest.mark.cluster


def test_a_worker_is_killed_while_a_command_runs_and_another_joins(tmp_path, monkeypatch):
    monkeypatch.setattr(killing, "JOINS", 0.2)
    work = tmp_path / "work"
    work.mkdir()
    command = ["-c", "import time; time.sleep(2); print('said')"]
    with clusters.cluster(tmp_path, 2) as started:
        first = list(started.workers)
        ended = killing.killed(command, killing.variables(), work, started, 1, 1.0, random.Random(0))
        assert (ended.code, ended.last, ended.kills) == (0, "said", 1)
        assert len(started.workers) == 2 and len(set(started.workers) - set(first)) == 1
    assert killing.left(work) == []


def test_what_a_stage_leaves_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(killing, "LEFT", 0.1)
    work = tmp_path.resolve() / "work"
    (work / "data").mkdir(parents=True)
    (work / "data/.partial-codes").touch()
    sleeping = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], cwd=work)
    try:
        assert killing.left(work) == ["a process is left", "part of an output is left"]
    finally:
        sleeping.kill()
        sleeping.wait()
