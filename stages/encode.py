"""Export an autoencoder's codes of all images, and score its reconstructions of the test images."""

from collections.abc import Iterator
from types import SimpleNamespace

import numpy as np

from autoencoders.core.rows import Rows, blocks
from autoencoders.images.preparation import Preparation, add_noise
from autoencoders.inference.codec import Codec, code_images
from autoencoders.pages import figures
from autoencoders.uses.reconstruction import scores
from stages.shared import codes, files, prepared
from stages.shared.progress import watched
from stages.shared.running import run

# As many images as the chapter's Exercise 21 shows.
SHOWN = 5


def main(name: str) -> None:
    """Read `models/<name>/` and `data/prepared/<dataset>/`; write the codes of all images, figures and scores.

    They go to `data/codes/<name>/`, `plots/encode/<name>/` and `metrics/encode/<name>.json`.

    Raises
    ------
    InputError
        If a file is missing or damaged.
    """
    network = prepared.trained(name)
    described = prepared.describe(network.dataset)
    images = {split: prepared.image_rows(network.dataset, split) for split in files.SPLITS}
    codec = Codec(files.models(name))
    prepare = prepared.image_preparation(network)

    targets = files.data("codes", name), files.plots("encode", name), files.metrics("encode", f"{name}.json")
    with files.whole(*targets) as (folder, plots, metrics):
        about = {"network": name, "layer": "code", "shape": codec.code_shape, "dataset": network.dataset}
        block = vars(network).copy()
        about |= {key: block.pop(key) for key in ("recipe", "protocol")}
        codes.write(folder, {**about, "parameters": block}, images, codec.encode)

        first = images["train"][:SHOWN]
        coded = codec.encode(first)
        layouts = code_images(coded, codec.code_shape)
        rows = {"original": prepare(first), **layouts, "reconstruction": codec.decode(coded)}
        figures.save(figures.image_rows(rows, title=name, stretched=layouts), plots / "first-five.png")
        found = scores((prepare(pixels), codec.reconstruct(pixels)) for pixels in _pixels(images["test"], name))
        if network.noise:
            rows, denoised = _denoise(images["test"], codec, prepare, network, name)
            title = f"{name}: noise of standard deviation {network.noise:g}"
            figures.save(figures.image_rows(rows, title=title), plots / "denoised.png")
            found |= denoised
        files.write_json(metrics, {"source": described["source"], "code_size": codec.code_size, **found})


def _pixels(images: Rows, what: str) -> Iterator[np.ndarray]:
    """Yield blocks of images as stored."""
    for rows in watched(blocks(len(images)), len(images), f"{what}: test images restored"):
        yield images[rows]


def _denoise(
    images: Rows, codec: Codec, prepare: Preparation, network: SimpleNamespace, name: str
) -> tuple[dict[str, np.ndarray], dict[str, float]]:
    """Return the rows of a figure, and the PSNR and SSIM of noisy and of restored images against the clean ones."""

    def pairs() -> Iterator[tuple[np.ndarray, np.ndarray]]:
        # The same noise each time, so that blocks need not be kept for the second score.
        random = np.random.default_rng(network.seed)
        for pixels in _pixels(images, name):
            clean = prepare(pixels)
            yield clean, add_noise(clean, network.noise, random)

    clean, noisy = next(pairs())
    rows = {"noisy": noisy[:SHOWN], "restored": codec.restore(noisy)[:SHOWN], "clean": clean[:SHOWN]}
    found = {
        "noisy": scores(pairs()),
        "restored": scores((clean, codec.restore(noisy)) for clean, noisy in pairs()),
    }
    return rows, {f"{kind}_{score}": found[kind][score] for score in ("psnr", "ssim") for kind in found}


if __name__ == "__main__":
    run(main)
