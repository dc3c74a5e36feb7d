"""Trainings on real workers that have another version, are killed, or lose their scheduler."""

import os
import shutil
import threading
from contextlib import suppress
from pathlib import Path

import clusters
import pytest
from small import ROOT

from autoencoders.core.errors import InputError

distributed = pytest.importorskip("distributed")

from stages.shared import trainers  # noqa: E402

pytestmark = [pytest.mark.cluster, pytest.mark.slow]


@pytest.fixture
def stage(tmp_path, monkeypatch):
    """A stage that leaves a mark with its worker's process, waits for the file `go` and writes `done`."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(trainers, "ROOT", str(tmp_path))
    (tmp_path / "stage.py").write_text(
        "import os, time\n"
        "open(f'{os.getppid()}-begun', 'w').write(str(os.getpid()))\n"
        "while not os.path.exists('go'):\n"
        "    time.sleep(0.05)\n"
        "open('done', 'w').close()\n"
    )

    def begun(pid: int | None = None) -> bool:
        marks = list(tmp_path.glob(f"{pid or '*'}-begun"))
        return bool(marks and marks[0].read_text())

    return begun


def joined(started: clusters.LocalCluster, n: int) -> distributed.Client:
    client = trainers.connected(started.address)
    client.wait_for_workers(n, timeout=120)
    return client


def trains(worker: int) -> bool:
    """Say whether a worker has started a process."""
    for path in Path(f"/proc/{worker}/task").glob("*/children"):
        with suppress(OSError):
            if path.read_text():
                return True
    return False


def ended(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def in_a_thread(call) -> tuple[threading.Thread, list]:
    """Call a function on a thread; its result or error is in the list."""
    found = []

    def run() -> None:
        try:
            found.append(call())
        except InputError as error:
            found.append(str(error))

    thread = threading.Thread(target=run)
    thread.start()
    return thread, found


@pytest.mark.parametrize("what", ["modules", "keras"])
def test_a_worker_with_another_version_is_refused_before_it_trains(what, job, stage, tmp_path):
    other = tmp_path / "other"
    if what == "modules":
        for package in ("autoencoders", "stages"):
            shutil.copytree(ROOT / package, other / package, ignore=shutil.ignore_patterns("__pycache__"))
        changed = other / "autoencoders/training/fit.py"
        changed.write_text(changed.read_text(encoding="utf-8") + "\n", encoding="utf-8")
        path, sentence = other, r"\(modules \w+ instead of \w+\)"
    else:
        (other / "keras-0.0.1.dist-info").mkdir(parents=True)
        (other / "keras-0.0.1.dist-info/METADATA").write_text("Metadata-Version: 2.1\nName: keras\nVersion: 0.0.1\n")
        path, sentence = Path(f"{other}{os.pathsep}{ROOT}"), r"\(keras 0.0.1 instead of [0-9.]+\)"
    sentence = rf"^The worker tcp://\S+ has another version of the project or its packages {sentence}; give all workers"
    with clusters.cluster(tmp_path / "cluster", 0) as started:
        started.add(1, path)
        with joined(started, 1) as client:
            for training in (lambda: trainers.run_stage(client, "stage"), lambda: trainers.train(client, job)):
                with pytest.raises(InputError, match=sentence):
                    training()
    assert not stage()


def test_a_stage_whose_worker_is_killed_ends_on_another_worker(stage, tmp_path, capsys):
    with clusters.cluster(tmp_path / "cluster", 2) as started, joined(started, 2) as client:
        thread, found = in_a_thread(lambda: trainers.run_stage(client, "stage"))
        clusters.until(stage)
        victim = next(place for place, worker in enumerate(started.workers) if stage(worker.pid))
        started.kill(victim)
        (left,) = started.workers
        clusters.until(lambda: stage(left.pid))
        Path("go").touch()
        thread.join(60)
    assert found == [None] and Path("done").exists()
    assert "stage has lost the worker tcp://127.0.0.1:" in (said := capsys.readouterr().out)
    assert said.endswith(", and starts anew on another worker\n")


def test_a_stage_whose_workers_are_killed_again_and_again_ends_in_a_sentence(stage, tmp_path, monkeypatch):
    monkeypatch.setattr(trainers, "TRIES", 2)
    with clusters.cluster(tmp_path / "cluster", 1) as started, joined(started, 1) as client:
        thread, found = in_a_thread(lambda: trainers.run_stage(client, "stage"))
        for number in range(2):
            (worker,) = started.workers
            clusters.until(lambda worker=worker: stage(worker.pid))
            # It is waited for.
            started.kill()
            if not number:
                started.add()
        thread.join(60)
    assert found == ["stage has lost a worker in each of 2 tries; nothing was written, run it again."]


def test_a_stage_that_has_no_worker_left_ends_in_a_sentence(stage, tmp_path, monkeypatch):
    monkeypatch.setattr(trainers, "REPLACEMENT", 1)
    with clusters.cluster(tmp_path / "cluster", 1) as started, joined(started, 1) as client:
        thread, found = in_a_thread(lambda: trainers.run_stage(client, "stage"))
        clusters.until(stage)
        started.kill()
        thread.join(60)
    (sentence,) = found
    assert sentence.startswith("stage has lost the worker tcp://127.0.0.1:")
    assert sentence.endswith(
        ", and no other has come within 1 s; nothing was written, start `dask worker` and run it again."
    )


def test_a_training_of_which_a_worker_is_killed_ends_on_those_that_are_left(job, tmp_path, capsys):
    with clusters.cluster(tmp_path / "cluster", 2) as started, joined(started, 2) as client:
        thread, found = in_a_thread(lambda: trainers.train(client, job))
        clusters.until(lambda: all(trains(worker.pid) for worker in started.workers), 300)
        started.kill()
        thread.join(300)
        (outcome,) = found
        one = trainers.train(client, job)
    assert outcome.digest == one.digest and outcome.history == one.history
    assert "and starts anew on 1 worker; their number changes its losses by rounding alone" in capsys.readouterr().out


def test_without_its_scheduler_a_stage_ends_in_a_sentence_and_its_process_within_seconds(stage, tmp_path):
    with clusters.cluster(tmp_path / "cluster", 1) as started, joined(started, 1) as client:
        thread, found = in_a_thread(lambda: trainers.run_stage(client, "stage"))
        clusters.until(stage)
        process = int(next(tmp_path.glob("*-begun")).read_text())
        started.scheduler.kill()
        # Dask itself would wait half a minute for the task of its worker.
        clusters.until(lambda: ended(process), 25)
        thread.join(60)
    (sentence,) = found
    assert sentence.startswith("stage has lost the scheduler (")
