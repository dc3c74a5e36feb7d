import numpy as np
import pandas as pd
import pytest

from stages import neuron

THETAS = [1, 5, 0.2]


def table(name: str) -> pd.DataFrame:
    return pd.read_csv(f"plots/neuron/curves.{name}.csv")


@pytest.mark.parametrize("name", ["sigmoid", "relu"])
def test_each_theta_has_a_curve_of_100_points_from_minus_5_to_5(results, name):
    found = table(name)
    assert list(found) == ["curve", "x", "y"]
    assert list(found["curve"].unique()) == ["θ = 1", "θ = 5", "θ = 0.2"]
    for _, curve in found.groupby("curve"):
        assert len(curve) == 100
        np.testing.assert_allclose(curve["x"], [-5 + 10 * step / 99 for step in range(100)], atol=1e-12)


def test_the_curves_are_the_neurons_responses(results):
    for theta, (_, curve) in zip(THETAS, table("sigmoid").groupby("curve", sort=False), strict=True):
        np.testing.assert_allclose(curve["y"], 1 / (1 + np.exp(-theta * curve["x"])), rtol=1e-12)
    for theta, (_, curve) in zip(THETAS, table("relu").groupby("curve", sort=False), strict=True):
        assert (curve["y"][curve["x"] < 0] == 0).all()
        ramp = curve[curve["x"] > 0]
        np.testing.assert_allclose(ramp["y"], theta * ramp["x"], rtol=1e-12)


def test_all_figures_are_drawn(results, drawn):
    assert drawn("plots/neuron/curves") == {
        "sigmoid-neuron.png",
        "sigmoid.png",
        "relu-neuron.png",
        "relu.png",
        "pooling.png",
    }


def test_the_curves_follow_the_parameters_and_pooling_stays_the_books_example(change, drawings):
    change("neuron.curves", theta=[-2.5], points=3, start=0, stop=4)
    neuron.main("curves")
    for name, responses in (("sigmoid", 1 / (1 + np.exp([0, 5, 10]))), ("relu", [0, 0, 0])):
        found = table(name)
        assert found["curve"].tolist() == ["θ = -2.5"] * 3 and found["x"].tolist() == [0, 2, 4]
        np.testing.assert_allclose(found["y"], responses, rtol=1e-12)
    (grids,) = (call["grids"] for call in drawings["number_grids"])
    assert [grid.tolist() for grid in grids.values()] == [
        [[1, 1], [1, 2]],
        [[2]],
        [[2, 2], [2, 2]],
        [[1, 1, 1, 1], [1, 1, 1, 1], [1, 1, 2, 2], [1, 1, 2, 2]],
    ]
