"""What the server takes on: how much a request may bring, and how many requests there may be at a time."""

import argparse
from collections.abc import Callable
from dataclasses import dataclass, fields

from autoencoders.core.cores import n_cores
from autoencoders.core.errors import ArgumentError


@dataclass(frozen=True)
class Limits:
    """The limits of a server, each of them at least 1.

    Attributes
    ----------
    max_bytes : int
        Of a request's body, all its pictures together.
    max_pixels : int
        Of one picture. The export's own limit holds too.
    max_images : int
        In one request.
    max_requests : int
        At a time, received and answered; of these `threads` are worked on, the others wait.
    max_neighbours : int
        For one picture.
    max_generated : int
        Images in one request.
    seconds : int
        In which a body must arrive, a request wait for a thread, and an answer be taken.
    threads : int
        Which decode pictures and run networks; each holds one picture.
    """

    max_bytes: int = 16 * 2**20
    max_pixels: int = 24_000_000
    max_images: int = 16
    max_requests: int = 32
    max_neighbours: int = 100
    max_generated: int = 64
    seconds: int = 30
    threads: int = 0

    def __post_init__(self) -> None:
        if self.threads == 0:
            object.__setattr__(self, "threads", n_cores())
        for field in fields(self):
            if getattr(self, field.name) < 1:
                raise ArgumentError(f"{field.name} is {getattr(self, field.name)}, but is to be at least 1.")


HELP = {
    "max_bytes": "of a request's body",
    "max_pixels": "of one picture",
    "max_images": "in one request",
    "max_requests": "at a time; others are answered with 503",
    "max_neighbours": "for one picture",
    "max_generated": "images in one request to /generate",
    "seconds": "in which a request must arrive and its answer be taken",
    "threads": "that decode pictures and run networks (default: one a core)",
}


def add_limits(parser: argparse.ArgumentParser) -> None:
    """Give a command an option for each limit."""
    for field in fields(Limits):
        default = "" if field.name == "threads" else f" (default: {field.default:,})"
        parser.add_argument(
            f"--{field.name.replace('_', '-')}",
            type=_whole(field.name),
            default=field.default,
            metavar="N",
            help=HELP[field.name] + default,
        )


def limits_of(arguments: argparse.Namespace) -> Limits:
    """Return the limits that a command was given."""
    return Limits(**{field.name: getattr(arguments, field.name) for field in fields(Limits)})


def _whole(name: str) -> Callable[[str], int]:
    def read(text: str) -> int:
        try:
            return int(text.replace("_", ""))
        except ValueError:
            raise argparse.ArgumentTypeError(f"{name} is '{text}', but is to be a whole number.") from None

    return read
