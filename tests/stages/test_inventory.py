import json
import os
from pathlib import Path

import fsspec
import numpy as np
import pytest
from PIL import Image
from small import ROOT, write_parameters

from autoencoders.core.errors import InputError
from stages import extract
from stages import inventory as stage
from stages.shared.parameters import load
from stages.shared.running import run

INVENTORY = Path("data/inventories/mine.json")


@pytest.fixture
def configure(tmp_path, monkeypatch):
    """A function that writes the example's parameters with an address, in a folder that has some pictures."""
    monkeypatch.chdir(tmp_path)
    for number in range(6):
        file = Path("pictures", "ab"[number % 2], f"{number}.png")
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((9, 9, 3), number, np.uint8)).save(file)

    def write(address: str | None, **changes: object) -> None:
        values = load(ROOT / "examples/own-images/params.yaml")
        values["datasets"]["mine"] |= {"labels": "folders", **changes}
        if address:
            values["addresses"] = {"mine": address}
            values["datasets"]["mine"]["path"] = str(INVENTORY)
        write_parameters(Path(), values)

    yield write
    store = fsspec.filesystem("memory")
    store.store.clear()
    store.pseudo_dirs[:] = [""]


def written() -> dict[str, bytes]:
    return {name: Path("data/raw/mine", name).read_bytes() for name in ("images.npy", "listing.csv", "skipped.csv")}


@pytest.mark.parametrize("protocol", ["memory", "file"])
def test_pictures_at_an_address_become_the_data_set_of_the_same_folder(configure, protocol, capsys):
    configure(None)
    extract.main("mine")
    here = written()
    if protocol == "memory":
        fsspec.filesystem("memory").put("pictures/", "/pictures", recursive=True)
    address = "memory://pictures" if protocol == "memory" else f"file://{Path('pictures').absolute()}"
    configure(address)
    stage.main("mine")
    assert capsys.readouterr().out.endswith(f"mine: 6 files at {address}\n")
    extract.main("mine")
    assert written() == here
    first = INVENTORY.read_bytes()
    stage.main("mine")
    assert INVENTORY.read_bytes() == first
    content = json.loads(first)
    assert content["address"] == address and list(content["files"])[:2] == ["a/0.png", "a/2.png"]
    assert content["files"]["a/0.png"][0] == Path("pictures/a/0.png").stat().st_size


def test_a_change_of_a_file_changes_the_inventory(configure):
    configure(f"file://{Path('pictures').absolute()}")
    stage.main("mine")
    first = INVENTORY.read_bytes()
    os.utime("pictures/a/0.png", (5, 5))
    stage.main("mine")
    assert INVENTORY.read_bytes() != first


def test_a_name_that_is_no_text_stands_in_the_inventory(configure):
    name = os.fsdecode(b"pictures/a/\xff.png")
    os.rename("pictures/a/0.png", name)
    configure(f"file://{Path('pictures').absolute()}")
    stage.main("mine")
    assert Path(name).name in {Path(file).name for file in json.loads(INVENTORY.read_text())["files"]}


def test_a_store_that_does_not_answer_ends_the_stage_in_one_sentence_and_leaves_nothing(configure, closed, monkeypatch):
    monkeypatch.setattr("autoencoders.sources.stores.WAITS", ())
    monkeypatch.setattr("sys.argv", ["inventory", "mine"])
    configure(closed)
    with pytest.raises(SystemExit) as ended:
        run(stage.main)
    message = str(ended.value)
    assert message.startswith(f"error: addresses.mine is '{closed}', which cannot be read (") and "\n" not in message
    assert not INVENTORY.exists() and not list(Path().rglob(".partial-*"))


def test_a_connection_that_breaks_in_the_middle_leaves_nothing(configure, monkeypatch):
    fsspec.filesystem("memory").put("pictures/", "/pictures", recursive=True)
    configure("memory://pictures", unreadable="skip")
    stage.main("mine")
    kept, read = [], fsspec.implementations.memory.MemoryFileSystem.cat_file

    def breaking(self, path, *arguments, **options):
        if len(kept) == 3:
            raise ConnectionResetError(104, "Connection reset by peer")
        kept.append(path)
        return read(self, path, *arguments, **options)

    monkeypatch.setattr(fsspec.implementations.memory.MemoryFileSystem, "cat_file", breaking)
    with pytest.raises(InputError, match=r"^memory://pictures/b/1.png cannot be read \(.*Connection reset by peer\)"):
        extract.main("mine")
    assert not Path("data/raw/mine").exists() and not list(Path().rglob(".partial-*"))


def test_a_damaged_or_missing_inventory_is_one_sentence(configure):
    configure("memory://pictures")
    with pytest.raises(InputError, match="^data/inventories/mine.json is missing or is no JSON file; make it"):
        extract.main("mine")
    INVENTORY.parent.mkdir(parents=True)
    INVENTORY.write_text("[]")
    with pytest.raises(InputError, match="^data/inventories/mine.json is no inventory; make it again with `dvc repro`"):
        extract.main("mine")


@pytest.mark.parametrize(
    ("addresses", "path", "sentence"),
    [
        ({"mine": "ftp://me:secret@host/x"}, str(INVENTORY), "^addresses.mine: an address must not hold a password"),
        ({"mine": 3}, str(INVENTORY), "^addresses.mine is 3, but the input should be a valid string"),
        ({"mine": "pictures"}, str(INVENTORY), "^addresses.mine: an address begins with its protocol"),
        (
            {},
            "s3://me:secret@bucket/x",
            "^datasets.mine.path is an address, which DVC cannot watch; write it as addresses.mine, and "
            "'data/inventories/mine.json' as datasets.mine.path.$",
        ),
        (
            {},
            str(INVENTORY),
            "^datasets.mine.path is 'data/inventories/mine.json', but addresses has no mine; add it",
        ),
        (
            {"mine": "s3://bucket"},
            "pictures",
            "^addresses.mine is read by no data set; write",
        ),
    ],
)
def test_addresses_and_data_sets_that_do_not_belong_together_are_one_sentence(configure, addresses, path, sentence):
    values = load(ROOT / "examples/own-images/params.yaml")
    values["addresses"], values["datasets"]["mine"]["path"] = addresses, path
    write_parameters(Path(), values)
    with pytest.raises(InputError, match=sentence) as raised:
        stage.main("mine")
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize("path", ["s3://bucket/x.npz", str(INVENTORY)])
def test_sources_of_one_file_are_refused_by_the_check(configure, path):
    values = load(ROOT / "examples/own-images/params.yaml")
    block = {key: value for key, value in values["datasets"]["mine"].items() if key not in ("unreadable", "max_pixels")}
    values["datasets"]["mine"] = {**block, "source": "arrays", "path": path, "range": None}
    values["addresses"] = {"mine": "s3://bucket"} if path == str(INVENTORY) else {}
    write_parameters(Path(), values)
    with pytest.raises(InputError, match="^datasets.mine.path is .*, but the source arrays reads files of this"):
        stage.main("mine")
