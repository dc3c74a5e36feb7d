"""Which of the project's own modules a module imports, at its top or inside a function, and so on."""

import ast
from pathlib import Path

PACKAGES = ("autoencoders", "stages")


def closure(file: Path) -> set[str]:
    """Return the paths of all the project's modules that `file` comes to import, itself included.

    Packages' own `__init__.py` are left out where they hold a docstring and nothing else.
    """
    found: set[Path] = set()
    open_files = [file]
    while open_files:
        current = open_files.pop()
        if current not in found:
            found.add(current)
            open_files += _imported(current)
    return {path.as_posix() for path in found if _does_something(path)}


def _imported(file: Path) -> list[Path]:
    names = []
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return [path for name in names if name.split(".")[0] in PACKAGES for path in _files(name)]


def _files(name: str) -> list[Path]:
    parts = name.split(".")
    packages = [Path(*parts[:depth], "__init__.py") for depth in range(1, len(parts) + 1)]
    return [path for path in (*packages, Path(*parts).with_suffix(".py")) if path.is_file()]


def _does_something(file: Path) -> bool:
    body = ast.parse(file.read_text(encoding="utf-8")).body
    return file.name != "__init__.py" or any(not isinstance(node, ast.Expr) for node in body)
