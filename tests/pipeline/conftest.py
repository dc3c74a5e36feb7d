import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from small import ROOT, small_parameters, write_parameters

ENVIRONMENT = {
    **os.environ,
    # The stages run as `python -m stages.…`: with the interpreter that runs the tests.
    "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    "GIT_AUTHOR_NAME": "tests",
    "GIT_AUTHOR_EMAIL": "tests@localhost",
    "GIT_COMMITTER_NAME": "tests",
    "GIT_COMMITTER_EMAIL": "tests@localhost",
    "DVC_NO_ANALYTICS": "1",
    # UMAP takes 30 s to compile, and a second to embed so few vectors without.
    "NUMBA_DISABLE_JIT": "1",
}
SOURCES = (
    "autoencoders",
    "stages",
    "dvc.yaml",
    ".dvcignore",
    ".gitignore",
    ".dvc/config",
    ".dvc/.gitignore",
    ".dvc/plots",
)
# Of each group of `params.yaml` what the first run of the graph has. Each entry is up to five processes.
FIRST = {
    "classifiers": ("digits-classifier",),
    "autoencoders": ("digits-denoising", "digits-variational"),
    "representations": ("digits-pca",),
    "embeddings": ("digits-deep-umap",),
}


def parameters(**more: str) -> dict:
    """Return the parameters of a run of the graph on little data: `FIRST`, and a name for each group in `more`."""
    values = small_parameters()
    for group, names in FIRST.items():
        names = (*names, more[group]) if group in more else names
        values[group] = {name: block for name, block in values[group].items() if name in names}
    values["generate"]["networks"].pop("digits-simple")
    return values


class Checkout:
    """A copy of the project in a folder of its own, with a Git repository and a DVC cache of its own."""

    def __init__(self, folder: Path):
        self.folder = folder

    def fill(self) -> None:
        """Copy the sources, and commit them with the parameters of the first run."""
        for name in SOURCES:
            source, target = ROOT / name, self.folder / name
            if source.is_dir():
                shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(source, target)
        write_parameters(self.folder, parameters())
        self.run("git", "init", "--quiet")
        self.commit("Start")

    def run(self, *command: str, check: bool = True) -> subprocess.CompletedProcess:
        done = subprocess.run(command, cwd=self.folder, env=ENVIRONMENT, capture_output=True, text=True, check=False)
        assert done.returncode == 0 or not check, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
        return done

    def commit(self, message: str) -> None:
        self.run("git", "add", "--all")
        self.run("git", "commit", "--quiet", "--allow-empty", "--message", message)

    def results(self) -> dict[str, bytes]:
        """Return the content of everything that the stages write, by path."""
        folders = (self.folder / name for name in ("data", "models", "plots", "metrics", "report"))
        found = (path for folder in folders for path in folder.rglob("*") if path.is_file())
        return {path.relative_to(self.folder).as_posix(): path.read_bytes() for path in found}


def stages_run(output: str) -> set[str]:
    """Return the stages that a `dvc repro` or `dvc exp run` says it ran."""
    return {line.split("'")[1] for line in output.splitlines() if line.startswith("Running stage")}


@pytest.fixture(scope="session")
def cold_run(tmp_path_factory):
    """A checkout in which the whole graph has run from an empty cache."""
    checkout = Checkout(tmp_path_factory.mktemp("cold"))
    checkout.fill()
    checkout.ran = stages_run(checkout.run("dvc", "repro").stdout)
    checkout.commit("Run")
    return checkout


@pytest.fixture
def finished_checkout(cold_run, tmp_path):
    """A copy of the checkout in which everything has run, to change and run again."""
    folder = tmp_path / "checkout"
    shutil.copytree(cold_run.folder, folder, symlinks=True)
    return Checkout(folder)
