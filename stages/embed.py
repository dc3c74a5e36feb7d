"""Embed the codes of an autoencoder, or another representation, in few dimensions that keep neighbours together."""

import numpy as np

from autoencoders.core.errors import arguments_of
from autoencoders.embeddings.spectral import Spectral
from autoencoders.embeddings.umap import UMAP
from autoencoders.scaling.pooling import pool
from autoencoders.scaling.scaler import scaler
from stages.shared import codes, files, prepared
from stages.shared.parameters import read
from stages.shared.running import run

EMBEDDINGS = {"spectral": Spectral, "umap": UMAP}
SCALING = {"pooling", "scaling", "shrinkage", "pca", "unit_length"}


def main(name: str) -> None:
    (settings,) = read(f"embeddings.{name}")
    about = codes.describe(settings.of)
    fitted_to = prepared.training_splits(about.parameters, about.protocol)
    vectors = {split: codes.read(settings.of, split) for split in files.SPLITS}
    scaled = _scaled(vectors, tuple(about.shape), fitted_to, settings)

    options = settings.model_dump(exclude={*SCALING, "kind", "of", "dataset"})
    embedding = EMBEDDINGS[settings.kind](**options)
    with arguments_of(f"embeddings.{name}"):
        placed = embedding.fit_transform(np.concatenate([scaled[split] for split in fitted_to]))
    ends = np.cumsum([len(scaled[split]) for split in fitted_to])[:-1]
    embedded = dict(zip(fitted_to, np.split(placed, ends), strict=True))
    embedded |= {split: embedding.transform(scaled[split]) for split in files.SPLITS if split not in embedded}

    with files.whole(files.data("codes", name)) as (folder,):
        parameters = {**vars(about.parameters), **settings.model_dump()}
        described = {"embedding": name, "shape": placed.shape[1:], "dataset": about.dataset}
        described |= {"protocol": about.protocol, "parameters": parameters}
        codes.write(folder, described, embedded, lambda block: block)


def _scaled(
    vectors: dict[str, np.ndarray], shape: tuple[int, ...], fitted_to: tuple[str, ...], settings
) -> dict[str, np.ndarray]:
    """Return each split's vectors as the embedding takes them."""
    pooled = {split: pool(values, shape, settings.pooling) for split, values in vectors.items()}
    fitted = scaler(
        np.concatenate([pooled[split] for split in fitted_to]),
        scaling=settings.scaling,
        shrinkage=settings.shrinkage,
        n_components=settings.pca,
        unit_length=settings.unit_length,
        seed=0,
    )
    return pooled if fitted is None else {split: fitted.transform(values) for split, values in pooled.items()}


if __name__ == "__main__":
    run(main)
