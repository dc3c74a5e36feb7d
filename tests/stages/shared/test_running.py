import io
import os
import signal
import subprocess
import sys
import time
import warnings

import pytest
from small import ROOT, small_parameters, write_parameters

import stages
from autoencoders.core.errors import InputError
from autoencoders.core.signals import SIGNALS
from stages.shared import files
from stages.shared.running import run


def python(folder, *arguments: str) -> subprocess.CompletedProcess:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture
def start(monkeypatch):
    """A function that runs a stage as its module does, with a command line's arguments."""

    def call(stage, *arguments: str) -> None:
        monkeypatch.setattr("sys.argv", ["/somewhere/stages/example.py", *arguments])
        run(stage)

    return call


def test_a_stage_gets_the_command_lines_arguments(start):
    given = []
    start(lambda group, name: given.append((group, name)), "classifiers", "photos-classifier")
    start(lambda: given.append(()))
    assert given == [("classifiers", "photos-classifier"), ()]


def test_a_mistake_of_the_user_ends_the_program_with_its_sentence(start):
    def stage():
        raise InputError("neuron.points is 1; raise it.")

    with pytest.raises(SystemExit) as ended:
        start(stage)
    assert ended.value.code == "error: neuron.points is 1; raise it."


@pytest.fixture
def heeded():
    """Let this process heed every signal, also in the background of a script, which ignores SIGINT."""
    before = {number: signal.signal(number, signal.SIG_DFL) for number in SIGNALS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
def test_a_signal_ends_a_stage_in_one_line_and_leaves_nothing(start, heeded, tmp_path, capsys, number):
    def stage():
        with files.whole(tmp_path / "data" / "folder", tmp_path / "file.json") as (folder, file):
            (folder / "half.txt").touch()
            file.touch()
            # The second one comes while the first is heeded.
            for _ in range(2):
                os.kill(os.getpid(), number)
            time.sleep(60)

    before = [signal.getsignal(each) for each in SIGNALS]
    with pytest.raises(SystemExit) as ended:
        start(stage)
    assert ended.value.code == 128 + number
    assert capsys.readouterr().err == f"stopped by {number.name}\n"
    assert [path for path in tmp_path.rglob("*") if path.name != "data"] == []
    assert [signal.getsignal(each) for each in SIGNALS] == before


def test_an_interrupt_of_the_imports_is_one_line(capsys):
    stages._said(KeyboardInterrupt, KeyboardInterrupt(), None)
    assert capsys.readouterr().err == "stopped by SIGINT\n"
    stages._said(ValueError, ValueError("shapes differ"), None)
    assert "ValueError: shapes differ" in capsys.readouterr().err


def test_a_signal_that_is_ignored_stays_so(start, monkeypatch):
    monkeypatch.setattr(signal, "getsignal", lambda number: signal.SIG_IGN)
    set_anew = []
    monkeypatch.setattr(signal, "signal", lambda *given: set_anew.append(given))
    start(lambda: None)
    assert set_anew == []


def test_what_a_terminal_cannot_show_is_replaced(start, monkeypatch):
    written = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(written, encoding="ascii"))
    start(lambda: print("0.5 ± 0.1, 28×28", flush=True))
    assert written.getvalue() == b"0.5 ? 0.1, 28?28\n"


def test_a_reader_of_the_output_may_go(start, monkeypatch):
    reader, writer = os.pipe()
    os.close(reader)
    with open(writer, "w", encoding="utf-8") as stdout:
        monkeypatch.setattr("sys.stdout", stdout)
        with pytest.raises(SystemExit) as ended:
            start(lambda: print("a table"))
        assert ended.value.code == 128 + signal.SIGPIPE


def test_warnings_of_libraries_are_a_line_each_that_says_what_they_are_about(start, capsys):
    def stage(name):
        for _ in range(3):
            warnings.warn("few\n clusters", stacklevel=1)

    start(stage, "digits-simple")
    assert capsys.readouterr().err == "example digits-simple: few clusters\n"


@pytest.mark.parametrize("error", [ValueError("shapes differ"), FileNotFoundError("gone")])
def test_any_other_exception_is_not_held_back(start, error):
    def stage():
        raise error

    with pytest.raises(type(error)) as raised:
        start(stage)
    assert raised.value is error


@pytest.mark.parametrize(
    ("stage", "arguments", "sentence"),
    [
        (lambda group, name: None, ["classifiers"], "example.py takes group and name, but 1 were given."),
        (lambda dataset: None, [], "example.py takes dataset, but 0 were given."),
        (lambda: None, ["photos"], "example.py takes no argument, but 1 were given."),
    ],
)
def test_a_wrong_number_of_arguments_is_one_sentence(start, stage, arguments, sentence):
    with pytest.raises(SystemExit) as ended:
        start(stage, *arguments)
    assert ended.value.code == f"error: {sentence}"


def test_a_mistake_is_one_line_on_standard_error_and_exit_code_1(tmp_path):
    done = python(tmp_path, "-m", "stages.preprocess", "photos")
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr == "error: params.yaml is missing; run from the root of the repository.\n"


@pytest.mark.slow
def test_a_missing_input_is_reported_without_the_wait_for_tensorflow(tmp_path):
    write_parameters(tmp_path, small_parameters())
    commands = {
        "train classifiers digits-classifier": "data/prepared/digits/dataset.json",
        "evaluate digits-classifier": "models/digits-classifier/parameters.json",
        "encode digits-simple": "models/digits-simple/parameters.json",
        "cluster digits-simple": "data/codes/digits-simple/code.json",
        "learning_rates photos-rates": "data/prepared/photos/train/images.npy",
        "sequence digits-rows": "data/prepared/digits/dataset.json",
    }
    program = """
import importlib, sys
for command in sys.argv[1:]:
    name, *arguments = command.split()
    try:
        importlib.import_module(f"stages.{name}").main(*arguments)
    except ValueError as error:
        print(error)
print(*sorted({"keras", "numpy", "tensorflow"} & sys.modules.keys()))
"""
    done = python(tmp_path, "-c", program, *commands)
    *sentences, imported = done.stdout.splitlines()
    for sentence, missing in zip(sentences, commands.values(), strict=True):
        assert sentence.startswith(f"{missing} is missing")
    assert imported == "numpy"


@pytest.mark.slow
def test_stages_that_train_nothing_import_neither_tensorflow_nor_umap_nor_dask(workspace):
    program = """
import sys
from stages import cluster, encode, evaluate, extract, neuron, preprocess, represent, search, summarize
from stages import map as map_stage
neuron.main("curves")
extract.main("digits")
preprocess.main("digits")
evaluate.main("digits-classifier")
encode.main("digits-variational")
represent.main("digits-pca")
cluster.main("digits-variational")
search.main("digits-pca")
map_stage.main("digits-variational")
summarize.main()
print("imported:", *sorted({"dask", "keras", "numpy", "tensorflow", "umap"} & sys.modules.keys()))
"""
    done = python(workspace, "-c", program)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "imported: numpy"
