"""The response of a sigmoid and of a ReLU neuron, the activations themselves, and pooling and up-sampling."""

import numpy as np
import pandas as pd

from autoencoders import neurons
from autoencoders.pages import figures
from stages.shared import files
from stages.shared.parameters import read
from stages.shared.running import run

ACTIVATIONS = {"sigmoid": neurons.sigmoid, "relu": neurons.relu}
# The array of Figure 5.31, which shows pooling.
EXAMPLE = np.array([[1, 1], [1, 2]])


def main() -> None:
    """Read the parameters `neuron`, and no data; write the curves of responses, and figures.

    They go to `data/responses/` and `plots/neuron/`.
    """
    (neuron,) = read("neuron")
    x = np.linspace(neuron.start, neuron.stop, neuron.points)
    with files.whole(files.data("responses"), files.plots("neuron")) as (folder, plots):
        for name, activation in ACTIVATIONS.items():
            responses = {f"θ = {theta:g}": neurons.response(x, theta, activation) for theta in neuron.theta}
            curves = [pd.DataFrame({"curve": curve, "x": x, "y": y}) for curve, y in responses.items()]
            pd.concat(curves).to_csv(folder / f"{name}.csv", index=False)
            figure = figures.curves(x, responses, "x", f"{name}(θ·x)", f"A {name} neuron")
            figures.save(figure, plots / f"{name}-neuron.png")
            figures.save(figures.curves(x, {name: activation(x)}, "x", f"{name}(x)"), plots / f"{name}.png")
        pooled = neurons.max_pool(EXAMPLE)
        grids = {
            "input": EXAMPLE,
            "max-pooled": pooled,
            "pooled, up-sampled": neurons.up_sample(pooled),
            "input, up-sampled": neurons.up_sample(EXAMPLE),
        }
        figures.save(figures.number_grids(grids, "Max pooling and up-sampling, 2×2"), plots / "pooling.png")


if __name__ == "__main__":
    run(main)
