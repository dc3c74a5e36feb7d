"""What the networks and embeddings of one kind share."""

from pydantic import create_model

from stages.shared.settings.codes import SpectralSettings, UMAPSettings
from stages.shared.settings.fields import Settings
from stages.shared.settings.networks import ClassifierSettings, ConvolutionalSettings, DenseSettings, StridedSettings

NETWORKS: dict[str, type[Settings]] = {
    "classifier": ClassifierSettings,
    "dense": DenseSettings,
    "convolutional": ConvolutionalSettings,
    "strided": StridedSettings,
}
EMBEDDINGS: dict[str, type[Settings]] = {"spectral": SpectralSettings, "umap": UMAPSettings}
KINDS = NETWORKS | EMBEDDINGS
# What each network or embedding must say itself: DVC fills these into `dvc.yaml`, and sees no defaults.
OWN = ("kind", "dataset", "of")


def _some_of(settings: type[Settings]) -> type[Settings]:
    """Return a class with the fields of `settings`, each checked where it is given and none required."""
    fields = {name: field for name, field in settings.model_fields.items() if name not in OWN}
    optional = {name: (field.rebuild_annotation(), None) for name, field in fields.items()}
    return create_model(f"{settings.__name__}Defaults", __base__=Settings, **optional)  # type: ignore[call-overload]


# A mapping for each kind that is used, `defaults.<kind>`.
DefaultsSettings = create_model(
    "DefaultsSettings",
    __base__=Settings,
    **{kind: (_some_of(settings), None) for kind, settings in KINDS.items()},  # type: ignore[call-overload]
)
