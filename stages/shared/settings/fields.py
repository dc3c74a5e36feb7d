"""Types of values that several settings have, and the class of all settings."""

import re
from collections.abc import Iterable
from typing import Annotated, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

Item = TypeVar("Item")

# Numbers beyond these are mistakes, and overflow in float32 or in the libraries' integers.
LARGEST, MOST = 1e30, 2**31 - 1
# File systems take 255 bytes; a stage writes to a longer name first, and DVC adds one of its own.
LONGEST_NAME = 100
# Windows keeps these names for devices, in whatever folder.
DEVICES = {"con", "prn", "aux", "nul", *(f"{port}{number}" for port in ("com", "lpt") for number in range(1, 10))}

Real = Annotated[float, Field(ge=-LARGEST, le=LARGEST)]
Positive = Annotated[float, Field(gt=0, le=LARGEST)]
NotNegative = Annotated[float, Field(ge=0, le=LARGEST)]
Share = Annotated[float, Field(gt=0, lt=1)]
Count = Annotated[int, Field(ge=1, le=MOST)]
# Units of a layer, filters of a convolution.
Width = Annotated[int, Field(ge=1, le=2**16)]
# Side of a convolution's windows.
KernelSize = Annotated[int, Field(ge=1, le=64)]
Seed = Annotated[int, Field(ge=0, lt=2**32)]


class UnusableName(ValueError):
    """What a name must be or is, without the name."""


def _file_name(name: str) -> str:
    """Refuse names that a file system or a shell takes for something else."""
    if not re.fullmatch("[A-Za-z0-9][A-Za-z0-9_-]*", name):
        raise UnusableName("must be of letters, digits, '-' and '_', the first a letter or a digit; correct it")
    if len(name) > LONGEST_NAME:
        raise UnusableName(f"has {len(name)} characters, more than {LONGEST_NAME}; shorten it")
    if name.lower() in DEVICES:
        raise UnusableName("is that of a device on Windows; write another")
    return name


Name = Annotated[str, AfterValidator(_file_name)]
Colour = Literal["grey", "rgb"]
# A path, or a name of a file; a NUL ends names in the calls of operating systems.
Text = Annotated[str, Field(min_length=1, max_length=4096, pattern=r"^[^\x00]*$")]


def _distinct(values: list[Item]) -> list[Item]:
    """Refuse values that are, or print, the same: they would name the same curve or file."""
    shown = [f"{value:g}" if isinstance(value, float) else str(value) for value in values]
    if len(set(shown)) < len(shown):
        raise ValueError("each value must be given once")
    return values


Several = Annotated[list[Item], Field(min_length=1)]
Distinct = Annotated[list[Item], Field(min_length=1), AfterValidator(_distinct)]


class Settings(BaseModel):
    """A mapping in `params.yaml`; a key that is not listed in its class is a mistake.

    No number may be infinite or NaN, and neither text nor true and false pass for numbers.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


def either(names: Iterable[str]) -> str:
    """Return names as a sentence lists them."""
    return ", ".join(f"'{name}'" for name in names)
