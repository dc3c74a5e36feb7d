"""`autoencoder serve`: where it listens, and what it says where it cannot."""

import socket
import sys

import pytest
from small import ROOT

pytest.importorskip("fastapi")

import applied.__main__ as command  # noqa: E402
from applied.serve import _listening  # noqa: E402
from tools import flood  # noqa: E402


def said(capsys, *arguments) -> str:
    assert command.main(["serve", *map(str, arguments)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ") and line.endswith(".")
    return line


def test_a_port_in_use(export, capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        line = said(capsys, export, "--port", port)
    assert str(port) in line and "--port" in line


def test_the_packets_of_an_answer_do_not_wait_for_one_another():
    with (
        _listening("127.0.0.1", 0) as listening,
        socket.create_connection(listening.getsockname()),
        listening.accept()[0] as accepted,
    ):
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


@pytest.mark.parametrize(
    "options", [("--port", 70_000), ("--port", -1), ("--host", "no.such.host.invalid"), ("--host", "203.0.113.7")]
)
def test_an_address_that_cannot_be_listened_on(export, capsys, options):
    assert str(options[1]) in said(capsys, export, *options)


@pytest.mark.parametrize("options", [("--max-bytes", 0), ("--threads", -1), ("--max-pixels", 10**9)])
def test_limits_that_are_none(export, capsys, options):
    assert options[0][2:].replace("-", "_") in said(capsys, export, "--port", 0, *options)


def test_a_limit_that_is_no_number(export, capsys):
    with pytest.raises(SystemExit):
        command.main(["serve", str(export), "--max-images", "many"])
    assert "many" in capsys.readouterr().err


def test_a_folder_that_is_no_export(tmp_path, capsys):
    assert "manifest" in said(capsys, tmp_path, "--port", 0)


def test_a_package_that_is_missing(export, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    assert "[serve]" in said(capsys, export, "--port", 0)


@pytest.mark.slow
def test_it_listens_on_this_machine_alone_and_ends_at_a_signal(export):
    with flood.serving(export) as server:
        assert server.host == "127.0.0.1"
        connection = server.connect()
        connection.request("GET", "/health", headers={"Host": "evil.example"})
        assert connection.getresponse().status == 421
        connection.close()
    assert server.process.returncode in (0, -2, 130)


def test_nothing_of_the_extra_is_imported_for_the_other_commands():
    text = (ROOT / "applied/serve/__init__.py").read_text(encoding="utf-8")
    head = text.split("def run(")[0]
    assert "import uvicorn" not in head and "fastapi" not in head
