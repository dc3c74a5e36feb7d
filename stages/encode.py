"""Export an autoencoder's codes of all images, and score its reconstructions of the test images."""

import numpy as np

from autoencoders import figures
from autoencoders.encoding import Codec, add_noise, code_images
from autoencoders.inference import Network
from autoencoders.preparation import blocks
from autoencoders.reconstruction import scores
from stages.shared import codes, files, prepared
from stages.shared.running import run

SHOWN = 5


def main(name: str) -> None:
    network = prepared.trained(name)
    described = prepared.describe(network.dataset)
    images = {split: prepared.read(network.dataset, "images", split) for split in files.SPLITS}
    codec = Codec(Network(files.outputs("train", name)), prepared.preparation(network), images["train"].shape[1:])

    targets = files.outputs("encode", name), files.plots("encode", name), files.metrics("encode", f"{name}.json")
    with files.whole(*targets) as (folder, plots, metrics):
        about = {"network": name, "layer": "code", "shape": codec.code_shape, "dataset": network.dataset}
        block = vars(network).copy()
        about |= {key: block.pop(key) for key in ("recipe", "protocol")}
        codes.write(folder, {**about, "parameters": block}, images, lambda pixels: codec.encode(codec.prepare(pixels)))

        first = codec.prepare(images["train"][:SHOWN])
        coded = codec.encode(first)
        layouts = code_images(coded, codec.code_shape)
        rows = {"original": first, **layouts, "reconstruction": codec.decode(coded)}
        figures.save(figures.image_rows(rows, title=name, stretched=layouts), plots / "first-five.png")
        found = _scores(images["test"], codec)
        if network.noise:
            rows, denoised = _denoise(images["test"], codec, network.noise, network.seed)
            title = f"{name}: noise of standard deviation {network.noise:g}"
            figures.save(figures.image_rows(rows, title=title), plots / "denoised.png")
            found |= denoised
        files.write_json(metrics, {"source": described["source"], "code_size": codec.code_size, **found})


def _scores(images: np.ndarray, codec: Codec) -> dict[str, float]:
    """Score the reconstructions of clean images."""
    clean = (codec.prepare(images[rows]) for rows in blocks(len(images)))
    return scores((block, codec.reconstruct(block)) for block in clean)


def _denoise(
    images: np.ndarray, codec: Codec, noise: float, seed: int
) -> tuple[dict[str, np.ndarray], dict[str, float]]:
    """Return the rows of a figure, and the PSNR and SSIM of noisy and of restored images against the clean ones."""
    random = np.random.default_rng(seed)
    clean = [codec.prepare(images[rows]) for rows in blocks(len(images))]
    noisy = [add_noise(block, noise, random) for block in clean]
    restored = [codec.reconstruct(block) for block in noisy]
    rows = {"noisy": noisy[0][:SHOWN], "restored": restored[0][:SHOWN], "clean": clean[0][:SHOWN]}
    found = {"noisy": scores(zip(clean, noisy, strict=True)), "restored": scores(zip(clean, restored, strict=True))}
    return rows, {f"{name}_{score}": found[name][score] for score in ("psnr", "ssim") for name in found}


if __name__ == "__main__":
    run(main)
