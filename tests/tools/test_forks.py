import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from small import ROOT

from tools.forks import forks

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="elsewhere `make repro` starts a process for each stage"
)
# Says what it is, and ends as its argument says.
TALKING = """
import os, signal, sys
def waited():
    try:
        print("waiting", flush=True)
        signal.pause()
    finally:
        print("cleared away", flush=True)
def stopped(number, frame):
    signal.signal(number, signal.SIG_IGN)
    sys.exit(128 + number)
if __name__ == "__main__":
    signal.signal(signal.SIGTERM, stopped)
    if sys.argv[1] == "tell":
        print(sys.argv[1:], os.getcwd(), os.environ["GIVEN"], os.path.basename(sys.argv[0]), "pandas" in sys.modules)
    elif sys.argv[1] == "wait":
        waited()
    elif sys.argv[1] == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    else:
        sys.exit(int(sys.argv[1]) if sys.argv[1].isdecimal() else sys.argv[1])
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A project with two stages, of which one cannot be imported."""
    root = tmp_path_factory.mktemp("project")
    Path(root, "tools").symlink_to(ROOT / "tools")
    Path(root, "stages").mkdir()
    for name, content in {"__init__": "", "talking": TALKING, "broken": "import no_such_module"}.items():
        Path(root, "stages", f"{name}.py").write_text(content, encoding="utf-8")
    return root


@pytest.fixture(scope="module")
def python(project):
    with forks(project) as folder:
        yield folder / "python"


@pytest.fixture
def start(python, monkeypatch, tmp_path):
    """A function that starts the `python` in a folder and a process group of its own."""
    monkeypatch.setenv("GIVEN", "to it")

    def start(*arguments: str) -> subprocess.Popen:
        piped = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        return subprocess.Popen([python, *arguments], cwd=tmp_path, process_group=0, **piped)

    return start


def test_a_stage_runs_with_its_arguments_where_it_was_called_and_with_imports_made(start, tmp_path):
    said, errors = start("-m", "stages.talking", "tell", "a b").communicate()
    assert (said, errors) == (f"['tell', 'a b'] {tmp_path} to it talking.py True\n", "")


@pytest.mark.parametrize(
    ("argument", "code", "said"), [("0", 0, ""), ("7", 7, ""), ("error: no.", 1, "error: no.\n"), ("die", 137, "")]
)
def test_its_exit_code_and_its_errors_are_those_of_the_stage(start, argument, code, said):
    process = start("-m", "stages.talking", argument)
    assert process.communicate() == ("", said)
    assert process.returncode == code


def test_a_module_that_cannot_be_imported_says_so_and_no_other_stage_is_hindered(start):
    process = start("-m", "stages.broken")
    assert "No module named 'no_such_module'" in process.communicate()[1]
    assert process.returncode == 1
    assert start("-m", "stages.talking", "0").wait() == 0


def test_whatever_is_no_stage_runs_in_the_real_python(start):
    said, _ = start("-c", "import sys; print(sys.executable, 'pandas' in sys.modules)").communicate()
    assert said == f"{sys.executable} False\n"


@pytest.mark.parametrize("whole_group", [True, False], ids=["the group", "the command"])
def test_a_signal_reaches_the_stage_which_clears_away(start, whole_group):
    process = start("-m", "stages.talking", "wait")
    assert process.stdout.readline() == "waiting\n"
    (os.killpg if whole_group else os.kill)(process.pid, signal.SIGTERM)
    assert process.stdout.read() == "cleared away\n"
    assert process.wait() == 128 + signal.SIGTERM


def test_a_stage_ends_with_the_command_that_waits_for_it(start):
    process = start("-m", "stages.talking", "wait")
    assert process.stdout.readline() == "waiting\n"
    process.kill()
    assert process.stdout.read() == "cleared away\n"


def test_where_the_server_is_gone_stages_run_in_processes_of_their_own(project):
    with forks(project) as folder:
        (folder / "server").unlink()
        command = [folder / "python", "-m", "stages.talking", "tell"]
        done = subprocess.run(command, cwd=project, env={"GIVEN": "", **os.environ}, capture_output=True, text=True)
    assert (done.stderr, done.returncode) == ("", 0)
    assert done.stdout.endswith("talking.py False\n")
