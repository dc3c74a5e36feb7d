"""What Keras's optimizers take beside the learning rate, so that a mistake shows before TensorFlow is imported."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, ValidationInfo, model_validator

from stages.shared.settings.fields import Count, NotNegative, Positive, Real, Settings

Decay = Annotated[float, Field(ge=0, lt=1)]
CLIPPINGS = ("clipnorm", "clipvalue", "global_clipnorm")


class OptimizerSettings(Settings):
    """What every optimizer takes. Keras has the defaults; None stands for what is not given."""

    weight_decay: NotNegative | None = None
    clipnorm: Positive | None = None
    clipvalue: Positive | None = None
    global_clipnorm: Positive | None = None
    use_ema: bool = False
    ema_momentum: Decay | None = None
    ema_overwrite_frequency: Count | None = None
    loss_scale_factor: Positive | None = None
    gradient_accumulation_steps: Annotated[Count, Field(ge=2)] | None = None

    @model_validator(mode="after")
    def _clipped_in_one_way(self):
        if len(given := [name for name in CLIPPINGS if getattr(self, name) is not None]) > 1:
            raise ValueError(f"{' and '.join(given)} stand side by side; keep one")
        return self


class SGDSettings(OptimizerSettings):
    momentum: Decay = 0
    nesterov: bool = False


class AdadeltaSettings(OptimizerSettings):
    rho: Decay = 0
    epsilon: Positive = 1


class RMSpropSettings(AdadeltaSettings):
    momentum: Decay = 0
    centered: bool = False


class LionSettings(OptimizerSettings):
    beta_1: Decay = 0
    beta_2: Decay = 0


class NadamSettings(LionSettings):
    epsilon: Positive = 1


class AdamSettings(NadamSettings):
    amsgrad: bool = False


class MuonSettings(OptimizerSettings):
    adam_beta_1: Decay = 0
    adam_beta_2: Decay = 0
    adam_weight_decay: NotNegative | None = None
    adam_lr_ratio: Positive = 1
    epsilon: Positive = 1
    exclude_embeddings: bool = True
    muon_a: Real = 0
    muon_b: Real = 0
    muon_c: Real = 0
    momentum: Decay = 0
    ns_steps: Annotated[int, Field(ge=1, le=100)] = 1
    nesterov: bool = True
    rms_rate: NotNegative | None = None


OPTIMIZERS: dict[str, type[OptimizerSettings]] = {
    "sgd": SGDSettings,
    "adadelta": AdadeltaSettings,
    "rmsprop": RMSpropSettings,
    "adam": AdamSettings,
    "adamw": AdamSettings,
    "nadam": NadamSettings,
    "lion": LionSettings,
    "muon": MuonSettings,
}
Optimizer = Literal["sgd", "adadelta", "rmsprop", "adam", "adamw", "nadam", "lion", "muon"]


def _are_the_optimizers(options: Mapping[str, Any], info: ValidationInfo) -> Mapping[str, Any]:
    """Check options by the optimizer that stands before them; return them as they were given."""
    if "learning_rate" in options:
        raise ValueError("learning_rate is none of these options but a parameter beside them; move it there")
    # Defaults may leave the optimizer to each network; a wrong one has a sentence of its own.
    if optimizer := info.data.get("optimizer"):
        OPTIMIZERS[optimizer].model_validate(options)
    return options


Options = Annotated[dict[str, Any], AfterValidator(_are_the_optimizers)]
