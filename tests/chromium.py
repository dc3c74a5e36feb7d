"""A headless browser that a test drives, over the pipe of the Chrome DevTools Protocol."""

import base64
import json
import os
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = """--headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking --disable-sync
--disable-component-update --remote-debugging-pipe"""
PATIENCE = 60
# The browser reads from its descriptor 3 and writes to 4.
AS_3_AND_4 = """
import fcntl, os, sys
read, write = (fcntl.fcntl(int(given), fcntl.F_DUPFD, 10) for given in sys.argv[1:3])
os.dup2(read, 3), os.dup2(write, 4)
os.execv(sys.argv[3], sys.argv[3:])
"""


class Page:
    """One page of the browser.

    Attributes
    ----------
    requests : list of str
        The address of all that the page asked for.
    complaints : list of str
        Uncaught exceptions, and what the browser wrote to its console of errors and of what it did not allow.
    """

    def __init__(self, process: subprocess.Popen, read: int, write: int):
        self._process, self._read, self._write = process, read, write
        self._rest, self._number, self._session = b"", 0, None
        self.requests: list[str] = []
        self.complaints: list[str] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log", "DOM"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **values: Any) -> dict[str, Any]:
        """Call a method of the protocol and return its result."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": values}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        until = time.monotonic() + PATIENCE
        while True:
            found = self._next(until)
            if found.get("id") == self._number:
                assert "error" not in found, f"{method}: {found['error']}"
                return found["result"]

    def open(self, address: str, width: int = 1000, dark: bool = False) -> None:
        """Show an address in a window of some width, in CSS pixels."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=800, deviceScaleFactor=1, mobile=False)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])
        self.call("Page.navigate", url=address)
        blank = "===" if address == "about:blank" else "!=="
        self.until(f"document.readyState === 'complete' && location.href {blank} 'about:blank'")

    def value(self, expression: str) -> Any:
        """Return the value of an expression in the page, as JSON has it; of a promise what it comes to."""
        found = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def until(self, expression: str) -> None:
        """Wait until an expression in the page is true."""
        end = time.monotonic() + PATIENCE
        while not self.value(f"Boolean({expression})"):
            assert time.monotonic() < end, f"{expression} did not become true; the page complained of {self.complaints}"
            time.sleep(0.05)

    def press(self, *keys: str) -> None:
        """Press keys, each by the name that KeyboardEvent.key has for it."""
        codes = {"Tab": 9, "Enter": 13, "ArrowRight": 39, "ArrowLeft": 37, " ": 32}
        for key in keys:
            text = {"Enter": "\r", " ": " "}.get(key, "")
            about = {"key": key, "code": key, "windowsVirtualKeyCode": codes[key], "text": text}
            self.call("Input.dispatchKeyEvent", type="keyDown" if text else "rawKeyDown", **about)
            self.call("Input.dispatchKeyEvent", type="keyUp", **about)

    def click(self, selector: str) -> None:
        """Press the middle of an element with the mouse."""
        box = self.value(
            f"(element => {{ element.scrollIntoView({{block: 'center'}}); const box = element.getBoundingClientRect();"
            f" return [box.x + box.width / 2, box.y + box.height / 2]; }})(document.querySelector({selector!r}))"
        )
        about = {"x": box[0], "y": box[1], "button": "left", "clickCount": 1}
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, **about)

    def drop(self, selector: str, *files: Path) -> None:
        """Drag files from outside the browser onto an element."""
        box = self.value(
            f"(box => [box.x + 9, box.y + 9])(document.querySelector({selector!r}).getBoundingClientRect())"
        )
        data = {"items": [], "files": [str(file) for file in files], "dragOperationsMask": 1}
        for kind in ("dragEnter", "dragOver", "drop"):
            self.call("Input.dispatchDragEvent", type=kind, x=box[0], y=box[1], data=data)

    def choose(self, selector: str, *files: Path) -> None:
        """Choose files in an `<input type="file">`."""
        root = self.call("DOM.getDocument")["root"]["nodeId"]
        node = self.call("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
        self.call("DOM.setFileInputFiles", nodeId=node, files=[str(file) for file in files])

    def picture(self, file: Path) -> None:
        """Write the whole page as it looks into a PNG."""
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        shot = self.call("Page.captureScreenshot", captureBeyondViewport=True, clip={**size, "scale": 1})
        file.write_bytes(base64.b64decode(shot["data"]))

    def _next(self, until: float) -> dict[str, Any]:
        while b"\0" not in self._rest:
            ready = select.select([self._read], [], [], max(until - time.monotonic(), 0))[0]
            assert ready, "the browser does not answer"
            part = os.read(self._read, 2**20)
            assert part, f"the browser ended:\n{self._process.stderr.read()[-2000:]}"  # type: ignore[union-attr]
            self._rest += part
        message, self._rest = self._rest.split(b"\0", 1)
        found = json.loads(message)
        self._notice(found.get("method"), found.get("params", {}))
        return found

    def _notice(self, method: str | None, values: dict[str, Any]) -> None:
        if method == "Network.requestWillBeSent":
            self.requests.append(values["request"]["url"])
        elif method == "Runtime.exceptionThrown":
            self.complaints.append(values["exceptionDetails"].get("exception", {}).get("description", "an exception"))
        elif method == "Log.entryAdded" and values["entry"]["level"] == "error":
            self.complaints.append(values["entry"]["text"])


@contextmanager
def browser(folder: Path) -> Iterator[Page]:
    """Start a browser that keeps its own files in a folder, and end it. Skips the test where there is none."""
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if not program:
        pytest.skip("no chromium and no google-chrome on the path")
    (in_read, in_write), (out_read, out_write) = os.pipe(), os.pipe()
    command = [sys.executable, "-c", AS_3_AND_4, str(in_read), str(out_write)]
    command += [program, *FLAGS.split(), f"--user-data-dir={folder / 'profile'}", "about:blank"]
    streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, pass_fds=(in_read, out_write), **streams) as process:
        os.close(in_read)
        os.close(out_write)
        try:
            yield Page(process, out_read, in_write)
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
            os.close(in_write)
            os.close(out_read)
