"""Data sets, by where their images come from, and the form in which their images are taken."""

from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field, model_validator

from stages.shared.settings.fields import (
    LARGEST,
    Colour,
    Count,
    Distinct,
    Name,
    Seed,
    Settings,
    Share,
    Text,
)

# Pixels a side. A wider picture is not one that a network here could be trained on.
Side = Annotated[int, Field(ge=1, le=4096)]


class DatasetSettings(Settings):
    """What the data sets have in common.

    Attributes
    ----------
    own : bool
        Whether the images are the user's own: who stands in which split is then decided picture by picture, by the
        shares. Others have training and test images, of which the last ones become validation images.
    """

    own: ClassVar[bool] = False

    source: str
    path: Text
    limit: Count | None
    test_share: Share
    validation_share: Share
    seed: Seed

    @property
    def image_size(self) -> tuple[int, int] | None:
        """Height and width of the images in pixels, as far as the parameters show them."""
        raise NotImplementedError

    @property
    def channels(self) -> int:
        """1 for grey images, 3 for red, green and blue."""
        raise NotImplementedError


class PhotosSettings(DatasetSettings):
    source: Literal["bundled_photos", "cifar10"]
    crops: Annotated[Count, Field(ge=4)]
    batches: Distinct[Annotated[int, Field(ge=1, le=5)]]

    @property
    def image_size(self) -> tuple[int, int]:
        return 32, 32

    @property
    def channels(self) -> int:
        return 3


class DigitsSettings(DatasetSettings):
    source: Literal["bundled_digits", "mnist"]
    deskew: bool

    @property
    def image_size(self) -> tuple[int, int]:
        return 28, 28

    @property
    def channels(self) -> int:
        return 1


class OwnSettings(DatasetSettings):
    """What the user's own images have in common."""

    own: ClassVar[bool] = True

    size: Annotated[list[Side], Field(min_length=2, max_length=2)] | None
    fit: Literal["crop", "pad", "stretch"]
    colour: Colour

    @property
    def image_size(self) -> tuple[int, int] | None:
        return (self.size[0], self.size[1]) if self.size else None

    @property
    def channels(self) -> int:
        return 3 if self.colour == "rgb" else 1


class PicturesSettings(OwnSettings):
    """Pictures, a file each."""

    unreadable: Literal["stop", "skip"]
    # Pillow refuses more by itself.
    max_pixels: Annotated[Count, Field(le=178_956_970)]


class FolderSettings(PicturesSettings):
    source: Literal["folder"]
    labels: Literal["folders", "none"]


class TableSettings(PicturesSettings):
    source: Literal["table"]
    table: Text
    labels: Literal["column", "none"]


def _ascending(values: list[float]) -> list[float]:
    if values[0] >= values[1]:
        raise ValueError("the first must be below the second")
    return values


class ArraysSettings(OwnSettings):
    source: Literal["arrays"]
    labels: Literal["stored", "none"]
    range: (
        Annotated[
            list[Annotated[float, Field(ge=-LARGEST, le=LARGEST)]],
            Field(min_length=2, max_length=2),
            AfterValidator(_ascending),
        ]
        | None
    )


class IdxSettings(OwnSettings):
    source: Literal["idx"]
    labels: Literal["stored", "none"]
    transposed: bool

    @model_validator(mode="after")
    def _idx_is_grey(self):
        if self.colour == "rgb":
            raise ValueError("colour must be grey for the source idx, whose images have one channel")
        return self


Dataset = Annotated[
    PhotosSettings | DigitsSettings | FolderSettings | TableSettings | ArraysSettings | IdxSettings,
    Field(discriminator="source"),
]


class ImageSettings(Settings):
    """Which images something is made from, and with how many channels."""

    dataset: Name
    colour: Colour
