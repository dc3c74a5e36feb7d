import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from clusters import free_port, until
from small import ROOT

from autoencoders.core.errors import InputError
from autoencoders.core.rows import Rows
from autoencoders.images.preparation import Preparation
from autoencoders.networks import architectures, runtime
from autoencoders.training import processes
from autoencoders.training.fit import Training, fit
from autoencoders.training.jobs import Job, WorkerLost
from autoencoders.training.processes import Stopped, run_here, train_here

IMAGES = np.random.default_rng(0).integers(0, 256, (40, 8, 8, 3), dtype=np.uint8)
SETTINGS = {"units": [4], "activation": "relu", "code_activation": "relu", "output_activation": "sigmoid", "seed": 0}
SETTINGS |= {"loss": "binary_crossentropy", "optimizer": "adam", "learning_rate": 0.01, "batch_size": 16, "epochs": 2}
JOB = Job(
    kind="dense",
    name="network",
    settings=SETTINGS,
    images=Rows(IMAGES),
    targets=None,
    preparation=Preparation("grey", flat=True),
    root=str(ROOT),
)


def addresses(n: int) -> list[str]:
    return [f"127.0.0.1:{free_port()}" for _ in range(n)]


def assert_ends_with(parent: subprocess.Popen, file: Path, seconds: float) -> None:
    """Kill `parent` once the process that it started has written its number into `file`; that has `seconds` to end."""
    until(lambda: file.exists() and file.read_text())
    parent.kill()
    parent.wait()
    deadline = time.monotonic() + seconds
    with pytest.raises(ProcessLookupError):
        while time.monotonic() < deadline:
            os.kill(int(file.read_text()), 0)
            time.sleep(0.05)


@pytest.fixture
def started(monkeypatch):
    """The processes that are started, as they come."""
    found = []

    class Recorded(subprocess.Popen):
        def __init__(self, *arguments, **options):
            super().__init__(*arguments, **options)
            found.append(self)

    monkeypatch.setattr(processes.subprocess, "Popen", Recorded)
    return found


@pytest.fixture
def module(tmp_path):
    """Write the module `stage`, for `run_here`."""

    def write(text: str) -> str:
        (tmp_path / "stage.py").write_text(text)
        return str(tmp_path)

    return write


@pytest.mark.slow
def test_a_process_alone_trains_to_the_bytes_of_fit():
    outcome = train_here(JOB, addresses(1), 0)
    runtime.deterministic(0)
    network = architectures.build("dense", "network", (64,), SETTINGS)
    history = fit(network, IMAGES, None, JOB.preparation, Training.of(SETTINGS))
    assert outcome.history == history and not outcome.diverged
    assert [array.tobytes() for array in outcome.weights] == [array.tobytes() for array in network.get_weights()]


@pytest.mark.slow
def test_what_a_training_refuses_is_its_own_sentence():
    job = replace(JOB, settings=SETTINGS | {"optimizer_options": {"beta_3": 1}})
    with pytest.raises(InputError, match="optimizer_options {'beta_3': 1} are not what Keras's optimizer 'adam' takes"):
        train_here(job, addresses(1), 0)


@pytest.mark.slow
@pytest.mark.cluster
@pytest.mark.parametrize("killed", [0, 1])
def test_a_worker_that_dies_ends_the_training_of_the_others(killed, started):
    job, ends, begun = replace(JOB, settings=SETTINGS | {"epochs": 10**6}), addresses(2), threading.Event()
    errors = {}

    def work(index: int) -> None:
        try:
            train_here(job, ends, index, say=lambda line: begun.set())
        except InputError as error:
            errors[index] = error

    with ThreadPoolExecutor(2) as pool:
        done = []
        for index in range(2):
            done.append(pool.submit(work, index))
            while len(started) == index:
                time.sleep(0.01)
        assert begun.wait(600)
        started[killed].kill()
        at = time.monotonic()
        for each in done:
            each.result(timeout=120)
    assert time.monotonic() - at < 120
    assert f"network on worker {killed + 1} of 2, {ends[killed]}, ended by signal SIGKILL" in str(errors[killed])
    assert isinstance(errors[1 - killed], WorkerLost)
    assert all(process.poll() is not None for process in started)


