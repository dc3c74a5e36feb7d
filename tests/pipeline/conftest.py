import shutil

import pytest
from checkouts import ADDED, ENVIRONMENT, FIRST, Checkout, parameters, stages_run
from small import ROOT, write_parameters

from tools.forks import forks


@pytest.fixture(scope="session")
def python():
    """The folder of a `python` that spares stages their imports."""
    with forks(ROOT, ENVIRONMENT) as folder:
        yield folder


@pytest.fixture(scope="session")
def cold_run(tmp_path_factory):
    """A checkout in which `make repro` has run the whole graph from an empty cache."""
    checkout = Checkout(tmp_path_factory.mktemp("cold"))
    checkout.fill()
    checkout.ran = stages_run(checkout.run("python", "-m", "tools.repro").stdout)
    checkout.commit("Run")
    return checkout


@pytest.fixture(scope="session")
def extended_run(cold_run, python, tmp_path_factory):
    """A copy of it in which a network and a representation were added, and the graph has run again."""
    checkout = Checkout(tmp_path_factory.mktemp("extended") / "checkout", python)
    shutil.copytree(cold_run.folder, checkout.folder, symlinks=True)
    write_parameters(checkout.folder, parameters(FIRST, ADDED))
    checkout.ran = stages_run(checkout.run("dvc", "repro").stdout)
    return checkout


@pytest.fixture
def finished_checkout(cold_run, python, tmp_path):
    """A copy of the checkout in which everything has run, to change and run again."""
    folder = tmp_path / "checkout"
    shutil.copytree(cold_run.folder, folder, symlinks=True)
    return Checkout(folder, python)
