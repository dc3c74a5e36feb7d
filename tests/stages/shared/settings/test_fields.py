import math

import pytest
from small import ROOT

from autoencoders.core.errors import InputError
from stages.shared import parameters


@pytest.fixture
def values():
    return parameters.load(ROOT / "params.yaml")


def numbers(values: dict | list, path: tuple = ()) -> list[tuple]:
    """Return the paths of all numbers in a mapping of mappings, lists and values."""
    items = values.items() if isinstance(values, dict) else enumerate(values)
    found = []
    for key, value in items:
        if isinstance(value, (dict, list)):
            found += numbers(value, (*path, key))
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            found.append((*path, key))
    return found


@pytest.mark.parametrize("wrong", [math.inf, -math.inf, math.nan, "1", True, 10**400], ids=str)
def test_no_number_may_be_infinite_or_nan_or_text_or_true(values, wrong):
    # Of the two recipes the one in force is checked.
    paths = [path for path in numbers(values) if path[-1] != "chapter" and "chapter" not in path]
    assert len(paths) > 200
    for *path, last in paths:
        parent = values
        for part in path:
            parent = parent[part]
        right, parent[last] = parent[last], wrong
        with pytest.raises(InputError) as raised:
            parameters.check(values)
        parent[last] = right
        assert "\n" not in str(raised.value), path
        assert str(raised.value).startswith(".".join(map(str, path)).split(".fast")[0].rsplit(".", 1)[0]), path


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("my net", "must be of letters, digits, '-' and '_', the first a letter or a digit; correct it."),
        ("-deep", "must be of letters, digits, '-' and '_', the first a letter or a digit; correct it."),
        ("../up", "must be of letters, digits, '-' and '_', the first a letter or a digit; correct it."),
        ("a.b", "must be of letters, digits, '-' and '_', the first a letter or a digit; correct it."),
        ("b\n", "must be of letters, digits, '-' and '_', the first a letter or a digit; correct it."),
        ("b" * 101, "has 101 characters, more than 100; shorten it."),
        ("Aux", "is that of a device on Windows; write another."),
        ("com1", "is that of a device on Windows; write another."),
    ],
)
@pytest.mark.parametrize(
    "group", ["classifiers", "autoencoders", "representations", "embeddings", "cluster.clusterings"]
)
def test_a_name_that_is_no_file_name_is_refused_as_written(values, group, name, sentence):
    entries = values
    for part in group.split("."):
        entries = entries[part]
    entries[name] = next(iter(entries.values()))
    with pytest.raises(InputError) as raised:
        parameters.check(values)
    assert str(raised.value) == f"the name {group}.{name} {sentence}"


@pytest.mark.parametrize("group", ["classifiers", "autoencoders", "representations", "embeddings"])
def test_names_that_differ_by_capitals_alone_are_refused(values, group):
    name = next(iter(values[group]))
    values[group][name.upper()] = values[group][name]
    with pytest.raises(InputError, match=f"^the names {name} and {name.upper()} differ by capital letters alone;"):
        parameters.check(values)


@pytest.mark.parametrize("name", ["b" * 100, "NA", "null", "nan", "True", "007", "1e5", "no"])
def test_other_names_are_admitted_whatever_else_they_look_like(values, name):
    values["autoencoders"][name] = values["autoencoders"]["photos-simple"]
    assert name in parameters.check(values).autoencoders
