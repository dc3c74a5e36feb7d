"""Folders in stores, by their addresses, and the data sets that are read from them."""

from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator

from autoencoders.core.addresses import mistake, protocol

if TYPE_CHECKING:
    from stages.shared.settings.whole import Parameters

INVENTORIES = "data/inventories"
# Sources whose pictures are a file each.
OF_PICTURES = ("folder", "table")


def _usable(address: str) -> str:
    if wrong := mistake(address):
        raise ValueError(wrong)
    return address


Address = Annotated[str, AfterValidator(_usable)]


def check(parameters: "Parameters") -> None:
    """Refuse data sets and addresses that do not belong together.

    Raises
    ------
    ValueError
        Its message names the parameter, says what is wrong and what to do.
    """
    used = set()
    for name, dataset in parameters.datasets.items():
        key, path = f"datasets.{name}.path", PurePosixPath(dataset.path)
        if protocol(dataset.path):
            _refuse_sources(f"{key} is an address", dataset.source)
            # The address is not repeated: it may hold a password.
            raise ValueError(
                f"{key} is an address, which DVC cannot watch; write it as addresses.{name}, and "
                f"'{INVENTORIES}/{name}.json' as {key}"
            )
        if path.parent == PurePosixPath(INVENTORIES):
            _refuse_sources(f"{key} is '{dataset.path}', the inventory of an address", dataset.source)
            if path.suffix != ".json" or path.stem not in parameters.addresses:
                raise ValueError(
                    f"{key} is '{dataset.path}', but addresses has no {path.stem}; add it, or correct the path"
                )
            used.add(path.stem)
    if unused := parameters.addresses.keys() - used:
        name = min(unused)
        raise ValueError(
            f"addresses.{name} is read by no data set; write '{INVENTORIES}/{name}.json' as the path of one, or remove "
            f"the address"
        )


def _refuse_sources(said: str, source: str) -> None:
    if source not in OF_PICTURES:
        raise ValueError(
            f"{said}, but the source {source} reads files of this machine alone; copy them to it, and name the copy"
        )
