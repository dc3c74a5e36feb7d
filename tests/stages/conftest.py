import shutil

import pytest
from small import small_parameters, write_parameters

from stages import cluster, encode, evaluate, extract, learning_rate, neuron, preprocess, summarize, train


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """A folder in which every stage has run once, on little data."""
    folder = tmp_path_factory.mktemp("finished")
    values = small_parameters()
    write_parameters(folder, values)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        neuron.main()
        for dataset in values["datasets"]:
            extract.main(dataset)
            preprocess.main(dataset)
        for name in values["classifiers"]:
            train.main("classifiers", name)
            evaluate.main(name)
        for name in values["autoencoders"]:
            train.main("autoencoders", name)
            encode.main(name)
            cluster.main(name)
        learning_rate.main()
        summarize.main()
    return folder


@pytest.fixture
def workspace(finished, tmp_path, monkeypatch):
    """A copy of `finished` to change and to run stages in."""
    folder = tmp_path / "workspace"
    shutil.copytree(finished, folder)
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def results(finished, monkeypatch):
    """`finished` itself, to read from."""
    monkeypatch.chdir(finished)
    return finished
