"""Where stages keep things, and writing that leaves whole outputs or none.

A stage's outputs lie under `outputs/<stage>/`, its figures under `plots/<stage>/` and its metrics under
`metrics/<stage>/`, each with the data set's or the network's name where the stage runs for several.
"""

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from autoencoders.errors import InputError

SPLITS = ("train", "validation", "test")


def outputs(*parts: str) -> Path:
    """Arrays, tables and networks: `outputs/<stage>/…`, kept by DVC."""
    return Path("outputs", *parts)


def plots(*parts: str) -> Path:
    """Figures, and tables made to be plotted: `plots/<stage>/…`, kept by DVC."""
    return Path("plots", *parts)


def metrics(*parts: str) -> Path:
    """Small JSON files of scores: `metrics/<stage>/…`, kept by Git."""
    return Path("metrics", *parts)


@contextmanager
def whole(*targets: Path) -> Iterator[tuple[Path, ...]]:
    """Yield a stand-in path for each target; rename them into place only if the block ends well.

    A target without a suffix is a folder, made empty; one with a suffix is a file for the block to write.
    What was there before is replaced. After an exception neither the stand-ins nor any target are there.
    """
    stand_ins = tuple(target.with_name(f".partial-{target.name}") for target in targets)
    for target in (*stand_ins, *targets):
        _remove(target)
    try:
        for stand_in in stand_ins:
            stand_in.parent.mkdir(parents=True, exist_ok=True)
            if not stand_in.suffix:
                stand_in.mkdir()
        yield stand_ins
        for stand_in, target in zip(stand_ins, targets, strict=True):
            stand_in.rename(target)
    except BaseException:
        for target in (*stand_ins, *targets):
            _remove(target)
        raise


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def write_json(path: Path, values: Mapping | list) -> None:
    """Write `values` as indented JSON, in their own order; floats rounded to six digits for a readable diff."""
    path.write_text(json.dumps(_rounded(values), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _rounded(value: object) -> object:
    if isinstance(value, Mapping):
        return {key: _rounded(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_rounded(inner) for inner in value]
    if isinstance(value, (float, np.floating)):
        return float(f"{value:.6g}")
    if isinstance(value, np.integer):
        return int(value)
    return value


def read_json(path: Path) -> Any:
    """Read a JSON file that an earlier stage wrote.

    Raises
    ------
    InputError
        If it is missing or no JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise InputError(_unreadable(path, "JSON")) from None


def read_array(path: Path) -> np.ndarray:
    """Open a `.npy` file that an earlier stage wrote, memory-mapped and read-only.

    Raises
    ------
    InputError
        If it is missing or no array.
    """
    try:
        return np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError):
        raise InputError(_unreadable(path, "NumPy")) from None


def read_table(path: Path) -> pd.DataFrame:
    """Read a CSV file that an earlier stage wrote.

    Raises
    ------
    InputError
        If it is missing or no table.
    """
    try:
        return pd.read_csv(path)
    except (OSError, ValueError):
        raise InputError(_unreadable(path, "CSV")) from None


def _unreadable(path: Path, form: str) -> str:
    return f"{path} is missing or is no {form} file; make it again with `dvc repro`, or delete it if it is damaged."
