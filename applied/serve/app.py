"""The HTTP interface of a trained network, and the page that shows it."""

import json
from collections.abc import Callable, Mapping
from contextlib import asynccontextmanager
from typing import Annotated, Any, Literal

import numpy as np
from fastapi import FastAPI, Path, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from applied.encoder import Encoder
from applied.serve import bodies, models, page, painting
from applied.serve.answers import Answers
from applied.serve.bodies import Refused
from applied.serve.guard import Guard, refusal
from applied.serve.limits import Limits
from applied.serve.work import Work
from autoencoders.core.errors import InputError

Metric = Annotated[Literal["cosine", "euclidean"], Query(description="How codes are compared.")]
Format = Annotated[Literal["json", "png"], Query(description="png: one PNG, several images side by side.")]
Row = Annotated[int, Path(description="Of the index, from 0.")]
PICTURES = {
    "requestBody": {
        "required": True,
        "description": "One picture as the body, or several as multipart fields named `images`.",
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": [bodies.FIELD],
                    "properties": {bodies.FIELD: {"type": "array", "items": {"type": "string", "format": "binary"}}},
                }
            },
            "image/*": {"schema": {"type": "string", "format": "binary"}},
            "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
        },
    }
}
REFUSALS = {
    400: "The body or the request is malformed.",
    404: "The export lacks what is asked for.",
    408: "The body took too long to arrive.",
    413: "Too many bytes, pixels or pictures.",
    415: "No picture of a form that is read.",
    422: "A picture is damaged, or an argument out of range.",
    503: "Too many requests at a time.",
}

SENTENCES = {
    404: "There is nothing at this address; /docs lists what there is.",
    405: "This address is asked in another way; /docs says how.",
}


def create(encoder: Encoder, limits: Limits | None = None, hosts: tuple[str, ...] | None = None) -> FastAPI:
    """Return the application that serves a trained network.

    Parameters
    ----------
    encoder : Encoder
    limits : Limits, optional
    hosts : tuple of str, optional
        The names that requests may be addressed to; by default all.
    """
    limits = limits or Limits()
    answers, work = Answers(encoder, limits.max_pixels), Work(limits)

    @asynccontextmanager
    async def lifespan(_: FastAPI):
        await work(answers.warm)
        yield
        work.close()

    name = encoder.manifest["network"]
    app = FastAPI(
        title=f"Network {name}",
        description=f"Codes, clusters, neighbours and pictures by the autoencoder {name}.",
        version=str(encoder.manifest["format"]),
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        # Nothing is redirected: what is no address of the server is answered with 404.
        redirect_slashes=False,
    )
    app.state.answers = answers
    _refuse_in_sentences(app)
    _add_uses(app, answers, work, limits)
    _add_index(app, answers, work, limits)
    _add_facts(app, answers, limits)
    page.add(app)
    app.add_middleware(Guard, limits=limits, hosts=hosts)
    return app


def _refuse_in_sentences(app: FastAPI) -> None:
    @app.exception_handler(Refused)
    async def refused(request: Request, error: Refused) -> Response:
        return refusal(error.status, str(error))

    @app.exception_handler(InputError)
    async def unusable(request: Request, error: InputError) -> Response:
        return refusal(422, str(error))

    @app.exception_handler(MemoryError)
    async def full(request: Request, error: MemoryError) -> Response:
        return refusal(503, "The server has no memory left for this request; try again later.")

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        reason = first["msg"].replace("Input should", "it should")
        return refusal(422, f"{first['loc'][-1]} is {str(first['input'])!a:.80}; {reason}.")

    @app.exception_handler(HTTPException)
    async def unknown(request: Request, error: HTTPException) -> Response:
        return refusal(error.status_code, SENTENCES.get(error.status_code, f"{error.detail}."))

    @app.exception_handler(Exception)
    async def failed(request: Request, error: Exception) -> Response:
        return refusal(500, "The server failed at this request; its log says where.")


def _described(model: Any = None, png: bool = False, **more: Any) -> dict[str, Any]:
    """Return the arguments of a route: what the description of the interface says of its answers."""
    good: dict[str, Any] = {"model": model} if model else {}
    if png:
        good["content"] = {"image/png": {"schema": {"type": "string", "format": "binary"}}}
    refusals = {status: {"model": models.Refusal, "description": text} for status, text in REFUSALS.items()}
    return {"response_model": None, "responses": {200: good, **refusals}, **more}


def _json(value: Mapping[str, Any]) -> Response:
    content = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return Response(content.encode(), media_type="application/json")


def _images(images: np.ndarray, form: str) -> Response:
    if form == "png":
        return Response(painting.png(painting.grid(images)), media_type="image/png")
    return _json({"images": [painting.address(image) for image in images]})


