"""Copies of the project in which the graph runs."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from small import ROOT, small_parameters, write_parameters

from stages.shared.parameters import load

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
    "tools",
    # What DVC watches for the images that packages ship.
    "requirements.lock",
    # What `summarize` shows deviations by.
    "docs/results/stability.csv",
)
# What the first run has of each group of `params.yaml`: up to five processes an entry.
FIRST = {
    "classifiers": ("digits-classifier",),
    "autoencoders": ("digits-denoising", "digits-variational"),
    "representations": ("digits-pca",),
}
# What the second run adds: with it, one of each kind of network that differs in how it is computed.
ADDED = {"autoencoders": ("digits-strided",), "representations": ("photos-patch-autoencoder",)}


def parameters(*names: dict[str, tuple[str, ...]]) -> dict:
    """Return the parameters of a run on little data of what is named under each group."""
    values = small_parameters()
    for group in FIRST:
        values[group] = {name: values[group][name] for named in names for name in named.get(group, ())}
    umap = load(ROOT / "params.yaml")["embeddings"]["digits-deep-umap"]
    less = {"of": "digits-variational", "n_components": 4, "n_neighbors": 8, "n_epochs": 20}
    values["embeddings"] = {"digits-umap": {**umap, **less}}
    del values["generate"]["networks"]["digits-simple"]
    exported = values["export"]["networks"]
    values["export"]["networks"] = {name: entry for name, entry in exported.items() if name in values["autoencoders"]}
    return values


class Checkout:
    """A copy of the project in a folder of its own, with a Git repository and a DVC cache of its own."""

    def __init__(self, folder: Path, python: Path | None = None):
        self.folder = folder
        # The folder of another `python` for its stages.
        self.environment = dict(ENVIRONMENT)
        if python:
            self.environment["PATH"] = f"{python}{os.pathsep}{ENVIRONMENT['PATH']}"

    def fill(self) -> None:
        """Copy the sources, and commit them with the parameters of the first run."""
        for name in SOURCES:
            source, target = ROOT / name, self.folder / name
            if source.is_dir():
                shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(source, target)
        write_parameters(self.folder, parameters(FIRST))
        self.run("git", "init", "--quiet")
        self.commit("Start")

    def run(self, *command: str, check: bool = True) -> subprocess.CompletedProcess:
        done = subprocess.run(
            command, cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0 or not check, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
        return done

    def commit(self, message: str) -> None:
        self.run("git", "add", "--all")
        self.run("git", "commit", "--quiet", "--allow-empty", "--message", message)

    def results(self) -> dict[str, bytes]:
        """Return the content of everything that the stages write, by path."""
        folders = (self.folder / name for name in ("data", "models", "plots", "metrics", "report", "exports"))
        found = (path for folder in folders for path in folder.rglob("*") if path.is_file())
        return {path.relative_to(self.folder).as_posix(): path.read_bytes() for path in found}


def stages_run(output: str) -> list[str]:
    """Return the stages that a `dvc repro` or `dvc exp run` says it ran, in their order."""
    return re.findall(r"^Running stage '(.+?)'", output, flags=re.MULTILINE)
