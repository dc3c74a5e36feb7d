"""Turn all images of a data set into vectors without a network: pixels, principal components or patch features."""

from autoencoders import representations
from autoencoders.patches import PatchAutoencoder, PatchFeatures, side_by_side
from stages.shared import codes, files, prepared
from stages.shared.parameters import read
from stages.shared.running import run

PATCHES = {"patches": PatchFeatures, "patch_autoencoder": PatchAutoencoder}


def main(name: str) -> None:
    in_memory, protocol, block = read("in_memory", "protocol", f"representations.{name}")
    preparation = prepared.preparation(block)
    images = {split: prepared.rows(block.dataset, "images", split) for split in files.SPLITS}
    training = prepared.rows(block.dataset, "images", *prepared.training_splits(block, protocol))
    # As float32, four times what is stored.
    training = prepared.held(training, in_memory / 4)
    settings = block.model_dump(exclude={"kind", "dataset", "colour"})
    if block.kind in PATCHES:
        transform = side_by_side(PATCHES[block.kind], training, **settings)
    else:
        transform = getattr(representations, block.kind)(training, preparation, **settings)
    shape = transform(training[:1]).shape[1:]

    with files.whole(files.outputs("represent", name)) as (folder,):
        about = {"representation": name, "shape": shape, "dataset": block.dataset, "protocol": protocol}
        codes.write(folder, {**about, "parameters": block.model_dump()}, images, transform)


if __name__ == "__main__":
    run(main)
