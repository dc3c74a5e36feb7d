"""A `python` that runs stages in forks of a process that has imported them: without the seconds of their imports."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from small import ROOT

# Takes the standard streams, the working directory, the environment and the arguments of a command; sends its exit
# code.
SERVER = """
import importlib, json, os, pkgutil, socket, sys, traceback
import stages
from autoencoders.networks import architectures, recurrent, storage
from autoencoders.training import fit
from stages.shared.running import run
modules = {f"stages.{each.name}" for each in pkgutil.iter_modules(stages.__path__) if not each.ispkg}
modules = {name: importlib.import_module(name) for name in modules}
server = socket.socket(socket.AF_UNIX)
server.bind(sys.argv[1])
server.listen()
print("ready", flush=True)
running = 0
while True:
    connection, _ = server.accept()
    # Those that have ended meanwhile.
    while running and os.waitpid(-1, os.WNOHANG)[0]:
        running -= 1
    running += 1
    if os.fork():
        connection.close()
        continue
    content, streams, *_ = socket.recv_fds(connection, 2**20, 3)
    folder, environment, (name, *arguments) = json.loads(content)
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    # Those of the process before knew other files.
    sys.stdout, sys.stderr = open(1, "w", closefd=False), open(2, "w", buffering=1, closefd=False)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv, code = [modules[name].__file__, *arguments], 0
    try:
        run(modules[name].main)
    except SystemExit as end:
        code = end.code
        if isinstance(code, str):
            print(code, file=sys.stderr)
            code = 1
    except BaseException:
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    connection.send(bytes([code or 0]))
    os._exit(0)
"""
CLIENT = """#!/bin/sh
''''exec "{python}" -S -E "$0" "$@" # '''
import json, os, socket, sys
if sys.argv[1] != "-m" or not sys.argv[2].startswith("stages."):
    os.execv({python!r}, [{python!r}, *sys.argv[1:]])
with socket.socket(socket.AF_UNIX) as server:
    server.connect({address!r})
    content = json.dumps([os.getcwd(), dict(os.environ), sys.argv[2:]]).encode()
    socket.send_fds(server, [content], [0, 1, 2])
    code = server.recv(1)
sys.exit(code[0] if code else "the stage died")
"""


@contextmanager
def forks(environment: dict[str, str]) -> Iterator[Path]:
    """Yield a folder with a `python` that runs `-m stages.…` as this project has them, wherever it is called."""
    environment = {**environment, "PYTHONPATH": str(ROOT)}
    # A short path, since a socket's has at most 107 characters.
    with tempfile.TemporaryDirectory(prefix="forks-") as folder:
        address, client = Path(folder, "server"), Path(folder, "python")
        command = [sys.executable, "-c", SERVER, str(address)]
        with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as server:
            try:
                assert server.stdout.readline() == "ready\n"
                client.write_text(CLIENT.format(python=sys.executable, address=str(address)), encoding="utf-8")
                client.chmod(0o755)
                yield client.parent
            finally:
                server.kill()
