"""What `params.yaml` may hold: a class for each block, checked by pydantic."""

from itertools import combinations
from typing import Annotated, Literal

from pydantic import Field, model_validator

from stages.shared.blocks import (
    Block,
    Classifier,
    Convolutional,
    Count,
    Datasets,
    Dense,
    Distinct,
    Images,
    LearningRates,
    Name,
    Neuron,
    Optimizer,
    Positive,
    Seed,
    Strided,
)


class Pixels(Images):
    kind: Literal["pixels"]


class Components(Images):
    kind: Literal["pca"]
    n_components: Count
    seed: Seed


class Window(Block):
    """One kind of patches."""

    colour: Literal["grey", "rgb"]
    patch_size: Annotated[int, Field(ge=2, le=28, strict=True)]
    grid: Annotated[int, Field(ge=1, le=8, strict=True)]

    @model_validator(mode="after")
    def _enough(self):
        if 28 - self.patch_size + 1 < self.grid:
            raise ValueError(
                f"grid is {self.grid}, but there are fewer places for patches of {self.patch_size} pixels; "
                f"lower one of them"
            )
        return self


class OfPatches(Images):
    """What representations by an image's patches have."""

    windows: Annotated[list[Window], Field(min_length=1)]
    n_patches: Count
    seed: Seed

    @model_validator(mode="after")
    def _colours_are_there(self):
        if self.colour == "grey" and any(window.colour == "rgb" for window in self.windows):
            raise ValueError("colour is grey, but one of windows takes rgb; change one of them")
        return self


class Patches(OfPatches):
    kind: Literal["patches"]
    n_centres: Annotated[int, Field(ge=2, strict=True)]
    max_iter: Count

    @model_validator(mode="after")
    def _enough(self):
        if self.n_centres > self.n_patches:
            raise ValueError(f"n_centres is {self.n_centres}, more than n_patches, {self.n_patches}; lower it")
        return self


class PatchAutoencoder(OfPatches):
    kind: Literal["patch_autoencoder"]
    units: Count
    noise: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    learning_rate: Positive
    batch_size: Count
    epochs: Count


class Scaling(Block):
    """What is done to codes before anything else."""

    pooling: Count | None
    scaling: Literal["none", "standardise", "whiten"]
    shrinkage: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    pca: Count | None
    unit_length: Annotated[bool, Field(strict=True)]


class Embedding(Scaling):
    of: Name
    dataset: Literal["photos", "digits"]
    n_components: Count
    n_neighbors: Annotated[int, Field(ge=2, strict=True)]
    metric: Literal["euclidean", "cosine", "manhattan"]


class Spectral(Embedding):
    kind: Literal["spectral"]
    weights: Literal["equal", "local"]
    diffusion: Annotated[float, Field(ge=0, allow_inf_nan=False)]


class UMAP(Embedding):
    kind: Literal["umap"]
    min_dist: Annotated[float, Field(ge=0, le=1)]
    n_epochs: Count | None
    seed: Seed


class Clustering(Scaling):
    """One way from codes to clusters."""

    clusterer: Literal["kmeans", "mini_batch_kmeans", "gaussian_mixture"]


class KMeans(Block):
    n_init: Count
    max_iter: Count


class MiniBatchKMeans(KMeans):
    batch_size: Count


class GaussianMixture(KMeans):
    covariance_type: Literal["full", "tied", "diag", "spherical"]
    reg_covar: Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Cluster(Block):
    clusterings: Annotated[dict[Name, Clustering], Field(min_length=1)]
    n_clusters: Annotated[int, Field(ge=2, strict=True)]
    kmeans: KMeans
    mini_batch_kmeans: MiniBatchKMeans
    gaussian_mixture: GaussianMixture
    seeds: Count
    silhouette_sample: Annotated[int, Field(ge=3, strict=True)]
    central_images: Count
    seed: Seed

    @model_validator(mode="after")
    def _forms_do_not_hide_what_the_scores_are_of(self):
        if taken := self.clusterings.keys() & {"source", "scored"}:
            raise ValueError(f"clusterings has one named {min(taken)}, a name that the metrics use; rename it")
        return self


class Search(Block):
    metrics: Distinct(Literal["cosine", "euclidean"])
    neighbours: Distinct(Count)
    queries: Count | None
    shown: Count
    seed: Seed


class Map(Block):
    sample: Annotated[int, Field(ge=3, strict=True)]
    perplexity: Annotated[float, Field(ge=1)]
    max_iter: Annotated[int, Field(ge=250, strict=True)]
    seed: Seed


class Generated(Block):
    dataset: Literal["photos", "digits"]
    classifier: Name


