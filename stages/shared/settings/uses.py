"""What is done with codes and networks, stage by stage; and the neuron."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from stages.shared.settings.codes import ScalingSettings
from stages.shared.settings.fields import (
    Count,
    Distinct,
    Name,
    NotNegative,
    Positive,
    Real,
    Seed,
    Settings,
)


class NeuronSettings(Settings):
    theta: Distinct[Real]
    # Each is a line of a table.
    points: Annotated[int, Field(ge=2, le=100_000)]
    start: Real
    stop: Real

    @model_validator(mode="after")
    def _ordered(self):
        if self.start >= self.stop:
            raise ValueError("start must be below stop")
        return self


class ClusteringSettings(ScalingSettings):
    """One form of clustering: how codes are scaled, and what clusters them."""

    clusterer: Literal["kmeans", "mini_batch_kmeans", "gaussian_mixture"]


class KMeansSettings(Settings):
    n_init: Count
    max_iter: Count


class MiniBatchKMeansSettings(KMeansSettings):
    batch_size: Count


class GaussianMixtureSettings(KMeansSettings):
    covariance_type: Literal["full", "tied", "diag", "spherical"]
    reg_covar: NotNegative


class ClusterSettings(Settings):
    clusterings: Annotated[dict[Name, ClusteringSettings], Field(min_length=1)]
    n_clusters: Annotated[Count, Field(ge=2)]
    kmeans: KMeansSettings
    mini_batch_kmeans: MiniBatchKMeansSettings
    gaussian_mixture: GaussianMixtureSettings
    seeds: Count
    # The cost is quadratic.
    silhouette_sample: Annotated[int, Field(ge=3, le=100_000)]
    central_images: Count
    seed: Seed

    @model_validator(mode="after")
    def _forms_do_not_hide_other_keys_of_the_metrics(self):
        if taken := self.clusterings.keys() & {"source", "scored"}:
            raise ValueError(f"clusterings has one named {min(taken)}, a name that the metrics use; rename it")
        return self


class SearchSettings(Settings):
    metrics: Distinct[Literal["cosine", "euclidean"]]
    neighbours: Distinct[Count]
    queries: Count | None
    shown: Count
    shown_neighbours: Count
    seed: Seed


class MapSettings(Settings):
    sample: Annotated[Count, Field(ge=3)]
    perplexity: Annotated[Positive, Field(ge=1)]
    max_iter: Annotated[Count, Field(ge=250)]
    seed: Seed


class GeneratedSettings(Settings):
    """A network whose samples are drawn, and the classifier that judges them."""

    dataset: Name
    classifier: Name


class UnjudgedSettings(Settings):
    """A network whose samples are drawn, and that no classifier judges."""

    dataset: Name


class GenerateSettings(Settings):
    networks: dict[Name, GeneratedSettings]
    unjudged: dict[Name, UnjudgedSettings]
    # Images in memory, several times as many as are stored.
    samples: Annotated[Count, Field(le=100_000)]
    shown: Count
    components: Distinct[Count]
    covariance_type: Literal["full", "diag"]
    max_width: Count
    ridge: Positive
    confidence: Annotated[float, Field(gt=0, le=1)]
    pairs: Annotated[Count, Field(le=1000)]
    steps: Annotated[int, Field(ge=2, le=1000)]
    seed: Seed


class DenoisedSettings(Settings):
    """A network that is set beside filters."""

    dataset: Name


class ExportedSettings(Settings):
    """A network that is exported, the code whose clusters it assigns, and whether its training codes go with it.

    `approximate` is whether these also go in lists, for an approximate search.
    """

    dataset: Name
    clusters: Name
    index: Literal["auto", True, False]
    approximate: Literal["auto", True, False]


class ApproximateSettings(Settings):
    """The lists of an export: from how many codes there are any, how many are compared, and what measures that."""

    codes: Count
    probed: Count
    queries: Count
    seed: Seed


class ExportSettings(Settings):
    networks: dict[Name, ExportedSettings]
    index_width: Count
    neighbours: Annotated[Count, Field(le=1000)]
    central: Annotated[Count, Field(le=1000)]
    probes: Annotated[Count, Field(le=1000)]
    # Pixels a side.
    thumbnail: Annotated[Count, Field(le=256)]
    approximate: ApproximateSettings


class NonLocalMeansSettings(Settings):
    patch_size: Annotated[Count, Field(le=64)]
    patch_distance: Annotated[Count, Field(le=64)]
    h: Distinct[Positive]


class DenoiseSettings(Settings):
    networks: dict[Name, DenoisedSettings]
    levels: Distinct[Annotated[float, Field(gt=0, le=1)]]
    images: Count
    shown: Count
    tuning: Count
    median_size: Distinct[Annotated[int, Field(ge=2, le=64)]]
    nlm: NonLocalMeansSettings
    seed: Seed
