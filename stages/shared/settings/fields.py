"""Types of values that several settings have, and the class of all settings."""

from collections.abc import Iterable
from typing import Annotated, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

Item = TypeVar("Item")

Flag = Annotated[bool, Field(strict=True)]
Count = Annotated[int, Field(ge=1, strict=True)]
Seed = Annotated[int, Field(ge=0, lt=2**32, strict=True)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Share = Annotated[float, Field(gt=0, lt=1)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")]
DatasetName = Literal["photos", "digits"]
Colour = Literal["grey", "rgb"]


def _distinct(values: list[Item]) -> list[Item]:
    """Refuse values that are, or print, the same: they would name the same curve or file."""
    shown = [f"{value:g}" if isinstance(value, float) else str(value) for value in values]
    if len(set(shown)) < len(shown):
        raise ValueError("each value must be given once")
    return values


Several = Annotated[list[Item], Field(min_length=1)]
Distinct = Annotated[list[Item], Field(min_length=1), AfterValidator(_distinct)]


class Settings(BaseModel):
    """A mapping in `params.yaml`; a key that is not listed in its class is a mistake."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def either(names: Iterable[str]) -> str:
    """Return names as a sentence lists them."""
    return ", ".join(f"'{name}'" for name in names)
