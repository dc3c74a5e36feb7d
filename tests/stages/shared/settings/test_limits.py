import re

import pytest
from small import ROOT

from autoencoders.core.errors import InputError
from stages.shared import parameters

# The key, its value, and the sentence.
REFUSED = [
    (
        "autoencoders.digits-strided.filters",
        [8, 8, 8],
        "autoencoders.digits-strided.filters has 3 entries, but images of 28×28 pixels cannot be halved that often; "
        "give fewer.",
    ),
    (
        "autoencoders.photos-convolutional.filters",
        [8] * 6,
        "autoencoders.photos-convolutional.filters has 6 entries, but images of 32×32 pixels cannot be halved that "
        "often; give fewer.",
    ),
    (
        "sequence.digits-rows.rows",
        28,
        "sequence.digits-rows.rows is 28, but the images have 28 rows; give 1 to 27.",
    ),
    (
        "cluster.n_clusters",
        2401,
        "cluster.n_clusters asks for 2401, more than the 2400 training images of photos; lower it, or take more "
        "images.",
    ),
    (
        "search.neighbours",
        [1, 1439],
        "search.neighbours asks for 1439, more than the 1438 training images of digits; lower it, or take more images.",
    ),
    (
        "generate.components",
        [1, 1439],
        "generate.components asks for 1439, more than the 1438 training images of digits; lower it, or take more "
        "images.",
    ),
    (
        "map.sample",
        20,
        "map.perplexity is 30, but it must be less than the 20 images of digits on a map; lower it, or raise "
        "map.sample.",
    ),
    (
        "map.perplexity",
        500,
        "map.perplexity is 500, but it must be less than the 359 images of digits on a map; lower it, or raise "
        "map.sample.",
    ),
    (
        "autoencoders.digits-deep.units",
        [64, 2],
        "embeddings.digits-deep-umap.n_components is 10, but the codes of digits-deep have 2 numbers; lower it to 2 "
        "at most.",
    ),
    (
        "embeddings.digits-deep-umap.pca",
        5,
        "embeddings.digits-deep-umap.n_components is 10, but the codes of digits-deep have 5 numbers; lower it to 5 "
        "at most.",
    ),
]


def changed(key: str, value: object) -> dict:
    values = parent = parameters.load(ROOT / "params.yaml")
    *path, last = key.split(".")
    for part in path:
        parent = parent[part]
    parent[last] = value
    return values


@pytest.mark.parametrize(("key", "value", "sentence"), REFUSED, ids=[key for key, _, _ in REFUSED])
def test_what_the_sizes_do_not_allow_is_refused_before_anything_is_trained(key, value, sentence):
    with pytest.raises(InputError, match=f"^{re.escape(sentence)}$"):
        parameters.check(changed(key, value))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("autoencoders.photos-convolutional.filters", [32, 16, 8]),
        ("autoencoders.photos-strided.filters", [8] * 5),
        ("sequence.digits-rows.rows", 27),
        ("cluster.n_clusters", 1438),
        ("search.neighbours", [1438]),
        ("generate.components", [1438]),
        ("map.sample", 31),
        ("map.perplexity", 358),
        ("autoencoders.digits-deep.units", [64, 10]),
    ],
)
def test_what_the_sizes_just_allow_is_admitted(key, value):
    parameters.check(changed(key, value))


def test_a_table_of_neighbours_has_a_size_that_one_can_read():
    values = changed("datasets.digits.source", "mnist")
    values["search"] |= {"queries": None, "neighbours": [251]}
    sentence = "search.neighbours asks for 251 of 10000 queries of digits, 5020000 lines of a table that may have 5000"
    with pytest.raises(InputError, match=f"^{sentence}"):
        parameters.check(values)
    parameters.check({**values, "search": {**values["search"], "neighbours": [250]}})
