"""Addresses of folders that lie in a store, `protocol://…`, as fsspec takes them."""

import re

PROTOCOL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")

# Protocols of this machine's own files.
LOCAL = ("file", "local")


def protocol(address: str) -> str:
    """Return the protocol of an address in lower case; "" where there is none, as in a path."""
    found = PROTOCOL.match(address)
    return found[1].lower() if found else ""


def mistake(address: str) -> str | None:
    """Return what is wrong with an address and what to do, in words that do not repeat it; None if it can be used.

    An address may hold no password. Stores of other protocols take credentials from the environment.
    """
    if not protocol(address):
        return "an address begins with its protocol, such as s3://bucket/pictures; write one"
    rest = address.partition("://")[2]
    # Keys of S3 may hold any character, so that no end of a password is looked for.
    if re.search(r":[^@]*@", rest):
        return (
            "an address must not hold a password (`user:password@`); remove it, and give credentials in the "
            "environment, as the package of the protocol takes them"
        )
    if not rest.strip("/"):
        return "the address has nothing after its protocol; name a folder"
    if "::" in address or set("?#") & set(rest) or not address.isprintable():
        return "the address has '::', '?', '#' or a character that cannot be printed; name a folder without these"
    if protocol(address) in LOCAL and not rest.startswith("/"):
        return "the address of a folder of this machine must be absolute; write file:// and a path that begins with /"
    return None
