"""Turn all images of a data set into vectors without a network: pixels, principal components or patch features."""

from autoencoders.representations.patches import PatchAutoencoder, PatchFeatures
from autoencoders.representations.pixels import Pixels, PrincipalComponents
from stages.shared import codes, files, prepared
from stages.shared.parameters import read
from stages.shared.running import run

REPRESENTATIONS = {
    "pixels": Pixels,
    "pca": PrincipalComponents,
    "patches": PatchFeatures,
    "patch_autoencoder": PatchAutoencoder,
}


def main(name: str) -> None:
    """Read the prepared images of a data set; write `data/codes/<name>`."""
    in_memory, protocol, block = read("in_memory", "protocol", f"representations.{name}")
    images = {split: prepared.image_rows(block.dataset, split) for split in files.SPLITS}
    training = prepared.image_rows(block.dataset, *prepared.training_splits(block, protocol))
    # Each of the windows has a colour of its own.
    not_taken = {"kind", "dataset", *(["colour"] if hasattr(block, "windows") else [])}
    settings = block.model_dump(exclude=not_taken)
    representation = REPRESENTATIONS[block.kind](**settings, memory=int(in_memory * 2**20)).fit(training)
    shape = representation.transform(training[:1]).shape[1:]

    with files.whole(files.data("codes", name)) as (folder,):
        about = {"representation": name, "shape": shape, "dataset": block.dataset, "protocol": protocol}
        codes.write(folder, {**about, "parameters": block.model_dump()}, images, representation.transform)


if __name__ == "__main__":
    run(main)
