"""Folders in stores: the same pictures as from disk, and a sentence for each failure."""

import csv
import hashlib
import os
import sys
import threading
from collections import Counter
from email.utils import formatdate
from http.server import SimpleHTTPRequestHandler
from pathlib import Path

import fsspec
import numpy as np
import pytest
from PIL import Image

from autoencoders.core.errors import InputError
from autoencoders.images.forms import Form
from autoencoders.sources import folder, reading, remote, stores, stream, table

FORM = Form(size=(8, 8))


@pytest.fixture
def pictures(tmp_path) -> Path:
    """Pictures in folders that name classes, with names that addresses do not hold as they are; and other files."""
    random = np.random.default_rng(0)
    root = tmp_path / "pictures"
    for number, name in enumerate(("a b.png", "“ü”.jpg", "[x]*.png", "50%41 &amp;.gif", "more/é#?.png") * 3):
        file = root / ("cat", "dog")[number % 2] / f"{number}" / name
        file.parent.mkdir(parents=True)
        Image.fromarray(random.integers(0, 256, (20, 10, 3)).astype(np.uint8)).save(file)
    for name in (".hidden/x.png", "cat/.DS_Store", "dog/Thumbs.db", "cat/notes.txt"):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_bytes(b"x")
    return root


@pytest.fixture
def memory(pictures):
    """The address of a copy of the pictures in memory."""
    store = fsspec.filesystem("memory")
    store.put(f"{pictures}/", "/pictures", recursive=True)
    yield "memory://pictures"
    store.store.clear()
    store.pseudo_dirs[:] = [""]


class Server(SimpleHTTPRequestHandler):
    """Does to requests of files what a test wants: `answer` returns whether it has answered."""

    asked: Counter = Counter()
    answer = staticmethod(lambda handler: False)

    def log_message(self, *_):
        pass

    def do_GET(self):
        type(self).asked[self.path] += 1
        if self.path.endswith("/") or not self.answer(self):
            super().do_GET()


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setattr(Server, "asked", Counter())
    monkeypatch.setattr(Server, "answer", staticmethod(lambda handler: False))
    monkeypatch.setattr(stores, "WAITS", (0.01, 0.01))
    return Server


def inventory(address: str) -> Path | remote.Inventory:
    return remote.local(address) or remote.Inventory(remote.Remote(address), remote.listed(address))


def read(path: Path | remote.Inventory, **options):
    """SHA-256 of the images, columns, skipped files, and what was left out."""
    found = folder.stream(path, log=lambda line: None, **{"form": FORM, **options})
    blocks = list(found.blocks)
    columns = {name: sum((block.columns[name] for block in blocks), []) for name in blocks[0].columns}
    images = hashlib.sha256(b"".join(block.images.tobytes() for block in blocks)).hexdigest()
    return images, columns, sum((block.skipped for block in blocks), []), found.classes, found.left_out


def test_pictures_in_a_store_are_those_of_the_same_folder_on_disk(pictures, memory, serve, monkeypatch):
    # Several groups of pictures, and more of them than threads.
    monkeypatch.setattr(reading, "GROUP_SMALL", 2)
    here = read(pictures)
    assert len(here[1]["file"]) == 15 and here[4] == {folder.HIDDEN: 3, folder.OTHER: 1}
    for address in (memory, serve(pictures), serve(pictures).rstrip("/"), f"file://{pictures}"):
        assert read(inventory(address)) == here, address
        assert read(inventory(address), threads=3, limit=7, seed=1) == read(pictures, limit=7, seed=1), address


def test_what_cannot_be_read_is_skipped_or_named_as_on_disk(pictures, memory):
    for place in (pictures / "cat/0/broken.png", pictures / "dog/empty.png"):
        place.write_bytes(b"" if "empty" in place.name else b"no picture")
        fsspec.filesystem("memory").put(str(place), f"/pictures/{place.relative_to(pictures).as_posix()}")
    assert len(read(pictures, unreadable="skip")[2]) == 2
    assert read(inventory(memory), unreadable="skip") == read(pictures, unreadable="skip")
    with pytest.raises(
        InputError, match="^memory://pictures/cat/0/broken.png is no JPEG.*; remove or replace it, or set"
    ):
        read(inventory(memory))
    assert all("more than max_pixels" in reason for _, reason in read_skipped(memory, Form((8, 8), max_pixels=199)))


