import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
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


class Checkout:
    """A copy of the project in a folder of its own, with a Git repository and a DVC cache of its own."""

    def __init__(self, folder: Path):
        self.folder = folder
        for name in SOURCES:
            source, target = ROOT / name, folder / name
            if source.is_dir():
                shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(source, target)
        write_parameters(folder, small_parameters())
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
        found = (path for name in ("outputs", "plots", "metrics") for path in (self.folder / name).rglob("*"))
        return {path.relative_to(self.folder).as_posix(): path.read_bytes() for path in found if path.is_file()}


def stages_run(output: str) -> set[str]:
    """Return the stages that a `dvc repro` or `dvc exp run` says it ran."""
    return {line.split("'")[1] for line in output.splitlines() if line.startswith("Running stage")}


@pytest.fixture(scope="session")
def cold_runs(tmp_path_factory):
    """Two checkouts in which the whole graph has run from an empty cache, side by side."""
    checkouts = [Checkout(tmp_path_factory.mktemp(name)) for name in ("first", "second")]
    with ThreadPoolExecutor() as pool:
        for checkout, done in zip(checkouts, pool.map(lambda each: each.run("dvc", "repro"), checkouts), strict=True):
            checkout.ran = stages_run(done.stdout)
            checkout.commit("Run")
    return checkouts


@pytest.fixture
def finished_checkout(cold_runs, tmp_path):
    """A copy of a checkout in which everything has run, to change and run again."""
    folder = tmp_path / "checkout"
    shutil.copytree(cold_runs[0].folder, folder, symlinks=True)
    copy = object.__new__(Checkout)
    copy.folder = folder
    return copy
