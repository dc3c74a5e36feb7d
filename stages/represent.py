"""Turn all images of a data set into vectors without a network: pixels, principal components or patch features."""

from autoencoders.representations.patches import PatchAutoencoder, PatchFeatures, side_by_side
from autoencoders.representations.pixels import pca, pixels
from stages.shared import codes, files, prepared
from stages.shared.parameters import read
from stages.shared.running import run

WHOLE = {"pixels": pixels, "pca": pca}
PATCHES = {"patches": PatchFeatures, "patch_autoencoder": PatchAutoencoder}


def main(name: str) -> None:
    in_memory, protocol, block = read("in_memory", "protocol", f"representations.{name}")
    preparation = prepared.preparation(block)
    images = {split: prepared.image_rows(block.dataset, split) for split in files.SPLITS}
    training = prepared.image_rows(block.dataset, *prepared.training_splits(block, protocol))
    # As float32, four times what is stored.
    training = prepared.held(training, in_memory / 4)
    settings = block.model_dump(exclude={"kind", "dataset", "colour"})
    if block.kind in PATCHES:
        transform = side_by_side(PATCHES[block.kind], training, **settings)
    else:
        transform = WHOLE[block.kind](training, preparation, **settings)
    shape = transform(training[:1]).shape[1:]

    with files.whole(files.data("codes", name)) as (folder,):
        about = {"representation": name, "shape": shape, "dataset": block.dataset, "protocol": protocol}
        codes.write(folder, {**about, "parameters": block.model_dump()}, images, transform)


if __name__ == "__main__":
    run(main)
