import json
import re
import subprocess
import sys
from copy import deepcopy
from functools import reduce
from operator import getitem
from pathlib import Path

import pytest
from dvc.utils.hydra import apply_overrides
from dvc.utils.serialize import load_yaml
from small import ROOT

from autoencoders.core.errors import InputError
from stages.shared import parameters
from stages.shared.settings.defaults import KINDS
from stages.shared.settings.layers import RECIPES


@pytest.fixture
def values():
    return parameters.load(ROOT / "params.yaml")


@pytest.fixture
def written(tmp_path, monkeypatch):
    """A function that makes a text the `params.yaml` of the working folder."""
    monkeypatch.chdir(tmp_path)
    return lambda text: Path("params.yaml").write_text(text, encoding="utf-8")


def put(values: dict, key: str, value: object) -> dict:
    *path, last = key.split(".")
    for part in path:
        values = values[part]
    values[last] = value
    return values


def test_the_repositorys_own_parameters_are_valid_for_both_recipes(values):
    for recipe in RECIPES:
        parameters.check({**values, "recipe": recipe})


def test_the_repositorys_own_parameters_are_read_as_dvc_reads_them(values):
    assert values == load_yaml(str(ROOT / "params.yaml"))


def test_a_network_says_what_users_change_and_what_is_its_own_and_no_more(values):
    for group in ("classifiers", "autoencoders"):
        for name, network in values[group].items():
            default = values["defaults"][network["kind"]]
            assert {"kind", "dataset", "learning_rate", "epochs"} <= network.keys(), name
            assert network.keys() & {"units", "filters"}, name
            assert [key for key in network if default.get(key, ...) == network[key]] == [], name


def test_a_network_is_laid_over_the_defaults_of_its_kind(values):
    default = put(values, "defaults.dense.noise", 0.25)
    simple, deep = (parameters.check(values).autoencoders[name] for name in ("photos-simple", "digits-deep"))
    assert (simple.noise, deep.noise) == (0.25, 0.25)
    assert simple.code_activation == default["code_activation"] != deep.code_activation
    put(values, "autoencoders.photos-simple.noise", 0)
    networks = parameters.check(values).autoencoders
    assert [networks[name].noise for name in ("photos-simple", "digits-deep", "digits-convolutional")] == [0, 0.25, 0]


def test_a_mapping_of_a_network_replaces_the_default_one(values):
    put(values, "defaults.strided.optimizer_options", {"beta_1": 0.8})
    put(values, "autoencoders.digits-strided.optimizer_options", {"beta_2": 0.9})
    assert parameters.check(values).autoencoders["digits-strided"].optimizer_options == {"beta_2": 0.9}


def test_defaults_differ_by_recipe_as_networks_do(values):
    put(values, "defaults.dense.warmup", {"fast": 0.2, "chapter": 0.3})
    put(values, "autoencoders.photos-simple.warmup", 0.1)
    for recipe, warmup in (("fast", 0.2), ("chapter", 0.3)):
        networks = parameters.check({**values, "recipe": recipe}).autoencoders
        assert (networks["photos-simple"].warmup, networks["photos-multilayer"].warmup) == (0.1, warmup)


def test_an_embedding_is_laid_over_the_defaults_of_its_kind(values):
    put(values, "defaults.spectral.diffusion", 2)
    embeddings = parameters.check(values).embeddings
    assert [embeddings[f"{name}-spectral"].diffusion for name in ("photos-pixels", "digits-patches")] == [2, 1]


def test_the_recipe_chooses_among_a_networks_values(values):
    epochs = {
        recipe: parameters.check({**values, "recipe": recipe}).autoencoders["photos-simple"].epochs
        for recipe in RECIPES
    }
    assert epochs["chapter"] == 100
    assert epochs["fast"] < 100


def test_a_single_value_holds_for_every_recipe(values):
    put(values, "autoencoders.photos-simple.epochs", 7)
    for recipe in RECIPES:
        assert parameters.check({**values, "recipe": recipe}).autoencoders["photos-simple"].epochs == 7


def test_a_missing_parameter_is_named(values):
    del values["autoencoders"]["digits-convolutional"]["filters"]
    with pytest.raises(InputError, match=r"lacks the parameter autoencoders\.digits-convolutional\.filters"):
        parameters.check(values)
    del values["autoencoders"]["photos-simple"]["kind"]
    with pytest.raises(InputError, match=r"lacks the parameter autoencoders\.photos-simple\.kind; add it\.$"):
        parameters.check(values)
    del values["classifiers"]["digits-classifier"]["kind"]
    with pytest.raises(InputError, match=r"lacks the parameter classifiers\.digits-classifier\.kind; add it\.$"):
        parameters.check(values)


