"""The page and the description of the interface: a few files that are read once and need nothing from elsewhere."""

from importlib import resources

from fastapi import FastAPI
from fastapi.responses import Response

# By its address, each file and its type. No other is ever opened.
FILES = {
    "/": ("page.html", "text/html"),
    "/page.css": ("page.css", "text/css"),
    "/page.js": ("page.js", "text/javascript"),
    "/scheme.js": ("scheme.js", "text/javascript"),
    "/docs": ("docs.html", "text/html"),
    "/docs.js": ("docs.js", "text/javascript"),
}


def add(app: FastAPI) -> None:
    """Let an application answer with the page's files."""
    for address, (name, kind) in FILES.items():
        content = resources.files(__name__).joinpath(name).read_bytes()
        app.add_api_route(address, _answering(content, kind), include_in_schema=False)


def _answering(content: bytes, kind: str):
    async def answer() -> Response:
        return Response(content, media_type=kind, headers={"Cache-Control": "no-cache"})

    return answer