def read_skipped(address: str, form: Form) -> list:
    found = folder.stream(inventory(address), form=form, unreadable="skip", log=lambda line: None)
    with pytest.raises(InputError, match="^No picture of memory://pictures can be read") as raised:
        list(found.blocks)
    return [(address, str(raised.value))]


def test_a_file_that_is_too_large_is_not_fetched(memory, monkeypatch):
    monkeypatch.setattr(remote, "MOST_BYTES", 1)
    with pytest.raises(InputError, match=r"has \d+ bytes, more than are fetched \(1\)"):
        read(inventory(memory))


def test_a_table_in_a_store_names_its_pictures(pictures, memory):
    names = sorted(path.relative_to(pictures).as_posix() for path in pictures.rglob("more/*.png"))
    with (pictures / "table.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["file_name", "label", "size"], *([name, name[0], "3"] for name in names)])

    def listed(path):
        found = table.stream(path, "table.csv", form=FORM, log=lambda line: None)
        (block,) = found.blocks
        return block.images.tobytes(), block.columns, found.classes

    store = fsspec.filesystem("memory")
    store.put(str(pictures / "table.csv"), "/pictures/table.csv")
    assert listed(inventory(memory)) == listed(pictures)
    store.pipe("/pictures/table.csv", b"file_name,label\n../x.png,a\n")
    with pytest.raises(InputError, match="row 1, names '../x.png', which lies outside"):
        listed(inventory(memory))
    store.pipe("/pictures/table.csv", b"file_name,label\nx.png,a\ncat,b\n")
    with pytest.raises(InputError, match="names 2 files that are not there, first 'x.png' in row 1"):
        listed(inventory(memory))
    with pytest.raises(InputError, match="^table is 'other.csv', which is no file in 'memory://pictures'"):
        table.stream(inventory(memory), "other.csv")


def test_a_listing_reads_no_file_and_shows_what_was_changed_added_or_removed(pictures, memory, serve, server):
    store = fsspec.filesystem("memory")
    address = serve(pictures, server)
    before, served = remote.listed(memory), remote.listed(address)
    assert list(before) == sorted(before) and before.keys() == served.keys()
    assert not any(path.endswith((".png", ".jpg", ".gif")) for path in server.asked)
    assert remote.listed(memory) == before and remote.listed(address) == served
    changed, removed = [name for name in before if name.endswith(".png")][:2]
    # Of the same size.
    content = (pictures / changed).read_bytes()
    store.pipe(f"/pictures/{changed}", content[::-1])
    store.rm(f"/pictures/{removed}")
    store.pipe("/pictures/new.png", content)
    after = remote.listed(memory)
    assert {name for name in before if after.get(name) != before[name]} == {changed, removed}
    assert after.keys() - before.keys() == {"new.png"}
    times = int((pictures / changed).stat().st_mtime) + 5
    (pictures / changed).write_bytes(content[::-1])
    os.utime(pictures / changed, (times, times))
    assert remote.listed(address)[changed] == (len(content), formatdate(times, usegmt=True))


def test_a_folder_that_changes_while_it_is_read_ends_in_one_sentence(memory):
    store = fsspec.filesystem("memory")
    found = folder.stream(inventory(memory), form=FORM, log=lambda line: None)
    store.pipe("/pictures/cat/new.png", b"x")
    with pytest.raises(
        InputError, match="^memory://pictures changed while it was read .cat/new.png is new.; run it again"
    ):
        list(found.blocks)
    found = folder.stream(inventory(memory), form=FORM, log=lambda line: None)
    store.pipe(store.find("/pictures/dog")[0], b"shorter")
    with pytest.raises(InputError, match="^memory://pictures changed while it was read .* has changed"):
        list(found.blocks)


def cut(handler: Server) -> bool:
    """Promise more bytes than come."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b"x")
    return True


def refused(handler: Server) -> bool:
    handler.send_error(403)
    return True


@pytest.mark.parametrize(
    ("answer", "said", "times"),
    [
        (cut, r"cannot be read \(.*\); look at the connection, and run it again\.$", 3),
        (refused, r"may not be read \(403, .*\); give credentials in the environment, as the package of http://", 1),
    ],
)
def test_a_connection_that_breaks_or_is_refused_is_no_picture_to_skip(pictures, serve, server, answer, said, times):
    address = serve(pictures, server)
    found = folder.stream(inventory(address), form=FORM, unreadable="skip", log=lambda line: None)
    server.answer = staticmethod(answer)
    with pytest.raises(InputError, match=f"^http://127.0.0.1:.*/cat/0/a b.png {said}"):
        list(found.blocks)
    assert server.asked["/cat/0/a%20b.png"] == times


def test_a_connection_that_breaks_once_is_tried_again(pictures, serve, server):
    address = serve(pictures, server)
    given = inventory(address)
    server.asked.clear()
    server.answer = staticmethod(lambda handler: server.asked[handler.path] == 1 and cut(handler))
    assert read(given) == read(pictures)


def test_several_files_are_on_their_way_at_once(pictures, serve, server):
    address = serve(pictures, server)
    given = inventory(address)
    # Each answer waits for others: one after another they would wait in vain.
    together = threading.Barrier(5)
    server.answer = staticmethod(lambda handler: together.wait(20) < 0)
    assert read(given, threads=1) == read(pictures)


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        (
            "memory://nothing",
            "^memory://nothing (is not there; correct the address|holds no file; name a folder that does)",
        ),
        (
            "nowhere://pictures",
            "^nowhere://pictures has the protocol 'nowhere', which fsspec does not know; correct it",
        ),
        ("file:///nothing/there", "^file:///nothing/there is not there; correct the address.$"),
        ("ftp://me:secret@host/x", "^The address of a folder cannot be used: an address must not hold a password"),
    ],
)
def test_an_address_without_a_folder_is_one_sentence(address, sentence):
    with pytest.raises(InputError, match=sentence) as raised:
        remote.listed(address)
    assert "secret" not in str(raised.value)


def test_a_server_that_does_not_answer_is_one_sentence(closed, serve, tmp_path, monkeypatch):
    monkeypatch.setattr(stores, "WAITS", ())
    with pytest.raises(
        InputError, match=r"^http://.* cannot be read \(Cannot connect .*\); look at the connection, and r"
    ):
        remote.listed(closed)
    with pytest.raises(InputError, match="^http://.*/absent is not there; correct the address"):
        remote.listed(serve(tmp_path) + "absent")


def test_a_package_that_is_not_installed_is_named_with_the_parameter(monkeypatch):
    for module in ("s3fs", "paramiko"):
        monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.delitem(sys.modules, "fsspec.implementations.sftp", raising=False)
    for address, package in (("s3://bucket/x", "s3fs"), ("sftp://host/x", "paramiko")):
        subject = f"addresses.mine is '{address}', which"
        with pytest.raises(InputError) as raised:
            remote.listed(address, subject)
        said = f"{subject} is read by the package {package}, which is not installed; run `pip install {package}`."
        assert str(raised.value) == said


def test_reasons_hold_no_credentials():
    error = OSError("no answer from http://user:secret@host/x.png?X-Amz-Signature=secret (timeout)")
    said = str(remote._failure("It", "s3://bucket", error))
    assert (
        said
        == "It cannot be read (no answer from http://host/x.png (timeout)); look at the connection, and run it again."
    )


@pytest.mark.parametrize("source", ["arrays", "idx"])
def test_sources_of_one_file_are_of_this_machine_alone(memory, source):
    with pytest.raises(
        InputError, match=f"^source is '{source}', which reads files of this machine alone; copy those of m"
    ):
        stream(source, {}, path=inventory(memory), home=Path())
