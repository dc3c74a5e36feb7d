"""Embed the codes of an autoencoder, or another representation, in few dimensions that keep neighbours together."""

import numpy as np

from autoencoders.core.errors import arguments_of
from autoencoders.core.rows import Rows
from autoencoders.embeddings.spectral import Spectral
from autoencoders.embeddings.umap import UMAP
from autoencoders.scaling.scaler import Scaler
from stages.shared import codes, files, prepared
from stages.shared.parameters import read
from stages.shared.progress import watched
from stages.shared.running import run

EMBEDDINGS = {"spectral": Spectral, "umap": UMAP}
SCALING = {"pooling", "scaling", "ridge", "pca", "unit_length"}


def main(name: str) -> None:
    """Read the codes that `embeddings.<name>.of` names; write `data/codes/<name>`."""
    in_memory, settings = read("in_memory", f"embeddings.{name}")
    memory = int(in_memory * 2**20)

    def watch(slices, n, what):
        return watched(slices, n, f"{name}: {what}")

    about = codes.describe(settings.of)
    fitted_to = prepared.training_splits(about.parameters, about.protocol)
    scaler = Scaler(**settings.model_dump(include=SCALING), shape=tuple(about.shape), memory=memory, watch=watch)
    scaler.fit(codes.rows(settings.of, *fitted_to))
    vectors = {split: scaler.transform(codes.rows(settings.of, split)) for split in files.SPLITS}

    options = settings.model_dump(exclude={*SCALING, "kind", "of", "dataset"})
    if settings.kind == "spectral":
        options |= {"memory": memory, "watch": watch}
    embedding = EMBEDDINGS[settings.kind](**options)
    of_training = [vectors[split] for split in fitted_to]
    larger = any(isinstance(values, Rows) for values in of_training)
    with arguments_of(f"embeddings.{name}"):
        placed = embedding.fit_transform(Rows(*of_training) if larger else np.concatenate(of_training))
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
