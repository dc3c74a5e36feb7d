import hashlib
from http.server import SimpleHTTPRequestHandler
from pathlib import Path

import pytest

from autoencoders.core.errors import InputError
from autoencoders.sources import download

GOOD = b"the published bytes" * 1000


@pytest.fixture
def mirrors(tmp_path, serve):
    """Addresses of the same file on a mirror that has it, one that serves a damaged file, and one without it."""
    addresses = {}
    for name, content in {"good": GOOD, "bad": GOOD[:-1] + b"!", "empty": None}.items():
        folder = tmp_path / name
        folder.mkdir()
        if content:
            (folder / "file.bin").write_bytes(content)
        addresses[name] = serve(folder) + "file.bin"
    return addresses


def fetch(folder, addresses, log=lambda line: None):
    return download.fetch("file.bin", folder, addresses, lambda file: file.read_bytes() == GOOD, log)


def test_the_file_is_fetched_into_a_folder_that_is_made(tmp_path, mirrors):
    folder = tmp_path / "made" / "home"
    lines = []
    file = fetch(folder, [mirrors["good"]], lines.append)
    assert file == folder / "file.bin" and file.read_bytes() == GOOD
    assert lines == [f"Downloading {mirrors['good']}"]


@pytest.mark.parametrize("first", ["bad", "empty"])
def test_the_next_mirror_is_tried(tmp_path, mirrors, first):
    lines = []
    file = fetch(tmp_path / "home", [mirrors[first], mirrors["good"]], lines.append)
    assert file.read_bytes() == GOOD
    assert lines == [f"Downloading {mirrors[first]}", f"Downloading {mirrors['good']}"]


def test_the_first_good_mirror_is_enough(tmp_path, mirrors):
    lines = []
    fetch(tmp_path / "home", [mirrors["good"], mirrors["bad"]], lines.append)
    assert len(lines) == 1


def test_when_all_fail_one_sentence_says_what_to_do_and_nothing_is_left(tmp_path, mirrors, closed):
    home = tmp_path / "home"
    with pytest.raises(InputError) as raised:
        fetch(home, [mirrors["bad"], mirrors["empty"], closed + "file.bin"])
    message = str(raised.value)
    assert message.startswith("file.bin could not be downloaded (")
    assert "what it serves does not have the published checksum" in message
    assert "it answers with the error 404" in message
    assert "there is no connection" in message
    assert f"put it into {home} by hand" in message
    assert "environment variable AUTOENCODER_DATA_HOME." in message
    assert "\n" not in message
    assert list(home.iterdir()) == []


def test_a_connection_that_breaks_off_leaves_nothing(tmp_path, serve):
    class BreaksOff(SimpleHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Length", str(len(GOOD)))
            self.end_headers()
            self.wfile.write(GOOD[:100])

        def log_message(self, *_):
            pass

    home = tmp_path / "home"
    with pytest.raises(InputError, match="there is no connection"):
        fetch(home, [serve(tmp_path, BreaksOff) + "file.bin"])
    assert list(home.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path, mirrors):
    (tmp_path / "home").write_text("a file where the folder should be")
    with pytest.raises(InputError, match=r"^file\.bin could not be downloaded \(127\.0\.0\.1:\d+: Not a directory\)"):
        fetch(tmp_path / "home", [mirrors["good"]])


def test_servers_are_asked_to_leave_files_packed_and_given_a_time_limit(tmp_path, monkeypatch):
    asked = {}

    class Downloader:
        def __init__(self, **options):
            asked.update(options)

        def __call__(self, address, file, manager):
            raise OSError

    monkeypatch.setattr(download.pooch, "HTTPDownloader", Downloader)
    with pytest.raises(InputError):
        fetch(tmp_path, ["http://example.invalid/file.bin"])
    assert asked["headers"] == {"Accept-Encoding": "identity"}
    assert asked["timeout"] == 30


def test_read_names_a_file_that_cannot_be_read(tmp_path):
    (tmp_path / "file").write_bytes(GOOD)
    assert download.read(tmp_path / "file") == GOOD
    with pytest.raises(InputError, match="^.*absent cannot be read"):
        download.read(tmp_path / "absent")


def test_verify_passes_the_published_content_only():
    expected = hashlib.sha256(GOOD).hexdigest()
    assert download.verify(GOOD, expected, "file") is GOOD
    with pytest.raises(InputError, match="^file does not have the published checksum; delete it, or put the official"):
        download.verify(GOOD + b" ", expected, "file")


def test_the_data_home_is_that_of_the_variable_or_the_default(monkeypatch):
    monkeypatch.delenv(download.HOME_VARIABLE, raising=False)
    assert download.data_home("data/downloads") == Path("data/downloads")
    monkeypatch.setenv(download.HOME_VARIABLE, "~/official")
    assert download.data_home("data/downloads") == Path.home() / "official"


def test_a_data_home_of_no_user_is_one_sentence(monkeypatch):
    monkeypatch.setenv(download.HOME_VARIABLE, "~nosuchuser/data")
    sentence = "AUTOENCODER_DATA_HOME is '~nosuchuser/data', a home folder that there is not; name another one."
    with pytest.raises(InputError, match=f"^{sentence}$"):
        download.data_home("data/downloads")


def test_what_cannot_be_looked_for_is_one_sentence_that_names_it(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    (tmp_path / "loop").symlink_to("loop")
    assert download.is_file(tmp_path / "file")
    assert not any(download.is_file(tmp_path / name) for name in ("", "none", "file/none"))
    for name in ("loop", "n" * 300, "a\0b"):
        with pytest.raises(
            InputError, match=r"cannot be looked for \(.+\); correct that, or name another folder in the"
        ):
            download.is_file(tmp_path / name)

    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    # Whoever runs the tests may be allowed to enter any folder.
    monkeypatch.setattr(Path, "stat", refuse)
    with pytest.raises(InputError, match=r"/file cannot be looked for \(Permission denied\); correct that,"):
        download.is_file(tmp_path / "file")


def test_a_folder_in_the_files_place_is_named(tmp_path, closed):
    (tmp_path / "file.bin").mkdir()
    with pytest.raises(InputError, match=f"^{tmp_path}/file.bin is a folder in the place of a file; rename or remove"):
        fetch(tmp_path, [closed])