class Generate(Block):
    networks: dict[Name, Generated]
    samples: Count
    shown: Count
    components: Distinct(Count)
    covariance_type: Literal["full", "diag"]
    max_width: Count
    confidence: Annotated[float, Field(gt=0, le=1)]
    pairs: Count
    steps: Annotated[int, Field(ge=2, strict=True)]
    seed: Seed


class Denoised(Block):
    dataset: Literal["photos", "digits"]


class NonLocalMeans(Block):
    patch_size: Count
    patch_distance: Count
    h: Distinct(Positive)


class Denoise(Block):
    networks: dict[Name, Denoised]
    levels: Distinct(Annotated[float, Field(gt=0, le=1)])
    images: Count
    shown: Count
    tuning: Count
    median_size: Distinct(Annotated[int, Field(ge=2, strict=True)])
    nlm: NonLocalMeans
    seed: Seed


class Sequence(Images):
    rows: Count
    units: Count
    optimizer: Optimizer
    learning_rate: Positive
    schedule: Literal["constant", "cosine"]
    batch_size: Count
    epochs: Count
    seed: Seed
    shown: Count


class Parameters(Block):
    recipe: Literal["fast", "chapter"]
    protocol: Literal["held-out", "together"]
    in_memory: Positive
    neuron: Neuron
    datasets: Datasets
    classifiers: Annotated[dict[Name, Classifier], Field(min_length=1)]
    autoencoders: Annotated[
        dict[Name, Annotated[Dense | Convolutional | Strided, Field(discriminator="kind")]],
        Field(min_length=1),
    ]
    representations: dict[
        Name, Annotated[Pixels | Components | Patches | PatchAutoencoder, Field(discriminator="kind")]
    ]
    embeddings: dict[Name, Annotated[Spectral | UMAP, Field(discriminator="kind")]]
    learning_rates: LearningRates
    cluster: Cluster
    search: Search
    map: Map
    generate: Generate
    denoise: Denoise
    sequence: Sequence

    @model_validator(mode="after")
    def _consistent(self):
        groups = ("classifiers", "autoencoders", "representations", "embeddings")
        for one, other in combinations(groups, 2):
            if both := getattr(self, one).keys() & getattr(self, other).keys():
                raise ValueError(f"{min(both)} stands under both {one} and {other}; rename one of them")
        for name, embedding in self.embeddings.items():
            source = {**self.autoencoders, **self.representations}.get(embedding.of)
            if source is None:
                raise ValueError(
                    f"embeddings.{name}.of is {embedding.of}, which is neither an autoencoder nor a representation; "
                    f"name one of these"
                )
            if source.dataset != embedding.dataset:
                raise ValueError(
                    f"embeddings.{name}.dataset is {embedding.dataset}, but {embedding.of} is of {source.dataset}; "
                    f"give that"
                )
        for name, dataset in self.datasets:
            if dataset.limit is not None and self.cluster.n_clusters > dataset.limit:
                raise ValueError(
                    f"cluster.n_clusters is {self.cluster.n_clusters}, more than the {dataset.limit} images "
                    f"that datasets.{name}.limit allows; lower the one or raise the other"
                )
        return self

    @model_validator(mode="after")
    def _applications_name_networks(self):
        for stage, entries in (("generate", self.generate.networks), ("denoise", self.denoise.networks)):
            for name, entry in entries.items():
                block = self.autoencoders.get(name)
                if block is None:
                    raise ValueError(f"{stage}.networks names {name}, which is no autoencoder; correct or remove it")
                if entry.dataset != block.dataset:
                    raise ValueError(
                        f"{stage}.networks.{name}.dataset is '{entry.dataset}', but the network is trained on "
                        f"'{block.dataset}'; give that"
                    )
        for name, entry in self.generate.networks.items():
            key, block = f"generate.networks.{name}.classifier", self.classifiers.get(entry.classifier)
            if block is None:
                raise ValueError(f"{key} is '{entry.classifier}', which is no classifier; name one of classifiers")
            if block.dataset != entry.dataset:
                raise ValueError(
                    f"{key} is '{entry.classifier}', which knows '{block.dataset}' and not '{entry.dataset}'; "
                    f"name another"
                )
            if (block.colour, self.autoencoders[name].colour) == ("rgb", "grey"):
                raise ValueError(f"{key} is '{entry.classifier}', which needs colour, but {name} is grey; name another")
        for name in self.denoise.networks:
            if not self.autoencoders[name].noise:
                raise ValueError(
                    f"denoise.networks names {name}, but autoencoders.{name}.noise is 0; "
                    f"remove the one or raise the other"
                )
        return self
