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


def main(name: str) -> None:
    """Read the parameters `neuron.<name>`, and no data; write the curves of responses, and figures.

    The curves go to `plots/neuron/<name>.sigmoid.csv` and `….relu.csv`, the figures to `plots/neuron/<name>/`.
    """
    (neuron,) = read(f"neuron.{name}")
    x = np.linspace(neuron.start, neuron.stop, neuron.points)
    tables = {activation: files.plots("neuron", f"{name}.{activation}.csv") for activation in ACTIVATIONS}
    with files.whole(files.plots("neuron", name), *tables.values()) as (plots, *written):
        for (kind, activation), table in zip(ACTIVATIONS.items(), written, strict=True):
            responses = {f"θ = {theta:g}": neurons.response(x, theta, activation) for theta in neuron.theta}
            curves = [pd.DataFrame({"curve": curve, "x": x, "y": y}) for curve, y in responses.items()]
            pd.concat(curves).to_csv(table, index=False)
            figure = figures.curves(x, responses, "x", f"{kind}(θ·x)", f"A {kind} neuron")
            figures.save(figure, plots / f"{kind}-neuron.png")
            figures.save(figures.curves(x, {kind: activation(x)}, "x", f"{kind}(x)"), plots / f"{kind}.png")
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
