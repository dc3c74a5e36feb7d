"""What results were made with, as tables: parameters, and the versions of libraries."""

import platform
from collections.abc import Iterable, Mapping
from contextlib import suppress
from importlib import metadata

import pandas as pd


def listed(values: Mapping) -> pd.DataFrame:
    """Return a row for each parameter, nested ones by dotted keys: `parameter` and `value`."""
    return pd.DataFrame(_flat(values).items(), columns=["parameter", "value"], dtype=object)


def beside(sections: Mapping[str, Mapping]) -> pd.DataFrame:
    """Return a row for each section of parameters: its `name`, and a column for each parameter that any has."""
    return pd.DataFrame([{"name": name, **_flat(values)} for name, values in sections.items()], dtype=object)


def versions(libraries: Iterable[str]) -> pd.DataFrame:
    """Return the versions of Python and of those libraries that are installed, without importing any of them.

    Python's has no third number, by which no result differs.
    """
    found = {"Python": ".".join(platform.python_version_tuple()[:2])}
    for name in libraries:
        with suppress(metadata.PackageNotFoundError):
            found[name] = metadata.version(name)
    return pd.DataFrame(found.items(), columns=["package", "version"])


def _flat(values: Mapping, prefix: str = "") -> dict[str, object]:
    found: dict[str, object] = {}
    for key, value in values.items():
        if isinstance(value, Mapping) and value:
            found |= _flat(value, f"{prefix}{key}.")
        else:
            found[prefix + key] = _written(value)
    return found


def _written(value: object) -> object:
    """Return numbers and truth values as they are, whatever else as text; null is a value like others."""
    if isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value))
    return "null" if value is None else "none" if value == {} else str(value)
