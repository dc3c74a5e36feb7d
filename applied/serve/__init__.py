"""A trained network served over HTTP: `autoencoder serve exports/digits-simple`.

Nothing of the extra `serve` (FastAPI, uvicorn) is imported before `run`.
"""

import argparse
import socket
from pathlib import Path

from applied.serve.limits import Limits, add_limits, limits_of
from autoencoders.core.errors import InputError

__all__ = ["Limits", "add_arguments", "limits_of", "run", "run_command"]
# Connections that do nothing cost little, but each takes a file of the process.
MOST_CONNECTIONS = 500


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Give the command its options; the export itself is not among them."""
    parser.add_argument(
        "--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1, for this machine)"
    )
    parser.add_argument("--port", type=int, default=8000, help="0: any that is free (default: 8000)")
    parser.add_argument(
        "--allow-host",
        action="append",
        default=[],
        metavar="NAME",
        help="a name that requests may be addressed to, beside localhost; may be repeated; *: any name",
    )
    add_limits(parser)


def run_command(export: Path, arguments: argparse.Namespace) -> None:
    """Serve an export with the options of `add_arguments`."""
    run(export, arguments.host, arguments.port, limits_of(arguments), tuple(arguments.allow_host))


def run(
    export: Path,
    host: str = "127.0.0.1",
    port: int = 8000,
    limits: Limits | None = None,
    names: tuple[str, ...] = (),
) -> None:
    """Serve an export until the process is told to stop.

    Parameters
    ----------
    export : Path
    host, port : str, int
        Where to listen.
    limits : Limits, optional
    names : tuple of str
        Names that requests may be addressed to, beside those of this machine; "*" allows any. Where the server does
        not listen on the loopback address and no name is given, any name is allowed.

    Raises
    ------
    InputError
        If the export cannot be read, the address cannot be listened on, or the extra `serve` is not installed.
    """
    try:
        import uvicorn

        from applied.serve.app import create
        from applied.serve.guard import LOOPBACK
    except ModuleNotFoundError as error:
        raise InputError(
            f"The package {error.name} is missing, which serving needs; run pip install 'autoencoder-pipeline[serve]'."
        ) from None
    from applied.encoder import Encoder

    listening = _listening(host, port)
    with listening:
        loopback = host in LOOPBACK
        anyone = "*" in names or not (loopback or names)
        hosts = None if anyone else (*LOOPBACK, *(name.casefold() for name in names))
        app = create(Encoder.load(export), limits, hosts)
        config = uvicorn.Config(
            app,
            # Reads the head of a request within bounds, whoever sends it.
            http="h11",
            ws="none",
            lifespan="on",
            log_level="warning",
            access_log=False,
            server_header=False,
            date_header=False,
            limit_concurrency=MOST_CONNECTIONS,
            timeout_keep_alive=30,
            timeout_graceful_shutdown=5,
        )
        shown = f"[{host}]" if ":" in host else host
        print(f"Serving {export} at http://{shown}:{listening.getsockname()[1]}/ (Ctrl+C stops it).", flush=True)
        uvicorn.Server(config).run(sockets=[listening])


def _listening(host: str, port: int) -> socket.socket:
    if not 0 <= port < 2**16:
        raise InputError(f"--port is {port}, but is to lie in 0 to {2**16 - 1}.")
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listening = socket.create_server((host, port), family=family, backlog=2048)
        # An answer's head and its body are two packets. Without this the second waits for the client to acknowledge the
        # first, 40 ms under Linux. Connections inherit it; asyncio sets it only on sockets that name their protocol.
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except socket.gaierror:
        raise InputError(f"--host is '{host}', which is no address of a machine.") from None
    except PermissionError:
        raise InputError(f"Port {port} needs rights that this user lacks; choose one from 1024 up by --port.") from None
    except OSError as error:
        raise InputError(
            f"Port {port} of {host} cannot be listened on ({error.strerror}); choose another by --port."
        ) from None
    return listening
