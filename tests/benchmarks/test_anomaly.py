import json

import numpy as np
import pytest
from small import ROOT

from benchmarks import anomaly

FOUND = json.loads(anomaly.FILE.read_text(encoding="utf-8"))


def seen(random: np.random.Generator) -> anomaly.Seen:
    """Digits of three classes, each of its own brightness."""
    labels, test_labels = np.repeat([0, 1, 2], 6), np.repeat([0, 1, 2], 4)
    training, test = (
        (80 * each[:, None, None, None] + random.integers(0, 20, (len(each), 8, 8, 1))).astype(np.uint8)
        for each in (labels, test_labels)
    )
    return anomaly.Seen(training, labels, test, test_labels, random.integers(0, 256, (4, 8, 8, 1), np.uint8), {})


def test_the_nearest_pixels_are_those_of_each_class():
    given = seen(np.random.default_rng(0))
    found = anomaly.pixel_distances(given, given.patches)
    for row, patch in enumerate(given.patches):
        apart = np.sqrt(np.square((given.training - patch.astype(float)) / 255).sum(axis=(1, 2, 3)))
        np.testing.assert_allclose(found[row], [apart[given.labels == each].min() for each in range(3)], rtol=1e-4)


def test_a_network_is_trained_and_judged_without_the_class(monkeypatch):
    given, asked = seen(np.random.default_rng(0)), []

    class Mean:
        """A codec whose code is an image's mean and whose reconstruction is black."""

        def __init__(self, folder):
            pass

        def encode(self, images):
            return images.mean(axis=(1, 2, 3), dtype=np.float32)[:, None] / 255

        def reconstruct(self, images):
            return np.zeros(images.shape, np.float32)

    monkeypatch.setattr(anomaly, "Codec", Mean)
    monkeypatch.setattr(anomaly, "trained", lambda images, block, folder: asked.append(images))
    apart = {
        "digits": anomaly.pixel_distances(given, given.test),
        "patches": anomaly.pixel_distances(given, given.patches),
    }
    without = anomaly.measured(given, {"colour": "grey"}, apart, 0)
    assert np.array_equal(asked[0], given.training[given.labels != 0])
    # The class left out is the darkest: far from the others, and nearest to black.
    assert (without["codes"], without["pixels"], without["reconstruction"]) == (1, 1, 0)
    assert without["curves"]["codes"][0] == 1 and len(without["curves"]["pixels"]) == 101
    photographs = anomaly.measured(given, {"colour": "grey"}, apart, None)
    assert len(asked[1]) == len(given.training) and photographs["pixels"] == 1


@pytest.mark.slow
def test_a_quick_run_writes_figures_and_what_is_missing_alone_again(monkeypatch, tmp_path, capsys):
    output = tmp_path / "anomaly.json"
    monkeypatch.setattr(anomaly, "QUICK_CLASSES", 1)
    assert anomaly.main(["digits-simple", "--quick", "--output", str(output)]) == 0
    found = json.loads(output.read_text(encoding="utf-8"))["digits-simple"]
    assert list(found["left_out"]) == ["0"] and (tmp_path / "anomaly.png").is_file()
    for entry in (found["photographs"], found["left_out"]["0"]):
        assert all(0 <= entry[score] <= 1 for score in anomaly.SCORES)
    assert "| digit 0 | " in capsys.readouterr().out
    monkeypatch.setattr(anomaly, "measured", None)
    assert anomaly.main(["digits-simple", "--quick", "--missing", "--output", str(output)]) == 0


def test_a_network_that_is_none_of_digits_is_named(capsys):
    with pytest.raises(SystemExit):
        anomaly.main(["photos-simple", "--quick"])
    assert "there is no autoencoder photos-simple of digits" in capsys.readouterr().err


def test_the_document_shows_the_figures():
    document = (ROOT / "docs/anomaly.md").read_text(encoding="utf-8")
    assert anomaly.with_tables(document, FOUND) == document
    assert anomaly.text(FOUND) == anomaly.FILE.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", FOUND)
def test_an_export_with_an_index_takes_the_score_that_wins(name):
    """`tests/stages/test_export.py` asserts that it takes the index."""
    assert anomaly.winner(FOUND[name]) == "index"
