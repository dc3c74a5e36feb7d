"""The reading of `params.yaml`.

`python -m stages.shared.parameters` checks the whole file and prints one sentence for the first mistake.
"""

import re
from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError
from ruamel.yaml import YAML, YAMLError
from ruamel.yaml.constructor import DuplicateKeyError

from autoencoders.core.errors import InputError
from stages.shared.settings.fields import either
from stages.shared.settings.whole import Parameters

FILE = Path("params.yaml")
RECIPES = ("fast", "chapter")


def read(*keys: str) -> tuple:
    """Return the blocks or values of `params.yaml` that the dotted keys name, checked.

    The whole file is checked, whichever keys are asked for, so that a mistake shows at the first stage.
    Values that differ by recipe are resolved to those of the recipe in force. Each key must be declared
    under the stage's `params` in `dvc.yaml`, with its recipe where one applies.

    Raises
    ------
    InputError
        If the file is missing or no YAML, or a key is unknown, missing, of the wrong type or out of range.
    """
    parameters = check(load(FILE))
    return tuple(_find(parameters, key) for key in keys)


def check(values: object) -> Parameters:
    """Validate the content of a parameters file; see `read`."""
    if not isinstance(values, Mapping):
        raise InputError(f"{FILE} must hold a mapping of parameters; restore it with `git checkout {FILE}`.")
    _check_keys(values)
    try:
        return Parameters.model_validate(_resolve_recipe(values))
    except ValidationError as error:
        raise InputError(_sentence(error.errors()[0])) from None


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


def _resolve_recipe(values: Mapping) -> dict:
    """Replace `{fast: …, chapter: …}` in the networks' blocks by the value of the recipe in force."""
    recipe = values.get("recipe")
    if recipe not in RECIPES:
        return dict(values)
    resolved = dict(values)
    for group in ("classifiers", "autoencoders"):
        if isinstance(values.get(group), Mapping):
            resolved[group] = {
                name: {key: _of_recipe(value, recipe, f"{group}.{name}.{key}") for key, value in block.items()}
                if isinstance(block, Mapping)
                else block
                for name, block in values[group].items()
            }
    return resolved


def _of_recipe(value: object, recipe: str, key: str) -> object:
    if not isinstance(value, Mapping) or not value.keys() & set(RECIPES):
        return value
    if unknown := value.keys() - set(RECIPES):
        wrong = min(map(str, unknown))
        raise InputError(f"{key} gives a value for '{wrong}', which is no recipe; use {either(RECIPES)}.")
    if recipe not in value:
        raise InputError(f"{key} gives no value for the recipe '{recipe}'; add one, or give one value for all.")
    return value[recipe]


def _find(parameters: Parameters, key: str) -> object:
    found: object = parameters
    for part in key.split("."):
        known = dict(found)
        if part not in known:
            raise InputError(f"{FILE} has no {key}; there is {either(sorted(known))}.")
        found = known[part]
    return found


def _sentence(error: Mapping) -> str:
    """Turn one of pydantic's errors into a sentence that names the parameter."""
    path = [str(part) for part in error["loc"]]
    if path[:1] in (["autoencoders"], ["representations"], ["embeddings"]):
        # A discriminated union puts its tag after the network's name, where a reader of the file sees no key.
        del path[2:3]
    key = ".".join(path)
    given = error["input"]
    match error["type"]:
        case "extra_forbidden":
            return f"{FILE} has an unknown parameter {key}; remove it or correct its name."
        case "missing":
            return f"{FILE} lacks the parameter {key}; add it."
        case "union_tag_not_found":
            return f"{FILE} lacks the parameter {key}.kind; add it."
        case "union_tag_invalid":
            return f"{key}.kind is {written(given.get('kind'))}; it should be one of {error['ctx']['expected_tags']}."
        case "bool_type":
            return f"{key} is {written(given)}, but the input should be true or false."
        case "value_error":
            message = str(error["ctx"]["error"])
            return f"{key}: {message}." if key else f"{message}."
    message = error["msg"][0].lower() + error["msg"][1:]
    joint = ", but the " if message.startswith("input") else ": "
    return f"{key} is {written(given)}{joint}{message}."


def written(value: object) -> str:
    """Return a value as YAML writes it; text in quotes."""
    constants = {None: "null", True: "true", False: "false"}
    return constants[value] if value is None or isinstance(value, bool) else repr(value)


if __name__ == "__main__":
    from stages.shared.running import run

    run(lambda: read() and None)
