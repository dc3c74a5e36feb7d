import pandas as pd

from autoencoders.pages.summary.spreads import CLUSTERER, widened
from autoencoders.pages.summary.tables import STARRED, Summary, presented

CLUSTERING = pd.DataFrame(
    {
        "dataset": "photos",
        "representation": ["net", "net", "pixels"],
        "kind": ["autoencoder", "autoencoder", "baseline"],
        "learned": [True, True, False],
        "clustering": ["kmeans", "mixture", "kmeans"],
        "scored": "held_out",
        "accuracy": [0.5, 0.6, 0.4],
        "accuracy_std": [0.01, 0.02, 0.0],
        "ari": [0.3, 0.2, 0.1],
        "ari_std": [0.03, 0.01, 0.0],
    }
)
SPREADS = pd.DataFrame(
    {
        "representation": ["net", "net", "another"],
        "clustering": "kmeans",
        "over": ["10 seeds of net", "5 seeds of its embedding", "10 seeds of another"],
        "accuracy": [0.04, 0.05, 0.5],
        "ari": [0.02, 0.01, 0.5],
    }
)


def test_the_larger_deviation_of_each_score_is_taken_and_named():
    found = widened(CLUSTERING, SPREADS)
    assert found["accuracy_std"].tolist() == [0.05, 0.02, 0.0]
    assert found["accuracy_over"].tolist() == ["5 seeds of its embedding", CLUSTERER, CLUSTERER]
    assert found["ari_std"].tolist() == [0.03, 0.01, 0.0]
    assert set(found["ari_over"]) == {CLUSTERER}


def test_what_was_not_measured_stays_as_it_is():
    found = widened(CLUSTERING, SPREADS[:0])
    assert found[list(CLUSTERING)].equals(CLUSTERING)


def test_a_star_and_the_note_say_which_deviation_is_shown():
    nothing = [name for name in Summary._fields if name != "clustering"]
    frames = {name: pd.DataFrame({"network": [], "test accuracy": [], "dataset": [], "role": []}) for name in nothing}
    summary = Summary(clustering=widened(CLUSTERING, SPREADS), **frames)
    (table,) = presented(summary)
    assert table.columns == ["representation", "clustering", "kind", "accuracy", "ARI"]
    assert [[cell.text for cell in row[3:]] for row in table.rows] == [
        ["0.500 ± 0.050 *", "0.300 ± 0.030"],
        ["0.600 ± 0.020", "0.200 ± 0.010"],
        ["0.400 ± 0.000", "0.100 ± 0.000"],
    ]
    assert table.note.endswith(f"over seeds of the clusterer.{STARRED}")
    (table,) = presented(summary._replace(clustering=widened(CLUSTERING, SPREADS[:0])))
    assert STARRED not in table.note


def test_a_deviation_that_is_shown_as_the_same_number_gets_no_star():
    found = widened(CLUSTERING, SPREADS.assign(accuracy=0.0104, ari=0.0296))
    assert found["accuracy_std"].tolist() == [0.01, 0.02, 0.0]
    assert {*found["accuracy_over"], *found["ari_over"]} == {CLUSTERER}
