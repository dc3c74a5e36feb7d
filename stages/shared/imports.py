"""Which of the project's own modules a module imports. DVC does not follow Python's imports; `fingerprints` does."""

import ast
from functools import cache
from pathlib import Path

PACKAGES = ("autoencoders", "stages")
# What pages are made of beside modules; not what an editor or a file manager leaves beside it.
ASSETS = (".css", ".csv", ".html", ".js", ".md")


def closure(file: Path) -> list[str]:
    """Return the files that decide what a module does, sorted.

    Parameters
    ----------
    file : Path
        The module, relative to the root of the repository, which is the working directory.

    Returns
    -------
    list of str
        The module, every module of this project that it comes to import, at its top or inside a function, and the
        scripts, styles, templates and tables in a folder of `autoencoders/pages` that one of them is in.
    """
    found: set[Path] = set()
    pending = [file]
    while pending:
        current = pending.pop()
        if current not in found:
            found.add(current)
            pending += imported(current)
    folders = {path.parent for path in found if path.match("autoencoders/pages/*/*.py")}
    assets = (path for folder in folders for path in folder.glob("[!.]*") if path.suffix in ASSETS)
    return sorted({path.as_posix() for path in (*found, *assets)})


def imported(file: Path) -> list[Path]:
    """Return the project's own modules that a file imports itself, and the packages that they are in."""
    names = _imported_names(file.read_text(encoding="utf-8"))
    return [path for name in names if name.split(".")[0] in PACKAGES for path in _files(name)]


# The closures of all stages meet the same sources again and again; parsing them once takes a tenth of the time.
@cache
def _imported_names(source: str) -> list[str]:
    names = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return names


def _files(name: str) -> list[Path]:
    parts = name.split(".")
    packages = [Path(*parts[:depth], "__init__.py") for depth in range(1, len(parts) + 1)]
    return [path for path in (*packages, Path(*parts).with_suffix(".py")) if path.is_file()]
