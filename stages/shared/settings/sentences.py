"""Mistakes in `params.yaml`, as pydantic finds them, in one sentence each."""

from collections.abc import Mapping, Sequence

from stages.shared.settings.defaults import KINDS, OWN
from stages.shared.settings.fields import UnusableName
from stages.shared.settings.layers import WITH_DEFAULTS

# Groups whose settings are of several classes, and the key that tells these apart. Pydantic puts its value into an
# error's place.
TAGGED = {"datasets": "source", "autoencoders": "kind", "representations": "kind", "embeddings": "kind"}


def first_mistake(errors: Sequence[Mapping], file: str, values: Mapping) -> str:
    """Return the sentence for the mistake to correct first.

    Parameters
    ----------
    errors : sequence of mappings
        What `pydantic.ValidationError.errors` returns.
    file : str
        The name of the parameters file.
    values : mapping
        What was checked.
    """
    # A wrong kind explains what else is wrong there.
    return _sentence(min(errors, key=lambda error: error["loc"][-1:] != ("kind",)), file, values)


def _sentence(error: Mapping, file: str, values: Mapping) -> str:
    path = [str(part) for part in error["loc"]]
    if path and path[0] in TAGGED and len(path) > 2 and path[-1] != "[key]":
        # Where a reader of the file sees no key.
        del path[2]
    key, given = ".".join(path), error["input"]
    match error["type"]:
        case "extra_forbidden" if path[-2:-1] == ["optimizer_options"]:
            return f"{key} is no option of that optimizer; remove it, or give other optimizer_options there."
        case "extra_forbidden":
            return f"{file} has an unknown parameter {key}; remove it or correct its name."
        case "missing":
            return f"{file} lacks the parameter {key}; add it{_or_its_default(path, values)}."
        case "union_tag_not_found":
            return f"{file} lacks the parameter {key}.{TAGGED[path[0]]}; add it."
        case "union_tag_invalid":
            tag = TAGGED[path[0]]
            return f"{key}.{tag} is {written(given.get(tag))}; it should be one of {error['ctx']['expected_tags']}."
        case "value_error":
            message = str(error["ctx"]["error"])
            if isinstance(error["ctx"]["error"], UnusableName):
                said = f"the name {'.'.join(path[:-1])}" if path[-1] == "[key]" else f"{key}, {written(given)},"
                return f"{said} {message}."
            return f"{key}: {message}." if key else f"{message}."
        case "bool_type":
            return f"{key} is {written(given)}, but the input should be true or false."
        case "model_type" | "model_attributes_type" | "dict_type":
            return f"{key} is {written(given)}, but the input should be a mapping."
        case "string_too_short":
            return f"{key} is empty; write something there."
        case "too_short":
            return f"{key} is {written(given)}, but it needs an entry; add one."
    message = error["msg"][0].lower() + error["msg"][1:]
    for bound in ("le", "ge"):
        if isinstance(limit := error.get("ctx", {}).get(bound), float):
            # Pydantic writes 1e30 with all of its digits.
            message = f"{message.rpartition(' ')[0]} {limit:g}"
    joint = ", but the " if message.startswith("input") else ": "
    return f"{key} is {written(given)}{joint}{message}."


def _or_its_default(path: Sequence[str], values: Mapping) -> str:
    """Return where else a parameter may be given that a network or an embedding lacks."""
    if path[0] not in WITH_DEFAULTS or len(path) != 3 or path[2] in OWN:
        return ""
    kind = values[path[0]][path[1]]["kind"]
    return f", there or under defaults.{kind}" if kind in KINDS else ""


def written(value: object) -> str:
    """Return a value as YAML writes it; text in quotes."""
    constants = {None: "null", True: "true", False: "false"}
    if value is None or isinstance(value, bool):
        return constants[value]
    # Infinity and NaN have a dot.
    return repr(value).replace("inf", ".inf").replace("nan", ".nan") if isinstance(value, float) else repr(value)
