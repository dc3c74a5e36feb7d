"""The whole of `params.yaml`, and what its parts must agree on."""

from collections.abc import Mapping
from itertools import combinations
from typing import Annotated, Literal, TypeVar

from pydantic import Field, model_validator

from stages.shared.settings import addresses, limits
from stages.shared.settings.addresses import Address
from stages.shared.settings.codes import (
    PatchAutoencoderSettings,
    PatchesSettings,
    PixelsSettings,
    PrincipalComponentsSettings,
    SpectralSettings,
    UMAPSettings,
)
from stages.shared.settings.datasets import Dataset
from stages.shared.settings.defaults import DefaultsSettings
from stages.shared.settings.fields import Name, Positive, Settings
from stages.shared.settings.networks import (
    ClassifierSettings,
    ConvolutionalSettings,
    DenseSettings,
    LearningRatesSettings,
    SequenceSettings,
    StridedSettings,
)
from stages.shared.settings.uses import (
    ClusterSettings,
    DenoiseSettings,
    ExportSettings,
    GenerateSettings,
    MapSettings,
    NeuronSettings,
    SearchSettings,
)

# Groups of what is named by the user; each name is that of folders, so that no two groups may share one.
GROUPS = ("classifiers", "autoencoders", "sequence", "representations", "embeddings")
# Groups of what is made from the images of a data set.
MADE = ("classifiers", "learning_rates", "autoencoders", "sequence", "representations", "embeddings")

Autoencoder = Annotated[DenseSettings | ConvolutionalSettings | StridedSettings, Field(discriminator="kind")]
Representation = Annotated[
    PixelsSettings | PrincipalComponentsSettings | PatchesSettings | PatchAutoencoderSettings,
    Field(discriminator="kind"),
]
Embedding = Annotated[SpectralSettings | UMAPSettings, Field(discriminator="kind")]
Named = TypeVar("Named")


