"""Send hostile pictures to a server of a network, and fail unless each has its answer and the server stays as it was.

    python -m tools.flood exports/digits-strided --pictures 10000 --seed 0

The server runs in a process of its own. Pictures of every format are cut off, mutated, given other sizes, blown up to
the limit of pixels or replaced by something else; bodies are malformed forms. What counts as a failure: an answer that
is neither a result nor one sentence with a status of 4xx or 503, none within `PATIENCE` seconds, and a server that does
not answer at the end, or whose memory has grown by more than `--memory` MiB beyond what it took at rest.
"""

import argparse
import http.client
import io
import json
import random
import re
import signal
import subprocess
import sys
import threading
import time
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
FORMATS = ("PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF", "PPM")
USES = ("/encode", "/describe", "/search?k=5", "/reconstruct", "/anomaly")
REFUSED = {400, 404, 413, 415, 422, 503}
PATIENCE = 60
CLIENTS = 4
MEMORY = 600


@dataclass
class Outcome:
    """What became of the pictures.

    `answers` counts them by status, `slowest` is in seconds, `rest` and `peak` are the server's memory in MiB before
    and at most, and `failures` says what went wrong.
    """

    answers: Counter = field(default_factory=Counter)
    slowest: float = 0.0
    rest: float = 0.0
    peak: float = 0.0
    failures: list[str] = field(default_factory=list)


class Server:
    """`autoencoder serve` in a process.

    Attributes
    ----------
    host, port : str, int
    """

    def __init__(self, process: subprocess.Popen, host: str, port: int):
        self.process, self.host, self.port = process, host, port

    def memory(self, kind: str = "VmRSS") -> float:
        """Return MiB that the process has in memory, or (VmHWM) had at most; 0 where the system does not say."""
        try:
            status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        except OSError:
            return 0.0
        found = re.search(rf"{kind}:\s+(\d+)", status)
        return int(found[1]) / 1024 if found else 0.0

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(self.host, self.port, timeout=PATIENCE)


@contextmanager
def serving(export: Path, *options: str) -> Iterator[Server]:
    """Start a server of an export on a port that is free, and end it."""
    command = [sys.executable, "-m", "applied", "serve", str(export.absolute()), "--port", "0", *options]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            line = process.stdout.readline()
            found = re.search(r"http://([\d.]+):(\d+)/", line)
            if not found:
                raise SystemExit(f"The server did not start: {line}")
            server = Server(process, found[1], int(found[2]))
            while not _healthy(server):
                time.sleep(0.05)
            yield server
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()


def flood(server: Server, n: int, seed: int = 0) -> Outcome:
    """Send a number of hostile pictures from several clients at a time."""
    outcome, lock, numbers = Outcome(rest=server.memory()), threading.Lock(), iter(range(n))
    originals = [original(form) for form in FORMATS]

    def client() -> None:
        while True:
            with lock:
                number = next(numbers, None)
            if number is None:
                return
            chance = random.Random(f"{seed} {number}")
            body, kind = hostile(originals, chance)
            begun = time.perf_counter()
            try:
                status, complaint = _sent(server, chance.choice(USES), body, kind)
            except (OSError, http.client.HTTPException) as error:
                status, complaint = 0, f"{type(error).__name__}: {error}"
            with lock:
                outcome.answers[status] += 1
                outcome.slowest = max(outcome.slowest, time.perf_counter() - begun)
                if complaint:
                    outcome.failures.append(f"picture {number} of seed {seed}: {complaint}")

    clients = [threading.Thread(target=client) for _ in range(CLIENTS)]
    for each in clients:
        each.start()
    for each in clients:
        each.join()
    if not _healthy(server):
        outcome.failures.append("the server does not answer any more")
    outcome.peak = server.memory("VmHWM")
    return outcome


def original(form: str) -> bytes:
    """Return a picture of that format: waves of colour, 96 pixels wide."""
    y, x = np.mgrid[:64, :96]
    pixels = np.stack([np.sin(x / 7) * 100 + 128, np.cos(y / 5) * 100 + 128, (x * y) % 256], axis=-1).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, form)
    return file.getvalue()


