"""What `params.yaml` may hold, and the reading of it.

`python -m stages.parameters` checks the whole file and prints one sentence for the first mistake.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from autoencoders.errors import InputError

FILE = Path("params.yaml")
RECIPES = ("fast", "chapter")

Count = Annotated[int, Field(ge=1, strict=True)]
Seed = Annotated[int, Field(ge=0, lt=2**32, strict=True)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Share = Annotated[float, Field(gt=0, lt=1)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")]


class Block(BaseModel):
    """A mapping in `params.yaml`; a key that is not listed here is a mistake."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Neuron(Block):
    theta: Annotated[list[float], Field(min_length=1)]
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
    batches: Annotated[list[Annotated[int, Field(ge=1, le=5, strict=True)]], Field(min_length=1)]

    @model_validator(mode="after")
    def _distinct(self):
        if len(set(self.batches)) < len(self.batches):
            raise ValueError("batches must name each batch once")
        return self


class Digits(Dataset):
    source: Literal["bundled", "mnist"]


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


class Classifier(Network):
    kind: Literal["classifier"]
    units: Units
    loss: Literal["categorical_crossentropy"]


class Autoencoder(Network):
    output_activation: Literal["sigmoid"]
    loss: Literal["binary_crossentropy", "mean_squared_error"]
    noise: Annotated[float, Field(ge=0, le=1)]


class Dense(Autoencoder):
    kind: Literal["dense"]
    units: Units


class Convolutional(Autoencoder):
    kind: Literal["convolutional"]
    filters: Annotated[list[Count], Field(min_length=1, max_length=2)]
    kernel_size: Count


class LearningRate(Images):
    kind: Literal["classifier"]
    units: Units
    activation: Activation
    optimizer: Optimizer
    rates: Annotated[list[Positive], Field(min_length=1)]
    batch_size: Count
    epochs: Count
    seed: Seed


class Cluster(Block):
    n_clusters: Annotated[int, Field(ge=2, strict=True)]
    n_init: Count
    max_iter: Count
    silhouette_sample: Annotated[int, Field(ge=3, strict=True)]
    central_images: Count
    seed: Seed


class Parameters(Block):
    recipe: Literal["fast", "chapter"]
    neuron: Neuron
    datasets: Datasets
    classifiers: Annotated[dict[Name, Classifier], Field(min_length=1)]
    autoencoders: Annotated[
        dict[Name, Annotated[Dense | Convolutional, Field(discriminator="kind")]],
        Field(min_length=1),
    ]
    learning_rate: Annotated[LearningRate, Field(alias="learning-rate")]
    cluster: Cluster

    @model_validator(mode="after")
    def _consistent(self):
        if both := self.classifiers.keys() & self.autoencoders.keys():
            raise ValueError(f"{min(both)} names both a classifier and an autoencoder; rename one of them")
        for name, dataset in self.datasets:
            if dataset.limit is not None and self.cluster.n_clusters > dataset.limit:
                raise ValueError(
                    f"cluster.n_clusters is {self.cluster.n_clusters}, more than the {dataset.limit} images "
                    f"that datasets.{name}.limit allows; lower the one or raise the other"
                )
        return self


def read(*keys: str) -> tuple:
    """Return the blocks or values of `params.yaml` that the dotted keys name, checked.

    The whole file is checked, whichever keys are asked for, so that a mistake shows at the first stage.
    Values that differ by recipe are resolved to those of the recipe in force. Each key must be declared
    under the stage's `params` in `dvc.yaml`, with its recipe where one applies.

    Raises
    ------
    InputError
        If the file is missing or no YAML, or a key is unknown, missing, of the wrong type or out of range.
    """
    parameters = check(_load(FILE))
    return tuple(_find(parameters, key) for key in keys)


def check(values: object) -> Parameters:
    """Validate the content of a parameters file; see `read`."""
    if not isinstance(values, Mapping):
        raise InputError(f"{FILE} must hold a mapping of parameters; restore it with `git checkout {FILE}`.")
    try:
        return Parameters.model_validate(_resolve_recipe(values))
    except ValidationError as error:
        raise InputError(_sentence(error.errors()[0])) from None


def _load(file: Path) -> object:
    try:
        return yaml.safe_load(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{file} is missing; run from the root of the repository.") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        where = getattr(error, "problem_mark", None)
        line = f" at line {where.line + 1}" if where else ""
        raise InputError(f"{file} is not valid YAML{line}; correct it there.") from None


def _resolve_recipe(values: Mapping) -> dict:
    """Replace `{fast: …, chapter: …}` in the networks' blocks by the value of the recipe in force."""
    recipe = values.get("recipe")
    if recipe not in RECIPES:
        return dict(values)
    resolved = dict(values)
    for group in ("classifiers", "autoencoders"):
        if isinstance(values.get(group), Mapping):
            resolved[group] = {
                name: {key: _of_recipe(value, recipe, f"{group}.{name}.{key}") for key, value in block.items()}
                if isinstance(block, Mapping)
                else block
                for name, block in values[group].items()
            }
    return resolved


def _of_recipe(value: object, recipe: str, key: str) -> object:
    if not isinstance(value, Mapping) or not value.keys() & set(RECIPES):
        return value
    if unknown := value.keys() - set(RECIPES):
        raise InputError(f"{key} gives a value for '{min(map(str, unknown))}', which is no recipe; use {_either(RECIPES)}.")
    if recipe not in value:
        raise InputError(f"{key} gives no value for the recipe '{recipe}'; add one, or give one value for all.")
    return value[recipe]


def _find(parameters: Parameters, key: str) -> object:
    found: object = parameters
    for part in key.split("."):
        # Networks have names of their own; a block's keys are attributes, in which no hyphen can stand.
        name = part if isinstance(found, Mapping) else part.replace("-", "_")
        known = dict(found)
        if name not in known:
            raise InputError(f"{FILE} has no {key}; there is {_either(sorted(known))}.")
        found = known[name]
    return found


def _sentence(error: Mapping) -> str:
    """Turn one of pydantic's errors into a sentence that names the parameter."""
    # A discriminated union puts its tag into the path, where a reader of the file sees no key.
    path = [str(part) for part in error["loc"] if part not in ("dense", "convolutional")]
    key = ".".join(path)
    given = error["input"]
    match error["type"]:
        case "extra_forbidden":
            return f"{FILE} has an unknown parameter {key}; remove it or correct its name."
        case "missing":
            return f"{FILE} lacks the parameter {key}; add it."
        case "union_tag_not_found":
            return f"{FILE} lacks the parameter {key}.kind; add it."
        case "union_tag_invalid":
            return f"{key}.kind is {given.get('kind')!r}; it should be one of {error['ctx']['expected_tags']}."
        case "value_error":
            message = str(error["ctx"]["error"])
            return f"{key}: {message}." if key else f"{message}."
    message = error["msg"][0].lower() + error["msg"][1:]
    return f"{key} is {given!r}, but the {message}." if message.startswith("input") else f"{key} is {given!r}: {message}."


def _either(names) -> str:
    return ", ".join(f"'{name}'" for name in names)


if __name__ == "__main__":
    from stages.running import run

    run(lambda: read() and None)