def test_of_a_parameter_that_neither_a_network_nor_its_defaults_give_both_places_are_named(values):
    del values["defaults"]["dense"]["activation"]
    sentence = "params.yaml lacks the parameter autoencoders.photos-simple.activation; add it, there or under "
    with pytest.raises(InputError, match=f"^{re.escape(sentence)}defaults.dense.$"):
        parameters.check(values)


def test_missing_defaults_are_named(values):
    del values["defaults"]["umap"]
    lacks = (
        r"^params.yaml lacks the parameter embeddings\.digits-deep-umap\.\w+; add it, there or under defaults\.umap\.$"
    )
    with pytest.raises(InputError, match=lacks):
        parameters.check(values)
    # DVC would not find what the graph names.
    del values["embeddings"]["digits-deep-umap"]
    parameters.check(values)
    whole = {**values["defaults"]["classifier"], **values["classifiers"]["digits-classifier"]}
    values["classifiers"] = {"digits-classifier": whole}
    values["learning_rates"] = {}
    del values["defaults"]["classifier"]
    values["recipe"] = "fast"
    lacks = "^defaults has no classifier, the kind of classifiers.digits-classifier; add it, if only as `{}`.$"
    with pytest.raises(InputError, match=lacks):
        parameters.check(values)
    del values["defaults"]
    with pytest.raises(InputError, match=r"^params.yaml lacks the parameter defaults; add it\.$"):
        parameters.check(values)


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_has_defaults_that_hold_for_a_whole_network(kind, values):
    own = {"kind", "dataset", "of", "learning_rate", "epochs", "batch_size", "units", "filters"}
    own |= {"n_components", "n_neighbors"} if kind == "umap" else set()
    assert KINDS[kind].model_fields.keys() - values["defaults"][kind].keys() <= own


def test_a_network_named_as_that_of_another_stage_is_refused(values):
    values["autoencoders"]["digits-rows"] = values["autoencoders"]["photos-simple"]
    with pytest.raises(InputError, match="^digits-rows stands under both autoencoders and sequence; rename one of"):
        parameters.check(values)


def test_an_added_network_of_a_known_kind_is_one_block(values):
    values["autoencoders"]["photos-tiny"] = {**values["autoencoders"]["photos-simple"], "units": [64, 8]}
    assert parameters.check(values).autoencoders["photos-tiny"].units == [64, 8]


@pytest.mark.parametrize(
    ("one", "other", "name"),
    [
        ("classifiers", "autoencoders", "photos-simple"),
        ("autoencoders", "representations", "digits-pca"),
        ("autoencoders", "embeddings", "digits-pixels-spectral"),
        ("representations", "embeddings", "digits-pixels-spectral"),
    ],
)
def test_two_things_whose_outputs_would_have_the_same_name_are_refused(values, one, other, name):
    values[one][name] = next(iter(values[one].values()))
    with pytest.raises(InputError, match=f"^{name} stands under both {one} and {other}; rename one of them.$"):
        parameters.check(values)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("recipe: [", "params.yaml is not valid YAML at line"),
        ("", "params.yaml must hold a mapping"),
        (None, "params.yaml is missing"),
    ],
)
def test_an_unreadable_file_is_named(written, text, sentence):
    if text is not None:
        written(text)
    with pytest.raises(InputError, match=sentence):
        parameters.read("recipe")


def test_a_file_is_read_by_the_grammar_of_dvc(written):
    text = "a: 1e-7\nb: no\nc: 0300\nd: on\ne: 0o17\nf: 12:30:45\ng: ~\nh: yes\nno: [y, n]\n"
    written(text)
    expected = {"a": 1e-7, "b": "no", "c": 300, "d": "on", "e": 15, "f": "12:30:45", "g": None, "h": "yes"}
    assert parameters.load(parameters.FILE) == load_yaml("params.yaml") == expected | {"no": ["y", "n"]}


def test_a_network_may_be_called_no(values, written):
    text = (ROOT / "params.yaml").read_text(encoding="utf-8")
    written(text.replace("\n  photos-simple: ", "\n  no:  "))
    assert "no" in parameters.read("autoencoders")[0]
    written(text.replace("\n  photos-simple: ", "\n  no:  ").replace("units: [256]", "units: [0]"))
    with pytest.raises(InputError, match=r"^autoencoders\.no\.units\.0 is 0, "):
        parameters.read()


