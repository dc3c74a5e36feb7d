"""Parameters of data sets and networks: a class for each kind of block of `params.yaml`."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

Count = Annotated[int, Field(ge=1, strict=True)]
Seed = Annotated[int, Field(ge=0, lt=2**32, strict=True)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Share = Annotated[float, Field(gt=0, lt=1)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")]


def _distinct(values: list) -> list:
    """Refuse values that are, or print, the same: they would name the same curve or file."""
    shown = [f"{value:g}" if isinstance(value, float) else str(value) for value in values]
    if len(set(shown)) < len(shown):
        raise ValueError("each value must be given once")
    return values


def Distinct(item, **field):  # noqa: N802 - it stands where types do
    """Return the type of a list of different `item`s, at least one."""
    return Annotated[list[item], Field(min_length=1, **field), AfterValidator(_distinct)]


class Block(BaseModel):
    """A mapping in `params.yaml`; a key that is not listed here is a mistake."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Neuron(Block):
    theta: Distinct(float)
    points: Annotated[int, Field(ge=2, strict=True)]
    start: float
    stop: float

    @model_validator(mode="after")
    def _ordered(self):
        if self.start >= self.stop:
            raise ValueError("start must be below stop")
        return self


class Dataset(Block):
    source: str
    limit: Count | None
    test_share: Share
    validation_share: Share
    seed: Seed


class Photos(Dataset):
    source: Literal["bundled", "cifar10"]
    crops: Annotated[int, Field(ge=4, strict=True)]
    batches: Distinct(Annotated[int, Field(ge=1, le=5, strict=True)])


class Digits(Dataset):
    source: Literal["bundled", "mnist"]
    deskew: Annotated[bool, Field(strict=True)]


class Datasets(Block):
    photos: Photos
    digits: Digits


class EarlyStopping(Block):
    patience: Count
    min_delta: Annotated[float, Field(ge=0)]


Optimizer = Literal["sgd", "adadelta", "rmsprop", "adam", "adamw", "nadam", "lion", "muon"]
Activation = Literal["relu", "elu", "gelu", "leaky_relu", "selu", "silu", "tanh", "sigmoid", "linear"]
Units = Annotated[list[Count], Field(min_length=1)]


class Images(Block):
    """Which images a network takes, and in what form."""

    dataset: Literal["photos", "digits"]
    colour: Literal["grey", "rgb"]

    @model_validator(mode="after")
    def _digits_are_grey(self):
        if self.dataset == "digits" and self.colour == "rgb":
            raise ValueError("colour must be grey for the digits, which have one channel")
        return self


class Network(Images):
    """What every network has, and how it is trained."""

    activation: Activation
    optimizer: Optimizer
    optimizer_options: dict[str, bool | int | float | str | None]
    learning_rate: Positive
    schedule: Literal["constant", "cosine"]
    warmup: Annotated[float, Field(ge=0, lt=1)]
    batch_size: Count
    epochs: Count
    early_stopping: EarlyStopping | None
    validation: Annotated[bool, Field(strict=True)]
    seed: Seed


class Products(Block):
    """How the matrix products of a network of dense layers are computed in training."""

    jit_compile: Annotated[bool, Field(strict=True)]
    precision: Literal["float32", "bfloat16"]


class Classifier(Network, Products):
    kind: Literal["classifier"]
    units: Units
    loss: Literal["categorical_crossentropy"]


class Autoencoder(Network):
    output_activation: Literal["sigmoid"]
    loss: Literal["binary_crossentropy", "mean_squared_error"]
    noise: Annotated[float, Field(ge=0, le=1)]


class DenseCode(Autoencoder):
    """What autoencoders have whose code is a dense layer."""

    units: Units
    code_activation: Activation
    kl_weight: Annotated[float, Field(ge=0, allow_inf_nan=False)]

    @model_validator(mode="after")
    def _means_are_linear(self):
        if self.kl_weight and self.code_activation != "linear":
            raise ValueError("code_activation must be linear where kl_weight is above 0, since codes are then means")
        return self


class Dense(DenseCode, Products):
    kind: Literal["dense"]


class Strided(DenseCode):
    kind: Literal["strided"]
    filters: Annotated[list[Count], Field(min_length=1)]
    kernel_size: Count


class Convolutional(Autoencoder):
    kind: Literal["convolutional"]
    filters: Annotated[list[Count], Field(min_length=1, max_length=2)]
    kernel_size: Count


class LearningRates(Images):
    kind: Literal["classifier"]
    units: Units
    activation: Activation
    optimizer: Optimizer
    rates: Distinct(Positive)
    batch_size: Count
    epochs: Count
    seed: Seed
