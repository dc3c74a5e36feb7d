"""Export an autoencoder's codes of all images, and score its reconstructions of the test images."""

from pathlib import Path

import numpy as np
import pandas as pd

from autoencoders import figures
from stages import files, prepared
from stages.parameters import read
from stages.running import run

SHOWN = 5


def main(name: str) -> None:
    recipe, network = read("recipe", f"autoencoders.{name}")
    described = prepared.describe(network.dataset)
    images = {split: prepared.read(network.dataset, "images", split) for split in files.SPLITS}

    # Only now: a mistake in the parameters or a missing file is reported without the wait for TensorFlow.
    from autoencoders.encoding import Codec, code_images
    from autoencoders.networks import storage

    model = storage.load(files.outputs("train", name))
    codec = Codec(model, prepared.preparation(network), images["train"].shape[1:])

    targets = files.outputs("encode", name), files.plots("encode", name), files.metrics("encode", f"{name}.json")
    with files.whole(*targets) as (folder, plots, metrics):
        for split, pixels in images.items():
            _export(folder / f"{split}.npy", pixels, codec)
        _index(network.dataset, described["classes"]).to_csv(folder / "index.csv", index=False)
        about = {key: described[key] for key in ("dataset", "source", "origin")}
        about = {"network": name, "layer": "code", "shape": codec.code_shape, "dtype": "float32", **about}
        files.write_json(folder / "code.json", {**about, "recipe": recipe, "parameters": network.model_dump()})

        first = codec.prepare(images["train"][:SHOWN])
        codes = codec.encode(first)
        layouts = code_images(codes, codec.code_shape)
        rows = {"original": first, **layouts, "reconstruction": codec.decode(codes)}
        figures.save(figures.image_rows(rows, title=name, stretched=layouts), plots / "first-five.png")
        scores = _scores(images["test"], codec)
        if network.noise:
            rows, denoised = _denoise(images["test"], codec, network.noise, network.seed)
            title = f"{name}: noise of standard deviation {network.noise:g}"
            figures.save(figures.image_rows(rows, title=title), plots / "denoised.png")
            scores |= denoised
        files.write_json(metrics, {"source": described["source"], "code_size": codec.code_size, **scores})


def _export(path: Path, images: np.ndarray, codec) -> None:
    """Write the codes of all images, block by block, as float32 [n, code_size]."""
    from autoencoders.encoding import blocks

    shape = (len(images), codec.code_size)
    codes = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=shape)
    for rows in blocks(len(images)):
        codes[rows] = codec.encode(codec.prepare(images[rows]))
    codes.flush()


def _index(dataset: str, classes: list[str]) -> pd.DataFrame:
    """Return a row an image, in the order of the arrays: split, row there, number in the source, label, class."""
    tables = []
    for split in files.SPLITS:
        labels = prepared.read(dataset, "labels", split)
        columns = {"split": split, "row": range(len(labels)), "image": prepared.read(dataset, "numbers", split)}
        tables.append(pd.DataFrame({**columns, "label": labels, "class": [classes[label] for label in labels]}))
    return pd.concat(tables)


def _scores(images: np.ndarray, codec) -> dict[str, float]:
    """Score the reconstructions of clean images."""
    from autoencoders.encoding import blocks
    from autoencoders.reconstruction import scores

    clean = (codec.prepare(images[rows]) for rows in blocks(len(images)))
    return scores((block, codec.reconstruct(block)) for block in clean)


def _denoise(images: np.ndarray, codec, noise: float, seed: int) -> tuple[dict[str, np.ndarray], dict[str, float]]:
    """Return the rows of a figure, and the PSNR and SSIM of noisy and of restored images against the clean ones."""
    from autoencoders.encoding import add_noise, blocks
    from autoencoders.reconstruction import scores

    random = np.random.default_rng(seed)
    clean = [codec.prepare(images[rows]) for rows in blocks(len(images))]
    noisy = [add_noise(block, noise, random) for block in clean]
    restored = [codec.reconstruct(block) for block in noisy]
    rows = {"noisy": noisy[0][:SHOWN], "restored": restored[0][:SHOWN], "clean": clean[0][:SHOWN]}
    found = {"noisy": scores(zip(clean, noisy, strict=True)), "restored": scores(zip(clean, restored, strict=True))}
    return rows, {f"{name}_{score}": found[name][score] for score in ("psnr", "ssim") for name in found}


if __name__ == "__main__":
    run(main)