@pytest.mark.parametrize("key", ["true", "null", "12", "1.5"])
def test_a_key_that_is_no_text_is_refused_as_written(written, key):
    text = (ROOT / "params.yaml").read_text(encoding="utf-8")
    written(text.replace("\n  photos-simple: ", f"\n  {key}:  "))
    sentence = f"the key {key} under autoencoders is no text; write it in quotes, or another."
    with pytest.raises(InputError, match=f"^{re.escape(sentence)}$"):
        parameters.read()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("recipe: fast\na: 1\nrecipe: chapter\n", "params.yaml gives recipe again at line 3; remove one."),
        ("a:\n  b: {c: 1, d: 2, c: 1}\n", "params.yaml gives c again at line 2; remove one."),
    ],
)
def test_a_key_given_twice_is_named_with_its_line(written, text, sentence):
    written(text)
    with pytest.raises(InputError, match=f"^{re.escape(sentence)}$"):
        parameters.read()


@pytest.mark.parametrize(
    "text", ["a: 2020-99-99\n", "a: !!int x\n", "a: *b\n", "a: \x01\n", "{a: b}: 1\n", "a: !b 1\n"]
)
def test_what_yaml_cannot_read_is_one_sentence(written, text):
    written(text)
    with pytest.raises(InputError, match="^params.yaml is not valid YAML( at line 1)?; correct it there.$"):
        parameters.read()


# Mappings to which users add and from which they take away; the commands that the README and `docs/` print.
@pytest.mark.parametrize(
    "overrides",
    [
        ("datasets.photos.source=cifar10", "datasets.digits.source=mnist", "recipe=chapter"),
        ("protocol=together", "datasets.digits.limit=null", "datasets.digits.deskew=true"),
        ("representations.digits-patches.seed=1", "representations.photos-patch-autoencoder.seed=1"),
        ("autoencoders.photos-convolutional.epochs=3",),
        ("autoencoders.digits-simple.units=[32]", "cluster.n_clusters=20"),
        ("autoencoders.digits-denoising.noise=0.4",),
        ("defaults.dense.seed=1", "+autoencoders.photos-simple.seed=2"),
    ],
)
def test_overrides_by_dvc_change_what_they_name_and_no_comment(written, values, overrides):
    text = (ROOT / "params.yaml").read_text(encoding="utf-8")
    written(text)
    apply_overrides("params.yaml", list(overrides))
    for override in overrides:
        key, value = override.removeprefix("+").split("=")
        put(values, key, json.loads(value) if value[0] in "0123456789[ntf" and value != "together" else value)
    assert parameters.load(parameters.FILE) == values
    parameters.read()
    comments = [line.partition("# ")[2] for line in text.splitlines() if "# " in line]
    after = Path("params.yaml").read_text(encoding="utf-8")
    assert [line.partition("# ")[2] for line in after.splitlines() if "# " in line] == comments


OWN = parameters.load(ROOT / "params.yaml")


def mappings(values: dict, path: str = "") -> list[str]:
    """Return the dotted keys of all mappings within one."""
    inner = {f"{path}{key}": value for key, value in values.items() if isinstance(value, dict)}
    return [found for key, value in inner.items() for found in (key, *mappings(value, f"{key}."))]


def emptied(key: str) -> dict:
    """Return the repository's parameters with a mapping emptied, given its dotted key."""
    values = deepcopy(OWN)
    reduce(getitem, key.split("."), values).clear()
    if key == "representations":
        embeddings = values["embeddings"].items()
        values["embeddings"] = {name: each for name, each in embeddings if each["of"] in values["autoencoders"]}
    return values


def may_be_empty(key: str) -> bool:
    try:
        parameters.check(emptied(key))
    except InputError:
        return False
    return True


# What a user may take the last entry from.
EMPTY = [key for key in mappings(OWN) if may_be_empty(key)]


def test_the_mappings_that_may_be_empty_are_those_that_users_fill():
    assert {"representations", "embeddings", "generate.networks", "denoise.networks"} < set(EMPTY)
    assert {key.rpartition(".")[2] for key in EMPTY if ".networks" not in key and "." in key} <= {
        "optimizer_options",
        "fast",
        "chapter",
        "unjudged",
    }


@pytest.mark.parametrize("key", [*EMPTY, "cluster.clusterings"])
def test_overrides_by_dvc_that_empty_a_mapping_leave_a_file_that_can_be_read(written, values, key):
    written((ROOT / "params.yaml").read_text(encoding="utf-8"))
    mapping = reduce(getitem, key.split("."), values)
    apply_overrides("params.yaml", [f"~{key}.{name}" for name in mapping])
    mapping.clear()
    assert parameters.load(parameters.FILE) == values


def test_the_check_of_the_file_imports_nothing_slow():
    code = "import sys; from stages.shared.parameters import main; main(); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert not {"numpy", "pandas", "tensorflow", "keras", "dvc", "yaml"} & set(done.stdout.split())


def test_an_unknown_network_lists_those_there_are(monkeypatch):
    monkeypatch.chdir(ROOT)
    with pytest.raises(InputError, match="no classifiers.mine; there is 'digits-classifier', 'photos-classifier'"):
        parameters.read("classifiers.mine")