def _add_uses(app: FastAPI, answers: Answers, work: Work, limits: Limits) -> None:
    encoder = answers.encoder
    post: dict[str, Any] = {"openapi_extra": PICTURES}

    async def of_pictures(request: Request, answer: Callable[[np.ndarray], Response], most: int = 0) -> Response:
        body = await bodies.received(request, limits)

        def do() -> Response:
            sent = bodies.pictures(body, request.headers, limits)
            if most and len(sent) > most:
                raise Refused(413, f"The request brings {len(sent)} pictures; send one at a time.")
            return answer(answers.prepared(sent))

        return await work(do)

    @app.post("/encode", **_described(models.Codes, **post))
    async def encode(request: Request) -> Response:
        """The codes of pictures."""
        return await of_pictures(request, lambda images: _json(answers.codes(images)))

    @app.post("/assign", **_described(models.Assignments, **post))
    async def assign(request: Request) -> Response:
        """The clusters of pictures, and how typical of them the pictures are."""
        answers.need("assign")
        return await of_pictures(request, lambda images: _json(answers.assignments(images)))

    @app.post("/search", **_described(models.Neighbours, **post))
    async def search(
        request: Request, k: Annotated[int, Query(ge=1, le=limits.max_neighbours)] = 10, metric: Metric = "cosine"
    ) -> Response:
        """The nearest images of the index to each picture."""
        answers.need("search")

        def answer(images: np.ndarray) -> Response:
            return _json(answers.neighbours(encoder.encode(images, prepared=True), k, metric))

        return await of_pictures(request, answer)

    @app.post("/reconstruct", **_described(models.Images, png=True, **post))
    async def reconstruct(request: Request, format: Format = "json") -> Response:
        """Pictures as the decoder draws them from their codes."""
        return await of_pictures(request, lambda images: _images(answers.reconstructions(images), format))

    @app.post("/denoise", **_described(models.Images, png=True, **post))
    async def denoise(request: Request, format: Format = "json") -> Response:
        """Noisy pictures restored, by a network that was trained on noise."""
        answers.need("denoise")
        return await of_pictures(request, lambda images: _images(answers.denoised(images), format))

    @app.post("/anomaly", **_described(models.Anomalies, **post))
    async def anomaly(request: Request, by: Literal["reconstruction", "index"] | None = None) -> Response:
        """How unusual pictures are among those that the network was not trained on."""
        return await of_pictures(request, lambda images: _json(answers.anomalies(images, by)))

    @app.post("/describe", **_described(models.Description, **post))
    async def describe(request: Request, metric: Metric = "cosine") -> Response:
        """All of the above about one picture, as the page shows it."""
        return await of_pictures(request, lambda images: _json(answers.description(images, metric)), most=1)

    @app.get("/generate", **_described(models.Images, png=True))
    async def generate(
        n: Annotated[int, Query(ge=1, le=limits.max_generated)] = 16,
        seed: Annotated[int, Query(ge=0, lt=2**63)] = 0,
        source: Literal["mixture", "prior"] | None = None,
        format: Format = "json",
    ) -> Response:
        """New images, decoded from codes that are drawn at random; the same for the same seed."""
        answers.need("generate", source)
        return await work(lambda: _images(answers.generated(n, seed, source), format))


def _add_index(app: FastAPI, answers: Answers, work: Work, limits: Limits) -> None:
    @app.get("/index/{row}", **_described(png=True))
    async def thumbnail(row: Row) -> Response:
        """The picture of an image of the index, of at most 64 pixels a side, as a PNG."""
        content = await work(lambda: painting.png(np.asarray(answers.thumbnail(row))))
        return Response(content, media_type="image/png", headers={"Cache-Control": "private, max-age=600"})

    @app.get("/index/{row}/nearest", **_described(models.RowNeighbours))
    async def row_nearest(
        row: Row, k: Annotated[int, Query(ge=1, le=limits.max_neighbours)] = 10, metric: Metric = "cosine"
    ) -> Response:
        """The nearest other images to an image of the index."""
        return await work(lambda: _json(answers.row_neighbours(row, k, metric)))

    @app.get("/index/{row}/describe", **_described(models.Description))
    async def row_describe(row: Row, metric: Metric = "cosine") -> Response:
        """Everything about an image of the index; null is what its small picture does not suffice for."""
        return await work(lambda: _json(answers.row_description(row, metric)))


def _add_facts(app: FastAPI, answers: Answers, limits: Limits) -> None:
    @app.get("/manifest")
    async def manifest() -> dict[str, Any]:
        """What the export says of itself: the network, its images, parameters and scores."""
        return answers.manifest

    @app.get("/health", response_model=models.Health)
    async def health(request: Request) -> Response:
        """Whether the server answers; this is answered also when there is too much to do."""
        facts = {"status": "ok", "network": answers.manifest["network"], "images": answers.n_index}
        return JSONResponse({**facts, "requests": request.scope.get("busy", 0)})
