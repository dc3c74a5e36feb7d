"""Folders in stores as fsspec opens and lists them, with several requests on their way at once."""

import html
import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any
from urllib.parse import quote, unquote

from autoencoders.core import addresses

HTTP = ("http", "https")
# Files that one thread asks for at once: the answer of a store takes some tens of milliseconds, whatever its size.
AT_ONCE = 16
# Connections of a process to S3; by default there are 10.
S3_CONNECTIONS = 64
# Seconds before a request by HTTP is made again. The packages of other protocols do this themselves.
WAITS = (0.5, 2.0)
# What the listings of stores call the version of a file, the most exact first.
VERSIONS = (
    *("ETag", "etag", "md5Hash", "Content-MD5", "Digest", "Last-Modified", "LastModified", "last_modified"),
    *("mtime", "modify", "modified", "updated", "last_write_time", "created"),
)

# Size in bytes, where it is known, and version by name; None where there is no such file.
Listed = dict[str, tuple[int | None, int | str] | None]

# Of a file system that has one connection, which answers one question at a time.
_ONE = threading.Lock()


def opened(address: str) -> tuple[Any, str]:
    """Return the file system of an address, one for all threads of a process, and the path in it."""
    # A process that was forked off has no part in its parent's connections.
    return _opened_in(os.getpid(), address)


@cache
def _opened_in(process: int, address: str) -> tuple[Any, str]:
    import fsspec
    from fsspec.core import url_to_fs

    protocol = addresses.protocol(address)
    options: dict[str, Any] = {}
    if protocol in HTTP:
        # Addresses in the text of a page are no links.
        options["simple_links"] = False
    if protocol in ("s3", "s3a") and "config_kwargs" not in fsspec.config.conf.get("s3", {}):
        options["config_kwargs"] = {"max_pool_connections": S3_CONNECTIONS}
    fs, path = url_to_fs(address, **options)
    return fs, path.rstrip("/")


def _is_http(fs: Any) -> bool:
    return HTTP[0] in ((fs.protocol,) if isinstance(fs.protocol, str) else fs.protocol)


def joined(fs: Any, path: str, name: str) -> str:
    """Return the path of a file in a folder, as the file system takes it."""
    return f"{path}/{quote(name) if _is_http(fs) else name}"


def files(fs: Any, path: str) -> Listed:
    """Return size and version of each file in a folder, at any depth, by its name relative to it."""
    from fsspec.asyn import AsyncFileSystem
    from fsspec.spec import AbstractFileSystem

    fs.invalidate_cache()
    general = AsyncFileSystem._find if fs.async_impl else AbstractFileSystem.find
    if getattr(type(fs), "_find" if fs.async_impl else "find") is general:
        entries = _by_folder(fs, path)
    else:
        # Stores of objects list a thousand at once, whatever folders they lie in.
        entries = {_name(fs, path, key): about for key, about in fs.find(path, detail=True).items()}
    if _is_http(fs):
        entries = _asked(fs, path, list(entries))
    kept = {name: about for name, about in entries.items() if about.get("type") != "directory" and name[-1:] != "/"}
    return {name: (about.get("size"), _version(about)) for name, about in kept.items()}


def _name(fs: Any, path: str, key: str) -> str:
    name = key[len(path) + 1 :] if key.startswith(f"{path}/") else ""
    return unquote(html.unescape(name)) if _is_http(fs) else name


def _by_folder(fs: Any, path: str) -> dict[str, dict]:
    """List folder by folder, those of one depth at once. (fsspec's own walk passes by what it cannot list.)"""
    found: dict[str, dict] = {}
    level = [path]
    while level:
        below = []
        for entries in each(fs, "ls", [f"{key}/" if _is_http(fs) else key for key in level], detail=True):
            if isinstance(entries, Exception):
                raise entries
            for about in entries:
                key, name = about["name"].rstrip("/"), _name(fs, path, about["name"])
                if _is_http(fs):
                    key = html.unescape(key)
                # Pages of servers link to their own orders, and to folders above.
                if not name or ".." in name.split("/") or (_is_http(fs) and set("?#") & set(key)):
                    continue
                if about["type"] == "directory":
                    below.append(key)
                else:
                    found[name] = about
        level = below
    return found


def _asked(fs: Any, path: str, names: list[str]) -> dict[str, dict]:
    """Return what a server says of each file; pages of HTTP list names alone."""
    found = {}
    for name, about in zip(names, each(fs, "info", [joined(fs, path, name) for name in names]), strict=True):
        if not isinstance(about, Exception):
            found[name] = about
        elif getattr(about.__cause__, "status", None) != 404:
            # fsspec says of whatever fails that there is no such file.
            raise about.__cause__ or about
    return found


def _version(about: dict) -> str:
    value = next((about[key] for key in VERSIONS if about.get(key)), "")
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return value.hex() if isinstance(value, (bytes, bytearray)) else str(value).replace('"', "")


def each(fs: Any, method: str, paths: Iterable[str], **options: Any) -> Iterator[Any]:
    """Yield what a method of a file system returns for each path, or the exception, in the order of the paths."""
    if not fs.async_impl:
        for path in paths:
            with _ONE:
                result = _tried(getattr(fs, method), path, options)
            # Not within the block: whoever takes no more results would keep the lock.
            yield result
        return
    # Here, since the import of it is not for those whose files lie on this machine.
    import asyncio

    call, waits = getattr(fs, f"_{method}"), WAITS if _is_http(fs) else ()
    waiting: deque = deque()
    try:
        for path in paths:
            waiting.append(asyncio.run_coroutine_threadsafe(_awaited(call, path, options, waits), fs.loop))
            if len(waiting) == AT_ONCE:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()


def _tried(call: Callable, path: str, options: dict) -> Any:
    try:
        return call(path, **options)
    except Exception as error:
        return error


async def _awaited(call: Callable, path: str, options: dict, waits: Sequence[float]) -> Any:
    import asyncio

    for wait in (*waits, None):
        try:
            return await call(path, **options)
        except Exception as error:
            status = getattr(error, "status", None) or getattr(error.__cause__, "status", None) or 500
            if wait is None or status < 500 or (isinstance(error, FileNotFoundError) and not error.__cause__):
                return error
            await asyncio.sleep(wait)
    raise AssertionError
