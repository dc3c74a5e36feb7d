"""The reading of `params.yaml`.

`python -m stages.shared.parameters` checks the whole file and prints one sentence for the first mistake.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from ruamel.yaml import YAML, YAMLError
from ruamel.yaml.constructor import DuplicateKeyError

from autoencoders.core.errors import InputError
from stages.shared.settings.fields import either
from stages.shared.settings.layers import of_recipe, with_defaults
from stages.shared.settings.sentences import first_mistake, written
from stages.shared.settings.whole import Parameters

FILE = Path("params.yaml")


def read(*keys: str) -> tuple:
    """Return the settings or values of `params.yaml` that the dotted keys name, checked.

    The whole file is checked, whichever keys are asked for, so that a mistake shows at the first stage. Networks and
    embeddings come with the defaults of their kind, and values that differ by recipe as those of the recipe in force.
    Each key must be declared under the stage's `params` in `dvc.yaml`, with its defaults and recipe where these apply,
    or in `SHARED` of `stages/fingerprints.py` where all runs of the stage share it.

    Raises
    ------
    InputError
        If the file is missing or no YAML, or a key is unknown, missing, of the wrong type or out of range.
    """
    parameters = whole()
    return tuple(_find(parameters, key) for key in keys)


def whole() -> Parameters:
    """Return all of `params.yaml`, checked; see `read`."""
    return check(load(FILE))


def check(values: object) -> Parameters:
    """Validate the content of a parameters file; see `read`."""
    if not isinstance(values, Mapping):
        raise InputError(f"{FILE} must hold a mapping of parameters; restore it with `git checkout {FILE}`.")
    _check_keys(values)
    resolved = with_defaults(of_recipe(values))
    try:
        return Parameters.model_validate(resolved)
    except ValidationError as error:
        raise InputError(first_mistake(error.errors(), str(FILE), resolved)) from None


def load(file: Path) -> object:
    """Return the content of a YAML file as DVC reads it, by the same parser: YAML 1.2, each key once.

    Raises
    ------
    InputError
        If it is missing or no YAML.
    """
    try:
        return YAML(typ="safe").load(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{file} is missing; run from the root of the repository.") from None
    except DuplicateKeyError as error:
        (key,) = re.findall(r'found duplicate key "(.*)" with value', error.problem, re.DOTALL)
        raise InputError(f"{file} gives {key} again at line {error.problem_mark.line + 1}; remove one.") from None
    # A ValueError: bytes that are no UTF-8, or what looks like a date that there is not.
    except (YAMLError, ValueError) as error:
        where = getattr(error, "problem_mark", None)
        line = f" at line {where.line + 1}" if where else ""
        raise InputError(f"{file} is not valid YAML{line}; correct it there.") from None


def _check_keys(values: Mapping, path: str = "") -> None:
    """Refuse keys that YAML does not read as text."""
    for key, value in values.items():
        if not isinstance(key, str):
            where = f"under {path}" if path else f"in {FILE}"
            raise InputError(f"the key {written(key)} {where} is no text; write it in quotes, or another.")
        if isinstance(value, Mapping):
            _check_keys(value, f"{path}.{key}" if path else key)


def _find(parameters: Parameters, key: str) -> object:
    found: Any = parameters
    for part in key.split("."):
        known = dict(found)
        if part not in known:
            raise InputError(f"{FILE} has no {key}; there is {either(sorted(known))}.")
        found = known[part]
    return found


def main() -> None:
    """Check the whole file."""
    read()


if __name__ == "__main__":
    from stages.shared.running import run

    run(main)
