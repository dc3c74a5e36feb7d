"""What stands before every request: the hosts that are served, requests at a time, and what a browser may load."""

import asyncio
import logging

from starlette.datastructures import MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from applied.serve.limits import Limits

LOOPBACK = ("localhost", "127.0.0.1", "::1")
# The page brings everything along. Pictures are shown from memory (blob:) and from answers (data:).
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}
# Says whether the server is there, so that it is answered also when there is too much to do.
ALWAYS = "/health"
LOG = logging.getLogger("uvicorn.error")


class Guard:
    """An ASGI application before another one.

    Parameters
    ----------
    app : ASGI application
    limits : Limits
    hosts : tuple of str, optional
        The names that requests may be addressed to. A page elsewhere on the web can give its own name the address of
        this machine, and so have a browser here read from a server that listens on loopback alone; the name that it
        asks for gives it away. By default all.

    Attributes
    ----------
    busy : int
        Requests at this moment.
    """

    def __init__(self, app: ASGIApp, limits: Limits, hosts: tuple[str, ...] | None = None):
        self.app, self.limits, self.hosts = app, limits, hosts
        self.busy = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        answer = self._refusal(scope)
        if answer is not None:
            await answer(scope, receive, self._with_headers(send))
            return
        counted = scope["path"] != ALWAYS
        self.busy += counted
        scope["busy"] = self.busy
        try:
            await self.app(scope, receive, self._with_headers(send))
        except TimeoutError:
            # The client does not take its answer; uvicorn closes what is left half said.
            LOG.info("An answer was not taken within %d seconds.", self.limits.seconds)
            raise
        finally:
            self.busy -= counted

    def _refusal(self, scope: Scope) -> JSONResponse | None:
        headers = dict(scope["headers"])
        host = _name(headers.get(b"host", b"").decode("latin-1"))
        if self.hosts is not None and host not in self.hosts:
            return refusal(421, f"This server does not answer for {host!a:.80}; start it with --allow-host.")
        if scope["path"] != ALWAYS and self.busy >= self.limits.max_requests:
            return refusal(503, f"{self.busy} requests are being answered, which is the most; try again in a second.")
        length = headers.get(b"content-length", b"0")
        if length.isdigit() and int(length) > self.limits.max_bytes:
            return refusal(413, too_large(self.limits))
        return None

    def _with_headers(self, send: Send) -> Send:
        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("Cache-Control", "no-store")
            # Whoever does not take the answer would hold a place among the requests for ever.
            async with asyncio.timeout(self.limits.seconds):
                await send(message)

        return sent


def too_large(limits: Limits) -> str:
    """Return the sentence about a body of too many bytes."""
    return f"The request has more than {limits.max_bytes:,} bytes; send fewer or smaller pictures."


def refusal(status: int, sentence: str) -> JSONResponse:
    """Return the answer to a request that is not carried out."""
    return JSONResponse({"error": sentence}, status, {"Retry-After": "1"} if status in (429, 503) else None)


def _name(host: str) -> str:
    """Return a Host header's name without its port; of an address of IPv6 without its brackets."""
    if host.startswith("["):
        return host[1:].partition("]")[0].casefold()
    return host.partition(":")[0].casefold()
