import os
import signal
import threading
import time
from contextlib import suppress
from dataclasses import replace

import clusters
import pytest

from autoencoders.core.errors import InputError
from autoencoders.training.jobs import Job

pytest.importorskip("distributed")

from stages.shared import trainers  # noqa: E402
from stages.shared.workers import connected  # noqa: E402

pytestmark = [pytest.mark.cluster, pytest.mark.slow]


def pids(client) -> list[int]:
    return list(client.run(os.getpid).values())


def children(job: Job) -> set[int]:
    """Return the processes that train for a job."""
    found = set()
    for path in (path for path in os.listdir("/proc") if path.isdigit()):
        with suppress(OSError):
            if os.readlink(f"/proc/{path}/cwd") == job.folder:
                found.add(int(path))
    return found


def test_two_workers_train_to_the_weights_of_one(client, job):
    two, one = trainers.train(client, job), trainers.train(client, job, trainers.workers(client)[:1])
    assert two.history["loss"] == pytest.approx(one.history["loss"], abs=1e-5)
    for found, expected in zip(two.weights, one.weights, strict=True):
        assert found == pytest.approx(expected, abs=1e-5)


@pytest.fixture
def endless(job, tmp_path):
    """A job of which each process waits until it is told to end, without the seconds of TensorFlow's import.

    `tests/autoencoders/training/test_processes.py` ends processes that train.
    """
    package = tmp_path / "fake/autoencoders/training"
    package.mkdir(parents=True)
    for folder in (package.parent, package):
        (folder / "__init__.py").touch()
    (package / "worker.py").write_text("import os\nwhile os.read(0, 2**16):\n    pass\n")
    return replace(job, root=str(tmp_path / "fake"))


def ends_in_a_sentence(client, job, kill, sentence: str) -> None:
    """Train until both workers have a process, call `kill`, and see the training and its processes end."""

    def later() -> None:
        clusters.until(lambda: len(children(job)) == 2)
        kill()

    thread = threading.Thread(target=later)
    thread.start()
    with pytest.raises(InputError, match=sentence):
        trainers.train(client, job)
    thread.join()
    clusters.until(lambda: not children(job))


def test_a_worker_that_is_killed_ends_the_training_of_all(client, endless, dask, monkeypatch):
    monkeypatch.setattr(trainers, "TRIES", 1)
    sentence = "^the training of network has lost .*; nothing was written, run it again.$"
    ends_in_a_sentence(client, endless, dask.kill, sentence)
    dask.add()


def test_a_process_that_is_killed_ends_the_training_of_all_and_is_named(client, endless):
    sentence = "network on worker . of 2, 127.0.0.1:[0-9]+, ended by signal SIGKILL; nothing was written"
    ends_in_a_sentence(client, endless, lambda: os.kill(min(children(endless)), signal.SIGKILL), sentence)


def test_a_scheduler_that_is_killed_ends_the_training(endless, tmp_path):
    with clusters.cluster(tmp_path / "cluster", 2) as lost:
        client = connected(lost.address)
        client.wait_for_workers(2, timeout=120)
        sentence = "^the training of network has lost the scheduler"
        ends_in_a_sentence(client, endless, lost.scheduler.kill, sentence)
        client.close(timeout=2)


def test_a_stage_runs_whole_on_a_worker_that_trains_nothing_else(client, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(trainers, "ROOT", str(tmp_path))
    (tmp_path / "stage.py").write_text(
        "import os, sys, time\n"
        "name = sys.argv[1]\n"
        "open(f'{name}-begun', 'w').write(str(os.getppid()))\n"
        "while not os.path.exists('go'):\n"
        "    time.sleep(0.05)\n"
        "sys.exit('error: all is wrong; correct it.' if name == 'wrong' else 0)\n"
    )
    errors = []

    def run(name: str) -> None:
        try:
            trainers.run_stage(client, "stage", name)
        except InputError as error:
            errors.append(str(error))

    threads = [threading.Thread(target=run, args=(name,)) for name in ("right", "wrong")]
    for thread in threads:
        thread.start()
    paths = [tmp_path / f"{name}-begun" for name in ("right", "wrong")]
    while not all(path.exists() and path.read_text() for path in paths):
        time.sleep(0.05)
    assert {int(path.read_text()) for path in paths} == set(pids(client))
    (tmp_path / "go").touch()
    for thread in threads:
        thread.join()
    assert errors == ["all is wrong; correct it."]
