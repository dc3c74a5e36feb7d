"""Embed the codes of an autoencoder, or another representation, in few dimensions that keep neighbours together."""

import numpy as np

from autoencoders.core.errors import arguments_of
from autoencoders.embeddings.spectral import Spectral
from autoencoders.embeddings.umap import UMAP
from autoencoders.scaling.scaler import Scaler
from stages.shared import codes, files, prepared
from stages.shared.parameters import read
from stages.shared.running import run

EMBEDDINGS = {"spectral": Spectral, "umap": UMAP}
SCALING = {"pooling", "scaling", "ridge", "pca", "unit_length"}


def main(name: str) -> None:
    """Read the codes that `embeddings.<name>.of` names; write `data/codes/<name>`."""
    (settings,) = read(f"embeddings.{name}")
    about = codes.describe(settings.of)
    fitted_to = prepared.training_splits(about.parameters, about.protocol)
    scaler = Scaler(**settings.model_dump(include=SCALING), shape=tuple(about.shape))
    scaler.fit(codes.read(settings.of, *fitted_to))
    vectors = {split: scaler.transform(codes.read(settings.of, split)) for split in files.SPLITS}

    options = settings.model_dump(exclude={*SCALING, "kind", "of", "dataset"})
    embedding = EMBEDDINGS[settings.kind](**options)
    with arguments_of(f"embeddings.{name}"):
        placed = embedding.fit_transform(np.concatenate([vectors[split] for split in fitted_to]))
    ends = np.cumsum([len(vectors[split]) for split in fitted_to])[:-1]
    embedded = dict(zip(fitted_to, np.split(placed, ends), strict=True))
    embedded |= {split: embedding.transform(vectors[split]) for split in files.SPLITS if split not in embedded}

    with files.whole(files.data("codes", name)) as (folder,):
        parameters = {**vars(about.parameters), **settings.model_dump()}
        described = {"embedding": name, "shape": placed.shape[1:], "dataset": about.dataset}
        described |= {"protocol": about.protocol, "parameters": parameters}
        codes.write(folder, described, embedded, lambda block: block)


if __name__ == "__main__":
    run(main)
