"""Write the lists of modules in `dvc.yaml`: `make graph`.

DVC does not follow Python's imports. Each stage therefore lists, among its dependencies, every module of this project
that it comes to import. This command reads the imports and rewrites the lists; a test compares them.
"""

import ast
import re
from pathlib import Path

GRAPH = Path("dvc.yaml")
PACKAGES = ("autoencoders", "stages")
# One entry each, whichever of their modules a stage imports: their modules change together, and every entry of a stage
# is four lines of `dvc.lock`, which DVC parses and writes after each stage.
WHOLE = (
    "autoencoders/core",
    "autoencoders/inference",
    "autoencoders/networks",
    "autoencoders/pages/map",
    "autoencoders/pages/report",
    "autoencoders/scaling",
    "autoencoders/sources",
    "autoencoders/training",
    "stages/shared",
)


def closure(file: Path) -> set[str]:
    """Return the paths of all the project's modules that `file` comes to import, itself included.

    Imports inside functions count. A package's `__init__.py` that holds a docstring and nothing else is left out.
    """
    found: set[Path] = set()
    pending = [file]
    while pending:
        current = pending.pop()
        if current not in found:
            found.add(current)
            pending += _imported(current)
    return {path.as_posix() for path in found if _does_something(path)}


def dependencies(file: Path) -> list[str]:
    """Return what a stage of this module lists in `dvc.yaml`: folders of `WHOLE`, and modules by themselves."""
    found = set()
    for path in closure(file):
        rooms = [room for room in WHOLE if path.startswith(f"{room}/")]
        found.add(rooms[0] if rooms else path)
    return sorted(found)


def written(text: str) -> str:
    """Return the text of `dvc.yaml` with the module lists that its commands ask for.

    Each `deps:` keeps its other entries, in their order and before the modules.
    """
    lines, result, module = text.splitlines(), [], None
    position = 0
    while position < len(lines):
        line = lines[position]
        if command := re.match(r"\s+cmd: python -m (\S+)", line):
            module = Path(*command[1].split(".")).with_suffix(".py")
        result.append(line)
        position += 1
        if not (start := re.match(r"(\s+)deps:", line)):
            continue
        indent = f"{start[1]}  "
        kept = []
        while position < len(lines) and lines[position].startswith((f"{indent}- ", f"{indent}#")):
            if not lines[position].strip().startswith(tuple(f"- {package}/" for package in PACKAGES)):
                kept.append(lines[position])
            position += 1
        result += [*kept, *(f"{indent}- {path}" for path in dependencies(module))]
    return "\n".join(result) + "\n"


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


if __name__ == "__main__":
    before = GRAPH.read_text(encoding="utf-8")
    after = written(before)
    GRAPH.write_text(after, encoding="utf-8")
    print("dvc.yaml lists what the stages import." if after == before else "dvc.yaml: lists of modules rewritten.")
