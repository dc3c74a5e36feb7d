"""List what lies in a folder of a store, so that DVC sees what has changed there."""

from autoencoders.sources import remote
from stages.shared import inventories
from stages.shared.files import data, whole
from stages.shared.parameters import read
from stages.shared.running import run


def main(name: str) -> None:
    """Write `data/inventories/<name>.json`: size and version of each file at an address of `addresses`.

    No file is read. DVC runs this stage each time, since it cannot look into the store itself; what depends on the
    inventory runs if that has changed.

    Raises
    ------
    InputError
        If there is no such address, or what lies there cannot be listed; see `autoencoders.sources.remote.listed`.
    """
    (address,) = read(f"addresses.{name}")
    found = remote.listed(address, f"addresses.{name} is '{address}', which")
    with whole(data("inventories", f"{name}.json")) as (file,):
        inventories.write(file, address, found)
    print(f"{name}: {len(found):,} files at {address}")


if __name__ == "__main__":
    run(main)