@pytest.mark.slow
@pytest.mark.cluster
@pytest.mark.parametrize("index", [0, 1])
def test_a_worker_that_never_comes_ends_the_training_within_the_limit(index, started):
    begun = time.monotonic()
    with pytest.raises(WorkerLost, match="network on 2 workers has not begun within 2 s, since a worker has not come;"):
        train_here(JOB, addresses(2), index, start_limit=2)
    assert time.monotonic() - begun < 2 + processes.GRACE + 10
    assert started[0].poll() is not None


@pytest.mark.slow
def test_a_process_ends_when_the_one_that_started_it_dies(tmp_path):
    program = "import sys; from autoencoders.training.processes import run_here; "
    program += "run_here('stage', [], sys.argv[1], sys.argv[1])"
    (tmp_path / "stage.py").write_text("import os, time\nopen('pid', 'w').write(str(os.getpid()))\ntime.sleep(600)\n")
    parent = subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], cwd=ROOT)
    assert_ends_with(parent, tmp_path / "pid", 30)


def test_a_stage_runs_elsewhere_without_a_cluster(module, tmp_path, monkeypatch):
    monkeypatch.setenv("DASK_SCHEDULER_ADDRESS", "tcp://127.0.0.1:1")
    said = []
    folder = module(
        "import os, sys\nprint('one')\nprint(*sys.argv[1:], os.getcwd(), os.environ.get('DASK_SCHEDULER_ADDRESS'))"
    )
    run_here("stage", ["a", "b c"], folder, folder, say=said.append)
    assert said == ["one", f"a b c {tmp_path} None"]


def test_a_stage_that_fails_elsewhere_says_its_own_sentence_or_how_it_ended(module):
    folder = module("import sys\nsys.exit('error: colour is no colour.')")
    with pytest.raises(InputError, match="^colour is no colour.$"):
        run_here("stage", [], folder, folder)
    module("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)")
    with pytest.raises(InputError, match="^stage x ended by signal SIGKILL; nothing was written, run it again.$"):
        run_here("stage", ["x"], folder, folder)


def test_a_stage_is_told_to_stop(module, tmp_path):
    folder = module(
        "import signal, sys, time\n"
        "signal.signal(signal.SIGTERM, lambda *_: (open('stopped', 'w').close(), sys.exit(1)))\n"
        "open('begun', 'w').close()\n"
        "time.sleep(600)\n"
    )
    with pytest.raises(Stopped):
        run_here("stage", [], folder, folder, stopped=(tmp_path / "begun").exists)
    assert (tmp_path / "stopped").exists()


@pytest.mark.slow
def test_a_process_that_does_not_heed_sigterm_ends_when_the_one_that_started_it_dies(tmp_path):
    (tmp_path / "stage.py").write_text(
        "import os, signal, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "open('pid', 'w').write(str(os.getpid()))\n"
        "time.sleep(600)\n"
    )
    program = "import sys; from autoencoders.training.processes import run_here; "
    program += "run_here('stage', [], sys.argv[1], sys.argv[1])"
    parent = subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], cwd=ROOT)
    assert_ends_with(parent, tmp_path / "pid", processes.GRACE + 30)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere such a process runs on")
def test_a_process_that_lets_no_thread_run_ends_when_the_one_that_started_it_dies(tmp_path):
    # By `PyDLL` a call keeps the lock of Python's interpreter.
    program = "import ctypes, os; from autoencoders.training.processes import leave_with_parent; leave_with_parent(); "
    program += "open(os.environ['PID'], 'w').write(str(os.getpid())); ctypes.PyDLL(None).sleep(600)"
    start = "import subprocess, sys; subprocess.Popen([sys.executable, '-c', sys.argv[1]], stdin=-1).wait()"
    environment = {**os.environ, "PID": str(tmp_path / "pid")}
    parent = subprocess.Popen([sys.executable, "-c", start, program], cwd=ROOT, env=environment)
    assert_ends_with(parent, tmp_path / "pid", 10)
