"""Networks, and how they are trained."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from stages.shared.settings.datasets import ImageSettings
from stages.shared.settings.fields import (
    Count,
    Distinct,
    KernelSize,
    NotNegative,
    Positive,
    Seed,
    Settings,
    Several,
    Width,
)
from stages.shared.settings.optimizers import Optimizer, Options

Schedule = Literal["constant", "cosine"]
Activation = Literal["relu", "elu", "gelu", "leaky_relu", "selu", "silu", "tanh", "sigmoid", "linear"]


class EarlyStoppingSettings(Settings):
    patience: Count
    min_delta: NotNegative


class NetworkSettings(ImageSettings):
    """What every network has, and how it is trained."""

    activation: Activation
    optimizer: Optimizer
    optimizer_options: Options
    learning_rate: Positive
    schedule: Schedule
    warmup: Annotated[float, Field(ge=0, lt=1)]
    batch_size: Count
    epochs: Count
    early_stopping: EarlyStoppingSettings | None
    validation: bool
    seed: Seed


class ClassifierSettings(NetworkSettings):
    kind: Literal["classifier"]
    units: Several[Width]
    loss: Literal["categorical_crossentropy"]


class AutoencoderSettings(NetworkSettings):
    output_activation: Literal["sigmoid"]
    loss: Literal["binary_crossentropy", "mean_squared_error"]
    noise: Annotated[float, Field(ge=0, le=1)]


class DenseCodeSettings(AutoencoderSettings):
    """What autoencoders have whose code is a dense layer."""

    units: Several[Width]
    code_activation: Activation
    kl_weight: NotNegative

    @model_validator(mode="after")
    def _means_are_linear(self):
        if self.kl_weight and self.code_activation != "linear":
            raise ValueError("code_activation must be linear where kl_weight is above 0, since codes are then means")
        return self


class DenseSettings(DenseCodeSettings):
    kind: Literal["dense"]


class StridedSettings(DenseCodeSettings):
    kind: Literal["strided"]
    filters: Several[Width]
    kernel_size: KernelSize


class ConvolutionalSettings(AutoencoderSettings):
    kind: Literal["convolutional"]
    filters: Several[Width]
    kernel_size: KernelSize


class LearningRatesSettings(ImageSettings):
    kind: Literal["classifier"]
    units: Several[Width]
    activation: Activation
    optimizer: Optimizer
    rates: Distinct[Positive]
    batch_size: Count
    epochs: Count
    seed: Seed


class SequenceSettings(ImageSettings):
    rows: Count
    units: Width
    optimizer: Optimizer
    learning_rate: Positive
    schedule: Schedule
    batch_size: Count
    epochs: Count
    seed: Seed
    shown: Count
