import re

import pytest

from autoencoders.pages.card import page

MANIFEST = {
    "network": "mine",
    "kind": "strided",
    "dataset": "pictures",
    "origin": "a | folder",
    "images": {"height": 24, "width": 40, "channels": 3},
    "code": {"width": 32},
    "classes": ["cat", "dog"],
    "clusters": {"by": "centres", "neighbours": None},
    "denoises": False,
    "noise": 0.0,
    "variational": False,
    "parameters": {"protocol": "held-out", "units": [32], "early_stopping": None, "validation": False},
    "metrics": {"train": {"source": "folder", "loss": 0.123}, "cluster": {"kmeans": {"silhouette": None}}},
    "largest_difference_to_keras": 1.5e-7,
}
FILES = {"encoder.onnx": {"bytes": 1_234_567}, "index.csv": {"bytes": 20}}


def card(**changes: object) -> str:
    return page.render(MANIFEST | changes, FILES, {"training": 1234, "test": 56})


def test_a_card_says_what_data_training_scores_and_files_there_are():
    found = card()
    assert "an image in colour of\n24×40 pixels into a code of 32 numbers" in found
    assert "a \\| folder. 1,234 training and 56 test images." in found
    assert "Classes: cat, dog." in found
    for row in ("| `units` | [32] |", "| `early_stopping` | null |", "| train | loss | 0.123 |"):
        assert row in found
    assert "| cluster | kmeans, silhouette | null |" in found and "| train | source" not in found
    assert "| `encoder.onnx` | 1.2 MB | graph" in found and "| `index.csv` | 0.0 kB |" in found
    assert "1.5e-07 at most" in found


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"denoises": True, "noise": 0.5}, "noise of standard deviation 0.5"),
        ({"variational": True}, "It is variational"),
        ({"classes": []}, "The images have no labels."),
        ({"clusters": {"by": "neighbours", "neighbours": 7}}, "most of its 7 nearest training images"),
        ({"parameters": {"protocol": "together"}}, "which training saw too"),
        ({"images": {"height": 8, "width": 8, "channels": 1}}, "a grey image of"),
    ],
)
def test_a_card_says_what_holds_for_some_networks_alone(changes, said):
    assert said in card(**changes)
    assert said not in card()


def test_a_card_has_no_gaps_and_every_file_of_an_export_a_description():
    found = card()
    assert not re.search(r"\n\n\n|[ \t]\n|\n\n$|\{", found)
    for row in re.findall(r"^\|.*", found, re.MULTILINE):
        assert len(re.findall(r"(?<!\\)\|", row)) == (4 if row.count("|") > 3 else 3)
