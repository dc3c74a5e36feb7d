"""A visit to a page by a browser without a window."""

import html
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = """--headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking --disable-sync
--disable-component-update --enable-logging=stderr --virtual-time-budget=20000"""


def visit(source: str, folder: Path, *flags: str) -> dict:
    """Return what a page's script, at the end of its visit, wrote as JSON into the only `<pre>` of the page.

    Under "console" stand the lines that the browser wrote to its console. Skips the test where there is no browser.

    Parameters
    ----------
    source : str
        The page.
    folder : Path
        An empty folder.
    flags : str
        More flags for the browser.
    """
    browser = next(filter(None, map(shutil.which, NAMES)), None)
    if not browser:
        pytest.skip("no chromium and no google-chrome on the path")
    page = folder / "page.html"
    page.write_text(source, encoding="utf-8")
    command = [browser, *FLAGS.split(), *flags, f"--user-data-dir={folder / 'profile'}", "--dump-dom", page.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    found = re.search("<pre>(.*)</pre>", done.stdout)
    assert found, f"the visit did not come to its end:\n{done.stderr[-2000:]}"
    console = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    return {**json.loads(html.unescape(found[1])), "console": console}
