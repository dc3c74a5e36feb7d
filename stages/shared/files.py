"""Where stages keep things, and writing that leaves whole outputs or none.

Arrays and tables lie under `data/<what they are>/` (see `data/README.md`), networks under `models/` and, to be taken
elsewhere, `exports/`, figures under `plots/<stage>/` and metrics under `metrics/<stage>/`, each with the name of the
data set, network or code that they belong to.
"""

import io
import json
import math
import shutil
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from autoencoders.core.errors import InputError
from autoencoders.core.rounding import rounded

if TYPE_CHECKING:
    import pandas as pd

SPLITS = ("train", "validation", "test")
# How the name begins of what is not yet whole. Git and DVC ignore it.
PARTIAL = ".partial-"


def data(*parts: str) -> Path:
    """Arrays and tables: `data/<what>/…`, kept by DVC."""
    return Path("data", *parts)


def models(*parts: str) -> Path:
    """Trained networks: `models/<network>/…`, kept by DVC."""
    return Path("models", *parts)


def exports(*parts: str) -> Path:
    """Networks to take elsewhere: `exports/<network>/…`, kept by DVC."""
    return Path("exports", *parts)


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
    stand_ins = tuple(target.with_name(f"{PARTIAL}{target.name}") for target in targets)
    for target in (*stand_ins, *targets):
        remove(target)
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
            remove(target)
        raise


def remove(path: Path) -> None:
    """Remove a file, a link or a whole folder, if there is one."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def copy(path: Path, target: Path) -> None:
    """Copy a file that an earlier stage wrote.

    Raises
    ------
    InputError
        If it is missing.
    """
    try:
        shutil.copyfile(path, target)
    except OSError:
        raise InputError(_unreadable(path, path.suffix[1:].upper())) from None


def write_json(path: Path, values: Mapping | list) -> None:
    """Write `values` as indented JSON, in their own order; floats rounded to six digits for a readable diff."""
    path.write_text(json.dumps(rounded(values, 6), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


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


def read_array(path: Path) -> np.memmap:
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


class StoredArray:
    """A `.npy` file of which only the rows asked for are read.

    Pages of a memory map stay in memory once they were touched; what is read here is the caller's alone. It is pickled
    as its path, which must lead to the same file wherever it is read.

    Parameters
    ----------
    path : Path
        What an earlier stage wrote.

    Attributes
    ----------
    shape : tuple of int
    dtype : numpy.dtype

    Raises
    ------
    InputError
        If the file is missing or no array, or rows that it should have cannot be read.
    """

    def __init__(self, path: Path):
        array = read_array(path)
        self.shape, self.dtype = array.shape, array.dtype
        self._path, self._offset = path, array.offset
        self._row_size = array.dtype.itemsize * math.prod(array.shape[1:])

    def __reduce__(self) -> tuple:
        return StoredArray, (self._path.absolute(),)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key: slice | np.ndarray) -> np.ndarray:
        """Return rows as a new array: those of a slice without a step, or those of an array of integers from 0."""
        with self._path.open("rb") as file:
            if isinstance(key, slice):
                start, stop, _ = key.indices(len(self))
                return self._read(file, start, max(stop - start, 0))
            found = np.empty((len(key), *self.shape[1:]), self.dtype)
            for place, row in enumerate(key):
                found[place] = self._read(file, int(row), 1)[0]
            return found

    def _read(self, file: BufferedReader, start: int, count: int) -> np.ndarray:
        found = np.empty((count, *self.shape[1:]), self.dtype)
        file.seek(self._offset + start * self._row_size)
        if file.readinto(found.reshape(-1).view(np.uint8).data) != found.nbytes:
            raise InputError(_unreadable(self._path, "NumPy"))
        return found


def write_array(path: Path, shape: tuple[int, ...], dtype: np.dtype | type, blocks: Iterable[np.ndarray]) -> None:
    """Write the `.npy` file of an array [n, …] that comes as blocks of its rows, in their order.

    Raises
    ------
    ValueError
        If the blocks are of another shape, or have more or fewer rows.
    """
    rows = 0
    with path.open("wb") as file:
        write_header(file, dtype, shape)
        for block in blocks:
            if block.shape[1:] != shape[1:]:
                raise ValueError(f"a block of rows of the shape {block.shape[1:]} instead of {shape[1:]}")
            np.ascontiguousarray(block, dtype).tofile(file)
            rows += len(block)
    if rows != shape[0]:
        raise ValueError(f"{rows} rows instead of {shape[0]}")


def write_arrays(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write arrays by their names as an `.npz` file, dated to 1980: the same bytes each time, by any Python.

    `numpy.savez` asks for ZIP's larger sizes whether or not an array needs them, which Python notes in another way from
    3.11.4 on. Arrays are held twice meanwhile.
    """
    with zipfile.ZipFile(path, "w") as archive:
        for name, array in arrays.items():
            content = io.BytesIO()
            np.lib.format.write_array(content, np.asarray(array), allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), content.getbuffer())


def write_rows(path: Path, dtype: np.dtype | type, blocks: Iterable[np.ndarray]) -> tuple[int, ...]:
    """Write the `.npy` file of an array whose number of rows shows at the end, and return its shape.

    Raises
    ------
    ValueError
        If there is no block, or the blocks are of different shapes.
    """
    rows, shape = 0, None
    with path.open("wb") as file:
        for block in blocks:
            if shape is None:
                shape = block.shape[1:]
                write_header(file, dtype, (0, *shape))
            if block.shape[1:] != shape:
                raise ValueError(f"a block of rows of the shape {block.shape[1:]} instead of {shape}")
            np.ascontiguousarray(block, dtype).tofile(file)
            rows += len(block)
        if shape is None:
            raise ValueError("no block of rows to write")
        # NumPy leaves room in the header for the digits of the first axis, so that it can be written anew.
        file.seek(0)
        write_header(file, dtype, (rows, *shape))
    return rows, *shape


def write_header(file: BinaryIO, dtype: np.dtype | type, shape: tuple[int, ...]) -> None:
    """Write what stands before the numbers in a `.npy` file."""
    about = {"descr": np.lib.format.dtype_to_descr(np.dtype(dtype)), "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, about)


def read_table(path: Path, **options: Any) -> "pd.DataFrame":
    """Read a CSV file that an earlier stage wrote; `options` are those of `pandas.read_csv`.

    Only an empty cell is a missing value: a network may be called NA or null.

    Raises
    ------
    InputError
        If it is missing or no table.
    """
    # Half a second, a sixth of what a stage takes that reads no table.
    import pandas as pd

    try:
        return pd.read_csv(path, **{"keep_default_na": False, "na_values": [""], **options})
    except (OSError, ValueError):
        raise InputError(_unreadable(path, "CSV")) from None


def _unreadable(path: Path, form: str) -> str:
    return f"{path} is missing or is no {form} file; make it again with `dvc repro`, or delete it if it is damaged."
