"""The pictures in a request's body: received within limits, taken apart in memory, never written to disk."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fastapi import Request
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from applied.serve.guard import too_large
from applied.serve.limits import Limits

FIELD = "images"
# Types of a body that is one picture; "" stands for none given.
RAW = ("", "application/octet-stream")
HOW = f"send one picture as the body (Content-Type image/…), or several as multipart fields named {FIELD}"


class Refused(Exception):
    """A request that is not carried out; the message is one sentence for its sender."""

    def __init__(self, status: int, sentence: str):
        super().__init__(sentence)
        self.status = status


async def received(request: Request, limits: Limits) -> bytes:
    """Return a request's body.

    Raises
    ------
    Refused
        413 if it is too long, 408 if it takes too long to arrive.
    """
    body = bytearray()
    try:
        async with asyncio.timeout(limits.seconds):
            async for chunk in request.stream():
                body += chunk
                if len(body) > limits.max_bytes:
                    raise Refused(413, too_large(limits))
    except TimeoutError:
        raise Refused(408, f"The body did not arrive within {limits.seconds} seconds; send it again.") from None
    return bytes(body)


def pictures(body: bytes, headers: Mapping[str, str], limits: Limits) -> list[bytes]:
    """Return the pictures of a body, at least one, each as it was sent.

    Raises
    ------
    Refused
        415 if the body's type is none that is read, 400 if it is malformed, 413 if it holds too many pictures, 422 if
        it holds none.
    """
    kind, options = parse_options_header(headers.get("content-type", ""))
    if kind == b"multipart/form-data":
        found = _parts(body, options.get(b"boundary", b""), limits)
    elif kind.startswith(b"image/") or kind.decode("latin-1") in RAW:
        found = [body]
    else:
        raise Refused(415, f"A body of the type {kind.decode('latin-1')!a:.80} is not read; {HOW}.")
    if not any(found):
        raise Refused(422, f"The request brings no picture; {HOW}.")
    return found


@dataclass
class _Collected:
    """What the parser has told so far."""

    most: int
    found: list[bytes] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    ended: bool = False
    _name: bytes = b""
    _value: bytes = b""
    _disposition: bytes = b""
    _data: list[bytes] = field(default_factory=list)

    def begin(self) -> None:
        if len(self.found) + len(self.others) >= self.most:
            raise Refused(413, f"The request brings more than {self.most} pictures, the most that are taken at a time.")
        self._disposition, self._data = b"", []

    def name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def header(self) -> None:
        if self._name.lower() == b"content-disposition":
            self._disposition = self._value
        self._name = self._value = b""

    def data(self, data: bytes, start: int, end: int) -> None:
        self._data.append(data[start:end])

    def end(self) -> None:
        name = parse_options_header(self._disposition)[1].get(b"name", b"").decode("utf-8", "replace")
        if name == FIELD:
            self.found.append(b"".join(self._data))
        else:
            self.others.append(name)

    def over(self) -> None:
        self.ended = True


def _parts(body: bytes, boundary: bytes, limits: Limits) -> list[bytes]:
    if not boundary:
        raise Refused(400, "The Content-Type of the multipart body names no boundary; let your client write it.")
    told = _Collected(limits.max_images)
    # The library's type of them is private.
    calls: Any = {
        "on_part_begin": told.begin,
        "on_header_field": told.name,
        "on_header_value": told.value,
        "on_header_end": told.header,
        "on_part_data": told.data,
        "on_part_end": told.end,
        "on_end": told.over,
    }
    try:
        parser = MultipartParser(boundary, calls)
        parser.write(body)
        parser.finalize()
    except FormParserError:
        told.ended = False
    if not told.ended:
        raise Refused(400, "The multipart body is malformed or cut off; send it again.")
    if told.others:
        raise Refused(422, f"The form has a field {told.others[0]!a:.80}; name the fields of pictures {FIELD}.")
    return told.found
