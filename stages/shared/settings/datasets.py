"""Data sets, and the form in which their images are taken."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from stages.shared.settings.fields import Colour, Count, DatasetName, Distinct, Seed, Settings, Share


class DatasetSettings(Settings):
    """What the data sets have in common."""

    source: str
    limit: Count | None
    test_share: Share
    validation_share: Share
    seed: Seed


class PhotosSettings(DatasetSettings):
    source: Literal["bundled", "cifar10"]
    crops: Annotated[Count, Field(ge=4)]
    batches: Distinct[Annotated[int, Field(ge=1, le=5)]]


class DigitsSettings(DatasetSettings):
    source: Literal["bundled", "mnist"]
    deskew: bool


class DatasetsSettings(Settings):
    photos: PhotosSettings
    digits: DigitsSettings


class ImageSettings(Settings):
    """Which images something is made from, and with how many channels."""

    dataset: DatasetName
    colour: Colour

    @model_validator(mode="after")
    def _digits_are_grey(self):
        if self.dataset == "digits" and self.colour == "rgb":
            raise ValueError("colour must be grey for the digits, which have one channel")
        return self