class Parameters(Settings):
    recipe: Literal["fast", "chapter"]
    protocol: Literal["held-out", "together"]
    in_memory: Positive
    neuron: dict[Name, NeuronSettings]
    addresses: dict[Name, Address]
    datasets: Annotated[dict[Name, Dataset], Field(min_length=1)]
    # Before the networks and embeddings: a mistake in their defaults is one of theirs as well, and named only here.
    defaults: DefaultsSettings
    classifiers: dict[Name, ClassifierSettings]
    autoencoders: Annotated[dict[Name, Autoencoder], Field(min_length=1)]
    representations: dict[Name, Representation]
    embeddings: dict[Name, Embedding]
    learning_rates: dict[Name, LearningRatesSettings]
    cluster: ClusterSettings
    search: SearchSettings
    map: MapSettings
    generate: GenerateSettings
    denoise: DenoiseSettings
    sequence: dict[Name, SequenceSettings]
    export: ExportSettings

    @model_validator(mode="after")
    def _names_differ(self):
        for one, other in combinations(GROUPS, 2):
            if both := getattr(self, one).keys() & getattr(self, other).keys():
                raise ValueError(f"{min(both)} stands under both {one} and {other}; rename one of them")
        known: dict[str, str] = {}
        for name in (name for group in GROUPS for name in getattr(self, group)):
            # The file systems of macOS and Windows take both for the same.
            if (other := known.setdefault(name.lower(), name)) != name:
                raise ValueError(f"the names {other} and {name} differ by capital letters alone; rename one of them")
        return self

    @model_validator(mode="after")
    def _data_sets_are_there(self):
        for group in MADE:
            for name, block in getattr(self, group).items():
                _refers(f"{group}.{name}.dataset is '{block.dataset}'", block.dataset, self.datasets, "no data set")
        for group in ("classifiers", "learning_rates"):
            for name, block in getattr(self, group).items():
                if getattr(self.datasets[block.dataset], "labels", "") == "none":
                    raise ValueError(
                        f"{group}.{name}.dataset is '{block.dataset}', which has no labels to learn; "
                        f"remove {group}.{name}, or name where the labels are"
                    )
        return self

    @model_validator(mode="after")
    def _addresses_are_read(self):
        addresses.check(self)
        return self

    @model_validator(mode="after")
    def _used_kinds_have_defaults(self):
        for group in ("classifiers", "autoencoders", "embeddings"):
            for name, block in getattr(self, group).items():
                if getattr(self.defaults, block.kind) is None:
                    raise ValueError(
                        f"defaults has no {block.kind}, the kind of {group}.{name}; add it, if only as `{{}}`"
                    )
        return self

    @model_validator(mode="after")
    def _embeddings_have_a_code(self):
        codes = {**self.autoencoders, **self.representations}
        for name, embedding in self.embeddings.items():
            key, of = f"embeddings.{name}", embedding.of
            code = _refers(f"{key}.of is '{of}'", of, codes, "neither an autoencoder nor a representation")
            _agrees(f"{key}.dataset", embedding.dataset, f"{of} is made of", code.dataset)
        return self

    @model_validator(mode="after")
    def _samples_have_a_judge(self):
        for name, entry in self.generate.networks.items():
            key, judge = f"generate.networks.{name}", entry.classifier
            network = self._network("generate.networks", name, entry.dataset)
            said = f"{key}.classifier is '{judge}'"
            classifier = _refers(said, judge, self.classifiers, "no classifier")
            if classifier.dataset != entry.dataset:
                raise ValueError(
                    f"{said}, which knows '{classifier.dataset}' and not '{entry.dataset}'; name another classifier"
                )
            if (classifier.colour, network.colour) == ("rgb", "grey"):
                raise ValueError(f"{said}, which takes colour, but {name} makes grey images; name another classifier")
        return self

    @model_validator(mode="after")
    def _unjudged_samples_are_of_a_network(self):
        for name, entry in self.generate.unjudged.items():
            self._network("generate.unjudged", name, entry.dataset)
            if name in self.generate.networks:
                raise ValueError(
                    f"{name} stands under both generate.networks and generate.unjudged; remove one of them"
                )
        return self

    @model_validator(mode="after")
    def _denoising_networks_were_trained_with_noise(self):
        for name, entry in self.denoise.networks.items():
            network = self._network("denoise.networks", name, entry.dataset)
            if not network.noise:
                raise ValueError(
                    f"denoise.networks names {name}, but autoencoders.{name}.noise is 0; "
                    f"remove the one or raise the other"
                )
        return self

    @model_validator(mode="after")
    def _exports_are_of_a_network_and_its_clusters(self):
        for name, entry in self.export.networks.items():
            key, clusters = f"export.networks.{name}", entry.clusters
            self._network("export.networks", name, entry.dataset)
            if entry.approximate is True and entry.index is False:
                raise ValueError(
                    f"{key}.approximate is true, but {key}.index is false, so that there are no codes to search; "
                    f"change one of them"
                )
            if clusters == name:
                continue
            said = f"{key}.clusters is '{clusters}'"
            embedding = _refers(said, clusters, self.embeddings, f"neither '{name}' nor an embedding of it")
            if embedding.of != name:
                raise ValueError(f"{said}, an embedding of '{embedding.of}'; write '{name}' or an embedding of it")
            if entry.index is False:
                raise ValueError(
                    f"{said}, an embedding, whose clusters are those of the nearest training images, but {key}.index "
                    f"is false; write true or auto"
                )
        return self

    @model_validator(mode="after")
    def _sizes_allow_it(self):
        limits.check(self)
        return self

    def _network(self, use: str, name: str, dataset: str) -> Autoencoder:
        """Return the autoencoder that an entry of `use` names, whose data set the entry gives as `dataset`."""
        network = _refers(f"{use} names {name}", name, self.autoencoders, "no autoencoder")
        _agrees(f"{use}.{name}.dataset", dataset, f"{name} is trained on", network.dataset)
        return network


def _refers(said: str, name: str, group: Mapping[str, Named], nothing: str) -> Named:
    """Return the entry of `group` called `name`; where there is none, `name` is `nothing`, and `said` where it stands.

    Raises
    ------
    ValueError
        If there is none.
    """
    if name not in group:
        raise ValueError(f"{said}, which is {nothing}; correct or remove it")
    return group[name]


def _agrees(key: str, given: str, fact: str, dataset: str) -> None:
    """Refuse a parameter `key` that gives another data set than the `dataset` which `fact` is about."""
    if given != dataset:
        raise ValueError(f"{key} is '{given}', but {fact} '{dataset}'; write '{dataset}'")
