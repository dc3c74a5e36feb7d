"""The answers' forms, for the description of the interface (OpenAPI). Nothing is checked against them at run time."""

from pydantic import BaseModel, Field

PNG = "A PNG as a `data:` address."


class Refusal(BaseModel):
    error: str = Field(description="One sentence: what is wrong, and what to do.")


class Codes(BaseModel):
    shape: list[int] = Field(description="Of one code: [width], or [height, width, filters].")
    codes: list[list[float]] = Field(description="One code a picture, in its order; nine digits give the same float32.")


class Assignment(BaseModel):
    cluster: int
    distance: float = Field(description="To the cluster's centre, as its clustering measures it.")
    farther: float | None = Field(description="Share of the cluster's training images that lie farther away.")
    images: int | None = Field(None, description="Training images in the cluster; absent without an index.")
    central: list[int] | None = Field(None, description="Rows of the index: the cluster's most central images.")


class Assignments(BaseModel):
    assignments: list[Assignment]


class Neighbour(BaseModel):
    row: int = Field(description="Of the index; /index/{row} is its picture.")
    distance: float
    cluster: int | None = None
    class_: str | None = Field(None, alias="class")
    file: str | None = None


class Neighbours(BaseModel):
    metric: str
    neighbours: list[list[Neighbour]] = Field(description="For each picture, nearest first; equally near ones by row.")


class RowNeighbours(BaseModel):
    metric: str
    row: int
    neighbours: list[Neighbour] = Field(description="Without the image itself.")


class Images(BaseModel):
    images: list[str] = Field(description=PNG)


class Anomaly(BaseModel):
    score: float = Field(description="Mean squared error of the reconstruction, or distance of the nearest code.")
    below: float = Field(description="Share of held-out images with a lower score: near 1 for an unusual picture.")


class Anomalies(BaseModel):
    by: str = Field(description="reconstruction or index.")
    anomalies: list[Anomaly]


class Scored(Anomaly):
    by: str


class Description(BaseModel):
    row: int | None = Field(description="Of the index; null for a picture that was sent.")
    picture: str = Field(description="As the network sees it. " + PNG)
    shape: list[int]
    code: list[float]
    reconstruction: str = Field(description=PNG)
    denoised: str | None = Field(description=PNG)
    cluster: Assignment | None
    nearest: list[Neighbour] | None
    anomaly: Scored | None


class Health(BaseModel):
    status: str = Field(description="ok")
    network: str
    images: int = Field(description="In the index; 0 without one.")
    requests: int = Field(description="That are being answered.")
