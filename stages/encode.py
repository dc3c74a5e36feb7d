"""Export an autoencoder's codes of all images, and score its reconstructions of the test images."""

from collections.abc import Iterator, Mapping
from functools import partial
from types import SimpleNamespace

import numpy as np

from autoencoders.core.engines import in_order
from autoencoders.core.rows import BLOCK_SIZE, Rows, blocks, over_blocks
from autoencoders.images.preparation import Preparation, add_noise
from autoencoders.inference.codec import Codec, code_images
from autoencoders.pages import figures
from autoencoders.uses.reconstruction import PerImage, image_scores, means
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
        test, what = images["test"], f"{name}: test images restored"
        scored = over_blocks(partial(_scored, test, codec, prepare), len(test), None, watched, what)
        found = means(of_block for _, of_block in scored)
        if network.noise:
            rows, denoised = _denoise(test, codec, prepare, network, what)
            title = f"{name}: noise of standard deviation {network.noise:g}"
            figures.save(figures.image_rows(rows, title=title), plots / "denoised.png")
            found |= denoised
        files.write_json(metrics, {"source": described["source"], "code_size": codec.code_size, **found})


def _scored(images: Rows, codec: Codec, prepare: Preparation, rows: slice) -> PerImage:
    pixels = images[rows]
    return image_scores(prepare(pixels), codec.reconstruct(pixels))


def _denoise(
    images: Rows, codec: Codec, prepare: Preparation, network: SimpleNamespace, what: str
) -> tuple[dict[str, np.ndarray], dict[str, float]]:
    """Return the rows of a figure, and the PSNR and SSIM of noisy and of restored images against the clean ones."""
    work = partial(_denoised, images, codec, prepare, network.noise)
    slices = list(blocks(len(images)))
    items = _with_states(slices, prepare.shape(images.shape[1:]), network.seed)
    both = [scored for _, scored in zip(watched(slices, len(images), what), in_order(work, items), strict=True)]
    found = {kind: means(scored) for kind, scored in zip(("noisy", "restored"), zip(*both, strict=True), strict=True)}

    clean, noisy = _noisy(images[:BLOCK_SIZE], prepare, network.noise, np.random.default_rng(network.seed))
    rows = {"noisy": noisy[:SHOWN], "restored": codec.restore(noisy)[:SHOWN], "clean": clean[:SHOWN]}
    return rows, {f"{kind}_{score}": found[kind][score] for score in ("psnr", "ssim") for kind in found}


def _with_states(slices: list[slice], shape: tuple[int, ...], seed: int) -> Iterator[tuple[slice, Mapping]]:
    """Yield blocks with the state of the one generator that draws all noise, so that each is drawn where it is used."""
    random = np.random.default_rng(seed)
    for rows in slices:
        yield rows, random.bit_generator.state
        random.standard_normal((rows.stop - rows.start, *shape), dtype=np.float32)


def _denoised(
    images: Rows, codec: Codec, prepare: Preparation, noise: float, item: tuple[slice, Mapping]
) -> tuple[PerImage, PerImage]:
    """Return the scores of noisy and of restored images."""
    rows, state = item
    random = np.random.default_rng()
    random.bit_generator.state = dict(state)
    clean, noisy = _noisy(images[rows], prepare, noise, random)
    return image_scores(clean, noisy), image_scores(clean, codec.restore(noisy))


def _noisy(
    pixels: np.ndarray, prepare: Preparation, noise: float, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    clean = prepare(pixels)
    return clean, add_noise(clean, noise, random)


if __name__ == "__main__":
    run(main)
