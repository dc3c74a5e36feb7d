"""Embed the codes of an autoencoder, or another representation, in few dimensions that keep neighbours together."""

import numpy as np

from autoencoders import manifolds
from autoencoders.scaling import pool, scaler
from stages.shared import codes, files, prepared
from stages.shared.parameters import read
from stages.shared.running import run

SCALING = {"pooling", "scaling", "shrinkage", "pca", "unit_length"}


def main(name: str) -> None:
    (manifold,) = read(f"manifolds.{name}")
    stage, source = manifold.of.split("/")
    about = codes.describe(stage, source)
    fitted_to = prepared.training_splits(about.parameters, about.protocol)
    vectors = {split: codes.read(stage, source, split) for split in files.SPLITS}
    scaled = _scaled(vectors, tuple(about.shape), fitted_to, manifold)

    method = getattr(manifolds, manifold.kind)
    settings = manifold.model_dump(exclude={*SCALING, "kind", "of", "dataset"})
    embedding, transform = method(np.concatenate([scaled[split] for split in fitted_to]), **settings)
    ends = np.cumsum([len(scaled[split]) for split in fitted_to])[:-1]
    embedded = dict(zip(fitted_to, np.split(embedding, ends), strict=True))
    embedded |= {split: transform(scaled[split]) for split in files.SPLITS if split not in embedded}

    with files.whole(files.outputs("manifold", name)) as (folder,):
        parameters = {**vars(about.parameters), **manifold.model_dump()}
        described = {"manifold": name, "shape": embedding.shape[1:], "dataset": about.dataset}
        described |= {"protocol": about.protocol, "parameters": parameters}
        codes.write(folder, described, embedded, lambda block: block)


def _scaled(
    vectors: dict[str, np.ndarray], shape: tuple[int, ...], fitted_to: tuple[str, ...], manifold
) -> dict[str, np.ndarray]:
    """Return each split's vectors as the embedding takes them."""
    pooled = {split: pool(values, shape, manifold.pooling) for split, values in vectors.items()}
    fitted = scaler(
        np.concatenate([pooled[split] for split in fitted_to]),
        scaling=manifold.scaling,
        shrinkage=manifold.shrinkage,
        n_components=manifold.pca,
        unit_length=manifold.unit_length,
        seed=0,
    )
    return pooled if fitted is None else {split: fitted.transform(values) for split, values in pooled.items()}


if __name__ == "__main__":
    run(main)
