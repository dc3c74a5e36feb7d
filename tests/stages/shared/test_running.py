import os
import subprocess
import sys

import pytest
from small import ROOT, small_parameters, write_parameters

from autoencoders.core.errors import InputError
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


@pytest.mark.parametrize("error", [ValueError("shapes differ"), FileNotFoundError("gone"), KeyboardInterrupt()])
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


def test_a_missing_input_is_reported_without_the_wait_for_tensorflow(tmp_path):
    write_parameters(tmp_path, small_parameters())
    commands = {
        "train classifiers digits-classifier": "data/prepared/digits/dataset.json",
        "evaluate digits-classifier": "models/digits-classifier/parameters.json",
        "encode digits-simple": "models/digits-simple/parameters.json",
        "cluster digits-simple": "data/codes/digits-simple/code.json",
        "learning_rates": "data/prepared/photos/train/images.npy",
        "sequence": "data/prepared/digits/dataset.json",
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


def test_stages_that_train_nothing_import_neither_tensorflow_nor_umap(workspace):
    program = """
import sys
from stages import cluster, encode, evaluate, extract, neuron, preprocess, represent, search, summarize
from stages import map as map_stage
neuron.main()
extract.main("digits")
preprocess.main("digits")
evaluate.main("digits-classifier")
encode.main("digits-variational")
represent.main("digits-pca")
cluster.main("digits-variational")
search.main("digits-pca")
map_stage.main("digits-variational")
summarize.main()
print("imported:", *sorted({"keras", "numpy", "tensorflow", "umap"} & sys.modules.keys()))
"""
    done = python(workspace, "-c", program)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "imported: numpy"
