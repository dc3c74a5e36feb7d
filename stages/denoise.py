"""How well a denoising autoencoder restores images at several noise levels, beside filters that learn nothing."""

from functools import partial

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from autoencoders.core.errors import InputError
from autoencoders.core.sampling import sample, varied
from autoencoders.inference.codec import Codec
from autoencoders.pages import figures
from autoencoders.pages.summary.texts import words
from autoencoders.uses import denoising
from stages.shared import files, prepared
from stages.shared.parameters import read
from stages.shared.running import run

SCORES = ("psnr", "ssim")


def main(name: str) -> None:
    """Read `models/<name>/` and `data/prepared/<dataset>/`; write scores by noise level and method, and figures.

    They go to `data/denoised/<name>/`, `plots/denoise/<name>/` and `metrics/denoise/<name>.json`.

    Raises
    ------
    InputError
        If `denoise.networks` does not name the network, or a file is missing or damaged.
    """
    (denoise,) = read("denoise")
    if name not in denoise.networks:
        raise InputError(f"params.yaml has no denoise.networks.{name}; there is {', '.join(denoise.networks)}.")
    network = prepared.trained(name)
    described = prepared.describe(network.dataset)
    images = prepared.images(network.dataset, "test")
    rows = sample(len(images), denoise.images, denoise.seed)
    labels = prepared.labels(network.dataset, "test")
    training = prepared.images(network.dataset, "train")
    training = training[sample(len(training), denoise.tuning, denoise.seed)]
    codec, prepare = Codec(files.models(name)), prepared.image_preparation(network)
    clean, tuning = prepare(images[rows]), prepare(training)

    own = network.noise
    levels = sorted({*denoise.levels, own})
    filters = {level: _filters(tuning, level, denoise) for level in levels}
    methods = {
        level: {"noisy": lambda worse: worse, "network": codec.restore}
        | {method: function for method, (_, function) in filters[level].items()}
        for level in levels
    }
    found = {level: denoising.compare(clean, methods[level], level, denoise.seed) for level in levels}

    folders = files.data("denoised", name), files.plots("denoise", name), files.metrics("denoise", f"{name}.json")
    with files.whole(*folders) as (folder, plots, metrics):
        scores = {f"{method}_{score}": values[score] for method, values in found[own].items() for score in SCORES}
        files.write_json(metrics, {"source": described["source"], "noise": own, **scores})
        table = pd.DataFrame(
            {"noise": level, "method": method, "setting": filters[level].get(method, (None,))[0], **values}
            for level, of_level in found.items()
            for method, values in of_level.items()
        )
        table.to_csv(folder / "scores.csv", index=False, float_format="%.6g")
        title = f"{name}, trained at noise {own:g}, and filters: {len(clean)} test images"
        figures.save(_curves(table, title), plots / "levels.png")
        shown = clean[varied(None if labels is None else labels[rows], denoise.shown, len(clean))]
        worse = np.concatenate([noisy for _, noisy in denoising.noisy(shown, own, denoise.seed)])
        restored = {
            f"{words(method)}\n{found[own][method]['psnr']:.1f} dB": function(worse)
            for method, function in methods[own].items()
        }
        title = f"{name}: noise of standard deviation {own:g}, and the mean PSNR of {len(clean)} test images"
        figures.save(figures.image_rows({**restored, "clean": shown}, title=title), plots / "restored.png")


def _filters(tuning: np.ndarray, noise: float, denoise) -> dict[str, tuple[float, denoising.Method]]:
    """Return each filter at the setting that restores training images best: its name, the setting and the filter."""
    deviation = denoising.deviation(tuning, noise, denoise.seed)
    patches = denoise.nlm.model_dump(include={"patch_size", "patch_distance"})
    choices = {
        "median": {size: partial(denoising.median, size=size) for size in denoise.median_size},
        "nlm": {h: partial(denoising.non_local_means, noise=deviation, h=h, **patches) for h in denoise.nlm.h},
    }
    best = {name: denoising.best(tuning, settings, noise, denoise.seed) for name, settings in choices.items()}
    return {name: (setting, choices[name][setting]) for name, setting in best.items()}


def _curves(table: pd.DataFrame, title: str) -> Figure:
    """Draw the PSNR and the SSIM of each method against the noise level."""
    levels = table["noise"].unique().tolist()
    curves = {
        ylabel: {words(method): part[score] for method, part in table.groupby("method", sort=False)}
        for ylabel, score in (("PSNR (dB)", "psnr"), ("SSIM", "ssim"))
    }
    return figures.panels(levels, curves, "standard deviation of the noise", title)


if __name__ == "__main__":
    run(main)
