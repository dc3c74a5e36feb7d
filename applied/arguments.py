"""The command line of `autoencoder`: its commands, their options and an example each."""

import argparse
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

PATHS = """
PATH is a picture (JPEG, PNG, BMP, GIF, WebP, TIFF, PPM); a folder of pictures, at any depth; an array of images (.npy,
.npz); a table (.csv, .parquet) whose column file_name names pictures relative to the table; or -, standard input: the
bytes of one picture, or a list of such paths, one a line.
"""


class Parser(argparse.ArgumentParser):
    """Says a mistake in one sentence."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"error: {message}; see `{self.prog} --help`.\n")


def parser(serving: bool = False) -> argparse.ArgumentParser:
    """Return the command line's parser. What it gives has `run`, which takes it and returns the exit code.

    Parameters
    ----------
    serving : bool
        Whether to add the options of `serve`, whose module another command need not import.
    """
    whole = Parser(
        prog="autoencoder",
        description="A trained network at work on new images, from the folder that the pipeline exports.",
        epilog="Exit codes: 0 well; 1 verify found other codes; 2 an option or input cannot be used; 130 Ctrl-C.",
        allow_abbrev=False,
    )
    commands = whole.add_subparsers(dest="command", required=True, metavar="COMMAND", parser_class=Parser)

    def add(name: str, about: str, example: str, *parts: Callable[[argparse.ArgumentParser], Any]) -> None:
        command = commands.add_parser(
            name,
            help=about,
            description=f"{about[0].upper()}{about[1:]}.",
            epilog=(PATHS if _takes_images in parts else "") + f"\nexample:\n  autoencoder {name} {example}\n",
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        command.add_argument("export", type=Path, metavar="EXPORT", help="folder of an exported network")
        for part in parts:
            part(command)
        command.set_defaults(run=_runner(name))

    strided = "exports/digits-strided"
    add(
        "encode",
        "write the codes of images",
        f"{strided} photos/ --out codes.npy",
        _takes_images,
        _out("codes.npy (with codes.csv, which lists the images), .csv or .parquet; by default CSV to standard output"),
    )
    table = _out(".csv or .parquet; by default CSV to standard output")
    add("assign", "say each image's cluster", f"{strided} new.png --out clusters.csv", _takes_images, table)
    add(
        "search", "find the nearest images", f"{strided} new.png --k 5 --index photos/", _takes_images, _searches, table
    )
    pictures = _out("folder of PNG files to be made, or one .png, a sheet of all", required=True)
    add("reconstruct", "decode the codes of images", f"{strided} photos/ --out decoded", _takes_images, pictures)
    add("denoise", "restore noisy images", "exports/digits-denoising noisy/ --out restored", _takes_images, pictures)
    add(
        "anomaly",
        "rank images, the most unusual first",
        f"{strided} photos/ --out ranked.csv",
        _takes_images,
        _by,
        table,
    )
    add("generate", "make new images", f"{strided} --n 20 --seed 0 --out new.png", _generates, pictures)
    add("verify", "say whether this machine gives the manifest's codes", strided)
    add(
        "serve", "serve the network to browsers and programs", f"{strided} --port 8000", *([_serves] if serving else [])
    )
    return whole


def _takes_images(command: argparse.ArgumentParser) -> None:
    command.add_argument("paths", nargs="+", metavar="PATH", help="images; see below")
    command.add_argument(
        "--unreadable",
        choices=("stop", "skip"),
        default="stop",
        help="what to do with a file that cannot be read (default: stop)",
    )
    command.add_argument(
        "--range",
        nargs=2,
        type=float,
        metavar=("LOW", "HIGH"),
        help="values of arrays that become 0 and 255; floats need them",
    )
    command.add_argument("--quiet", action="store_true", help="say nothing but errors")


def _out(what: str, required: bool = False) -> Callable[[argparse.ArgumentParser], None]:
    def add(command: argparse.ArgumentParser) -> None:
        command.add_argument("--out", type=Path, required=required, help=what)
        command.add_argument("--overwrite", action="store_true", help="replace what is there")

    return add


def _searches(command: argparse.ArgumentParser) -> None:
    command.add_argument("--k", type=int, default=10, help="neighbours of each image (default: 10)")
    command.add_argument("--metric", choices=("cosine", "euclidean"), default="cosine", help="default: cosine")
    command.add_argument(
        "--index",
        metavar="WHERE",
        help="what to search instead of the training images: a PATH, a codes.npy that encode wrote, or an export",
    )
    how = command.add_mutually_exclusive_group()
    how.add_argument(
        "--approximate",
        action="store_true",
        default=None,
        help="compare few codes, which misses some neighbours (default: beyond a million codes, if the index can)",
    )
    how.add_argument("--exact", dest="approximate", action="store_false", help="compare all codes")


def _by(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--by",
        choices=("reconstruction", "index"),
        help="the error of the reconstruction, or the distance to the nearest training code (default: the manifest's)",
    )


def _generates(command: argparse.ArgumentParser) -> None:
    command.add_argument("--n", type=int, default=20, help="images (default: 20)")
    command.add_argument("--seed", type=int, default=0, help="default: 0")
    command.add_argument(
        "--source",
        choices=("mixture", "prior"),
        help="the density of the training codes, or a variational network's prior (default: the first there is)",
    )


def _serves(command: argparse.ArgumentParser) -> None:
    from applied.serve import add_arguments

    add_arguments(command)


def _runner(name: str) -> Callable[[argparse.Namespace], int]:
    """Return what imports a command's function only when it runs: `--help` waits for no import of NumPy."""

    def run(options: argparse.Namespace) -> int:
        return getattr(import_module("applied.commands"), name)(options)

    return run
