"""Representations and embeddings, which with the codes of networks are what is clustered and searched."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from stages.shared.settings.datasets import ImageSettings
from stages.shared.settings.fields import (
    Colour,
    Count,
    Name,
    NotNegative,
    Positive,
    Seed,
    Settings,
    Several,
    Width,
)


class PixelsSettings(ImageSettings):
    kind: Literal["pixels"]


class PrincipalComponentsSettings(ImageSettings):
    kind: Literal["pca"]
    n_components: Count
    seed: Seed


class WindowSettings(Settings):
    """One kind of patches."""

    colour: Colour
    patch_size: Annotated[int, Field(ge=2, le=512)]
    grid: Annotated[int, Field(ge=1, le=8)]


class OfPatchesSettings(ImageSettings):
    """What representations by an image's patches have."""

    windows: Several[WindowSettings]
    n_patches: Count
    seed: Seed

    @model_validator(mode="after")
    def _colours_are_there(self):
        if self.colour == "grey" and any(window.colour == "rgb" for window in self.windows):
            raise ValueError("colour is grey, but one of windows takes rgb; change one of them")
        return self


class PatchesSettings(OfPatchesSettings):
    kind: Literal["patches"]
    n_clusters: Annotated[Count, Field(ge=2)]
    max_iter: Count

    @model_validator(mode="after")
    def _each_centre_has_a_patch(self):
        if self.n_clusters > self.n_patches:
            raise ValueError(f"n_clusters is {self.n_clusters}, more than n_patches, {self.n_patches}; lower it")
        return self


class PatchAutoencoderSettings(OfPatchesSettings):
    kind: Literal["patch_autoencoder"]
    units: Width
    noise: NotNegative
    learning_rate: Positive
    batch_size: Count
    epochs: Count


class ScalingSettings(Settings):
    """What is done to codes before they are embedded or clustered."""

    pooling: Count | None
    scaling: Literal["none", "standardise", "whiten"]
    ridge: NotNegative
    pca: Count | None
    unit_length: bool


class EmbeddingSettings(ScalingSettings):
    """What both kinds of embeddings have."""

    of: Name
    dataset: Name
    n_components: Count
    n_neighbors: Annotated[Count, Field(ge=2)]
    metric: Literal["euclidean", "cosine", "manhattan"]


class SpectralSettings(EmbeddingSettings):
    kind: Literal["spectral"]
    affinity: Literal["connectivity", "self_tuning"]
    diffusion: NotNegative


class UMAPSettings(EmbeddingSettings):
    kind: Literal["umap"]
    min_dist: Annotated[float, Field(ge=0, le=1)]
    n_epochs: Count | None
    seed: Seed
