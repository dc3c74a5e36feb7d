from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from autoencoders.core.errors import InputError
from stages import learning_rates


def losses() -> pd.DataFrame:
    return pd.read_csv("plots/learning_rates/photos-rates.csv", dtype={"curve": str})


def test_each_rate_has_a_curve_with_a_point_an_epoch(results, drawn):
    found = losses()
    assert list(found) == ["curve", "epoch", "loss"]
    assert found[["curve", "epoch"]].values.tolist() == [["0.1", 1], ["0.1", 2], ["0.01", 1], ["0.01", 2]]
    assert (found["loss"] > 0).all()
    assert drawn("plots/learning_rates/photos-rates") == {"losses.png"}


@pytest.mark.slow
def test_every_rate_starts_from_the_same_weights_and_sees_the_images_in_the_same_order(change):
    # A rate of next to nothing leaves the weights as they were; two that are next to equal learn alike.
    change("learning_rates.photos-rates", rates=[1e-9, 2e-9, 0.01, 0.010001], batch_size=10)
    learning_rates.main("photos-rates")
    still, also_still, one, other = (curve["loss"].to_numpy() for _, curve in losses().groupby("curve", sort=False))
    np.testing.assert_allclose(still, also_still, rtol=1e-5)
    np.testing.assert_allclose(still, still[0], rtol=1e-5)
    np.testing.assert_allclose(one, other, rtol=1e-4)
    assert not np.allclose(one, still, rtol=1e-3)


@pytest.mark.slow
def test_only_training_images_are_seen(workspace):
    before = Path("plots/learning_rates/photos-rates.csv").read_bytes()
    for split in ("validation", "test"):
        file = f"data/prepared/photos/{split}/images.npy"
        np.save(file, 255 - np.load(file))
    learning_rates.main("photos-rates")
    assert Path("plots/learning_rates/photos-rates.csv").read_bytes() == before


@pytest.mark.slow
def test_a_rate_that_diverges_ends_its_own_curve_and_not_the_others(change, drawings):
    change("learning_rates.photos-rates", rates=[1e30, 0.01])
    learning_rates.main("photos-rates")
    found = losses().set_index("curve")
    assert found.loc[["1e+30"], "loss"].isna().any()
    assert found.loc["0.01", "epoch"].tolist() == [1, 2] and np.isfinite(found.loc["0.01", "loss"]).all()
    # Ten classes: a guess at random must stay in view, however far another curve rises.
    (call,) = drawings["curves"]
    low, high = call["limits"]
    assert 0 <= low < found["loss"].min() and np.log(10) < high < 10
    assert list(call["lines"]) == ["1e+30", "0.01"]


def test_where_every_rate_diverges_the_curves_are_kept_all_the_same(change, drawn):
    change("learning_rates.photos-rates", rates=[1e30], batch_size=10)
    learning_rates.main("photos-rates")
    assert losses()["loss"].isna().any()
    assert drawn("plots/learning_rates/photos-rates") == {"losses.png"}


def test_missing_images_are_one_sentence_and_leave_what_there_was(workspace):
    before = losses()
    missing = Path("data/prepared/photos/listing.csv")
    missing.unlink()
    with pytest.raises(InputError, match=f"^{missing} is missing"):
        learning_rates.main("photos-rates")
    assert losses().equals(before)
