"""What lies in a folder of a store, as the stage `inventory` writes it and `extract` reads it.

DVC watches this file in place of the folder: a picture that is changed, added or removed there changes it.
"""

import json
from pathlib import Path

from autoencoders.core.errors import InputError
from autoencoders.sources import remote
from stages.shared.files import read_json
from stages.shared.settings.addresses import INVENTORIES


def write(path: Path, address: str, files: remote.Listed) -> None:
    """Write an inventory as JSON: the address, and size and version of each file by its name, a line a file."""
    # In ASCII, since names on this machine need not be text.
    lines = ",\n".join(f"  {json.dumps(name)}: {json.dumps(known)}" for name, known in files.items())
    head = f'{{\n"address": {json.dumps(address, ensure_ascii=False)},\n"files": {{\n'
    path.write_text(f"{head}{lines}\n}}\n}}\n", encoding="utf-8")


def resolved(path: Path) -> Path | remote.Inventory:
    """Return what lies in a folder, where `path` is its inventory; a path of this machine otherwise.

    Raises
    ------
    InputError
        If the inventory is missing or damaged.
    """
    if path.parent != Path(INVENTORIES):
        return path
    content = read_json(path)
    try:
        address = content["address"]
        files: remote.Listed = {name: (known[0], known[1]) for name, known in content["files"].items()}
    except (KeyError, TypeError, AttributeError, IndexError):
        raise InputError(f"{path} is no inventory; make it again with `dvc repro`.") from None
    return remote.local(address) or remote.Inventory(remote.Remote(address), files)