def hostile(originals: list[bytes], chance: random.Random) -> tuple[bytes, str]:
    """Return a body and its Content-Type."""
    content = bytearray(chance.choice(originals))
    way = chance.random()
    if way < 0.15:
        del content[chance.randrange(len(content)) :]
    elif way < 0.6:
        for _ in range(chance.choice((1, 3, 30))):
            # Most of what a decoder trusts stands at the beginning.
            place = chance.randrange(min(len(content), chance.choice((40, 400, len(content)))))
            content[place] = chance.choice((0, 1, 127, 128, 255, chance.randrange(256)))
    elif way < 0.7:
        place = chance.randrange(len(content))
        content[place:place] = chance.randbytes(chance.randrange(1, 200))
    elif way < 0.85:
        content = bytearray(blank(chance.choice((1, 100, 4_000, 100_000)), chance.choice((1, 300, 5_000, 2**31 - 1))))
    elif way < 0.9:
        content = bytearray(
            chance.choice((b"", b"<svg/>", b"%PDF-1.4", b"MZ", b"/etc/passwd", chance.randbytes(5_000)))
        )
    if chance.random() < 0.8:
        return bytes(content), "image/png"
    parts = b"".join(
        b'--b\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n' % (name, bytes(content))
        for name in chance.choices((b"images", b"images", b"images", b"other", b"\xff\0"), k=chance.choice((1, 2, 20)))
    )
    whole = parts + b"--b--\r\n"
    return (
        whole if chance.random() < 0.7 else whole[: chance.randrange(len(whole))]
    ), "multipart/form-data; boundary=b"


def blank(width: int, height: int) -> bytes:
    """Return a PNG that says it has that many black pixels; up to 20 million it has them."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return len(data).to_bytes(4, "big") + name + data + zlib.crc32(name + data).to_bytes(4, "big")

    head = width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes((8, 2, 0, 0, 0))
    rows = (1 + 3 * width) * height if width * height <= 20_000_000 else 1000
    data = zlib.compress(bytes(rows), 1)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def _sent(server: Server, use: str, body: bytes, kind: str) -> tuple[int, str]:
    connection = server.connect()
    try:
        connection.request("POST", use, body, {"Content-Type": kind})
        answer = connection.getresponse()
        content = answer.read()
    finally:
        connection.close()
    if answer.status == 200:
        json.loads(content)
        return 200, ""
    told = content.decode(errors="replace")
    if answer.status not in REFUSED or not re.fullmatch(r'\{"error":"[^\n]{10,300}\."\}', told):
        return answer.status, f"{use} answered with {answer.status}: {told[:200]}"
    return answer.status, ""


def _healthy(server: Server) -> bool:
    connection = server.connect()
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def main() -> int:
    """Flood a server and return the exit code: 1 where something failed."""
    parser = argparse.ArgumentParser(prog="python -m tools.flood", description=__doc__.split("\n")[0])
    parser.add_argument("export", type=Path)
    parser.add_argument("--pictures", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--memory", type=float, default=MEMORY, help=f"MiB (default: {MEMORY})")
    asked = parser.parse_args()
    with serving(asked.export) as server:
        outcome = flood(server, asked.pictures, asked.seed)
    answers = ", ".join(f"{count:,} with {status}" for status, count in sorted(outcome.answers.items()))
    print(f"{asked.pictures:,} pictures: {answers}; the slowest answer took {outcome.slowest:.1f} s.")
    print(f"The server took {outcome.rest:.0f} MiB at rest and {outcome.peak:.0f} MiB at most.")
    if outcome.peak - outcome.rest > asked.memory:
        outcome.failures.append(f"the server's memory grew by more than {asked.memory:.0f} MiB")
    print(*outcome.failures[:20], sep="\n", end="\n" if outcome.failures else "")
    return 1 if outcome.failures else 0


if __name__ == "__main__":
    sys.exit(main())
