"""Searches a second over HTTP, of pictures among 10,000 codes.

`python -m benchmarks.serving [SECONDS]` prints them, with the processor time that the server and the clients take. They
share the machine's cores.
"""

import io
import json
import multiprocessing
import os
import sys
import tempfile
import time
from pathlib import Path

from PIL import Image

from benchmarks.measuring import ROOT

N_CODES, WIDTH, SIDE, CLIENTS = 10_000, 64, 16, 4


def main() -> None:
    """Measure and print one line of JSON."""
    sys.path.insert(0, str(ROOT / "tests"))
    import linear_export

    from tools import flood

    seconds = float(sys.argv[1]) if sys.argv[1:] else 10.0
    with tempfile.TemporaryDirectory() as folder:
        images = linear_export.crops(N_CODES * 5 // 4, SIDE)
        export = linear_export.write(Path(folder) / "export", images, width=WIDTH)
        file = io.BytesIO()
        Image.fromarray(images[0]).save(file, "PNG")
        with flood.serving(export) as server, multiprocessing.get_context("spawn").Pool(CLIENTS) as clients:
            asked = (server.host, server.port, file.getvalue())
            clients.starmap(search, [(*asked, 0.5)] * CLIENTS)
            before = _cpu(server.process.pid)
            found = clients.starmap(search, [(*asked, seconds)] * CLIENTS)
            used = _cpu(server.process.pid) - before
    count, client_seconds = (sum(values) for values in zip(*found, strict=True))
    print(
        json.dumps(
            {
                "codes": N_CODES,
                "width": WIDTH,
                "clients": CLIENTS,
                "searches_per_second": count / seconds,
                "server_cpu_ms_per_search": 1000 * used / count,
                "client_cpu_ms_per_search": 1000 * client_seconds / count,
                "load_average": os.getloadavg()[0],
            }
        )
    )


def search(host: str, port: int, picture: bytes, seconds: float) -> tuple[int, float]:
    """Search again and again, and return how often, and the seconds of processor time that it took."""
    import http.client

    connection, count = http.client.HTTPConnection(host, port, timeout=60), 0
    begun, end = time.process_time(), time.perf_counter() + seconds
    while time.perf_counter() < end:
        connection.request("POST", "/search?k=10", picture, {"Content-Type": "image/png"})
        answer = connection.getresponse()
        content = answer.read()
        assert answer.status == 200, content
        count += 1
    return count, time.process_time() - begun


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
