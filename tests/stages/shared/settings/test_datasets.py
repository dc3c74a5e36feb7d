"""The user's own data sets in `params.yaml`: what is admitted, and the sentence for each mistake."""

import re

import pytest
from small import ROOT

from autoencoders.core.errors import InputError
from stages.shared import parameters
from stages.shared.settings import sizes

EXAMPLE = ROOT / "examples/own-images/params.yaml"
COMMON = {"path": "somewhere", "limit": None, "test_share": 0.2, "validation_share": 0.2, "seed": 0}
FORM = {"size": [32, 32], "fit": "pad", "colour": "rgb"}
PICTURES = {**COMMON, **FORM, "unreadable": "stop", "max_pixels": 10**8}
SOURCES = {
    "folder": {**PICTURES, "source": "folder", "labels": "folders"},
    "table": {**PICTURES, "source": "table", "table": "pictures.csv", "labels": "column"},
    "arrays": {**COMMON, **FORM, "source": "arrays", "labels": "stored", "range": [0, 1]},
    "idx": {**COMMON, **FORM, "source": "idx", "labels": "none", "colour": "grey", "transposed": True},
}


@pytest.fixture
def values():
    return parameters.load(EXAMPLE)


def check(values: dict, **changes: object):
    values["datasets"]["mine"] |= changes
    return parameters.check(values)


def test_the_example_is_short_and_valid(values):
    assert len(EXAMPLE.read_text(encoding="utf-8").splitlines()) <= 60
    parameters.check(values)


@pytest.mark.parametrize("source", SOURCES)
def test_every_source_takes_its_parameters_and_no_other(values, source):
    values["datasets"] = {"mine": dict(SOURCES[source])}
    if source == "idx":
        values["autoencoders"]["mine-strided"]["colour"] = values["representations"]["mine-pca"]["colour"] = "grey"
    assert parameters.check(values).datasets["mine"].own
    for key in [key for key in SOURCES[source] if key != "source"]:
        lacking = {name: value for name, value in SOURCES[source].items() if name != key}
        with pytest.raises(InputError, match=f"^params.yaml lacks the parameter datasets.mine.{key}; add it.$"):
            parameters.check({**values, "datasets": {"mine": lacking}})
    with pytest.raises(InputError, match="^params.yaml has an unknown parameter datasets.mine.crops; remove it"):
        check(values, crops=5)


@pytest.mark.parametrize(
    ("source", "changes", "sentence"),
    [
        ("folder", {"size": [32]}, "datasets.mine.size is [32], but"),
        ("folder", {"size": [0, 32]}, "datasets.mine.size.0 is 0, but the input should be greater than or equal to 1."),
        ("folder", {"fit": "cut"}, "datasets.mine.fit is 'cut', but the input should be 'crop', 'pad' or 'stretch'."),
        ("folder", {"labels": "column"}, "datasets.mine.labels is 'column', but the input should be 'folders' or"),
        ("folder", {"max_pixels": 10**9}, "datasets.mine.max_pixels is 1000000000, but the input should be less than"),
        ("folder", {"path": "a\0b"}, "datasets.mine.path is"),
        ("arrays", {"range": [1, 0]}, "datasets.mine.range: the first must be below the second."),
        ("arrays", {"range": [0, float("inf")]}, "datasets.mine.range.1 is .inf, but the input should be a finite"),
        ("idx", {"colour": "rgb"}, "datasets.mine: colour must be grey for the source idx, whose images have one"),
    ],
)
def test_a_mistake_is_one_sentence(values, source, changes, sentence):
    values["datasets"] = {"mine": dict(SOURCES[source])}
    with pytest.raises(InputError, match=f"^{re.escape(sentence)}"):
        check(values, **changes)


def test_a_missing_or_unknown_source_is_one_sentence(values):
    del values["datasets"]["mine"]["source"]
    with pytest.raises(InputError, match=r"^params.yaml lacks the parameter datasets\.mine\.source; add it\.$"):
        parameters.check(values)
    with pytest.raises(InputError, match=r"^datasets\.mine\.source is 'web'; it should be one of 'bundled_photos', "):
        check(values, source="web")


def test_sizes_are_checked_where_they_are_named_and_left_to_the_stages_elsewhere(values):
    for size in ([24, 40], [64, 8]):
        check(values, size=size)
    sentence = "autoencoders.mine-strided.filters has 3 entries, but images of 32×36 pixels cannot be halved that often"
    with pytest.raises(InputError, match=f"^{sentence}; give fewer.$"):
        check(values, size=[32, 36])
    assert check(values, size=None).datasets["mine"].image_size is None
    # How many there are shows in the folder.
    assert sizes.counts(check(values, limit=None).datasets["mine"]).train > 10**9


def test_a_grey_data_set_has_no_colours_to_give(values):
    sentence = "autoencoders.mine-strided.colour is 'rgb', but the images of mine are grey; write 'grey'."
    with pytest.raises(InputError, match=f"^{re.escape(sentence)}$"):
        check(values, colour="grey")


@pytest.mark.parametrize("group", ["classifiers", "learning_rates"])
def test_what_learns_classes_needs_labels(values, group):
    whole = parameters.load(ROOT / "params.yaml")
    (name, block), *_ = whole[group].items()
    values["defaults"]["classifier"] = whole["defaults"]["classifier"]
    values[group] = {name: {**block, "dataset": "mine"}}
    sentence = f"{group}.{name}.dataset is 'mine', which has no labels to learn; remove {group}.{name}, or name where"
    with pytest.raises(InputError, match=f"^{sentence} the labels are.$"):
        parameters.check(values)
    check(values, labels="folders")


def test_every_mapping_may_be_empty_but_data_sets_autoencoders_and_clusterings(values):
    for key in ("neuron", "classifiers", "learning_rates", "sequence", "representations", "embeddings"):
        values[key] = {}
    values["generate"]["networks"] = values["generate"]["unjudged"] = values["denoise"]["networks"] = {}
    parameters.check(values)
    for key in ("datasets", "autoencoders"):
        with pytest.raises(InputError, match=f"^{key} is {{}}, but it needs an entry; add one.$"):
            parameters.check({**values, key: {}})
