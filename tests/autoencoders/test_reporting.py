import base64
import html
import io
import json
import re
import shutil
import subprocess
from html.parser import HTMLParser

import matplotlib.image
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from autoencoders import reporting, viewing
from autoencoders.reporting import Block, Finding, Picture, Report, Table

MEASURED = pd.DataFrame(
    {
        "network": ["wide", "narrow", "deep", "<b>odd</b>"],
        "dataset": ["photos", "photos", "digits", "digits"],
        "parameters": [9000, 10, 200, 1000000],
        "PSNR": [9.5, 21.25, None, 30.0],
        "spread": [0.5, 0.25, None, 1.0],
        "nothing": [None] * 4,
    }
)
N = 20


def png(width: int = 8, height: int = 4) -> bytes:
    file = io.BytesIO()
    matplotlib.image.imsave(file, np.random.default_rng(0).random((height, width, 3)), format="png")
    return file.getvalue()


def latent_map(title: str) -> str:
    numbers = np.arange(N)
    known = viewing.Shown(
        images=np.broadcast_to(np.linspace(0, 1, N, dtype=np.float32)[:, None, None, None], (N, 4, 4, 1)),
        numbers=numbers,
        labels=numbers % 2,
        classes=["round", "</script><!--"],
        clusters=numbers // 5,
    )
    points = np.stack([numbers % 5, numbers // 5], axis=1).astype(np.float32)
    return viewing.page(points, known, viewing.sprite(known.images), title)


def report(**changes) -> Report:
    long = pd.DataFrame({"name": ["a-network-of-a-rather-long-name"], **{f"parameter {n}": [n] for n in range(30)}})
    pictures = [Picture(png(), "What it shows", "wide: what it shows"), Picture(png(1500, 300), "A broad one", "Broad")]
    values = {
        "title": "Results & more",
        "conditions": "By the recipe “fast”.",
        "data": Table("The data", pd.DataFrame({"data set": ["photos"], "origin": ["http-less words " * 12]})),
        "findings": [
            Finding("Clustering: photos", "0.5 ± 0.1", "accuracy", "pixels, kmeans", verdict, "Below it by 0.1.")
            for verdict in ("learned", "close", "baseline", "alone")
        ],
        "tables": [Table("Networks", MEASURED)],
        "unofficial": ["photos"],
        "networks": [Block(name, "autoencoder", "21 dB", pictures, latent_map(name)) for name in ("wide", "narrow")],
        "representations": [Block("pixels", "baseline", "", pictures[:1])],
        "stages": [Block("neuron", "stage", "", pictures[1:])],
        "parameters": [Table("autoencoders", long)],
        "sources": ["photos: crops"],
        "versions": Table("Versions", pd.DataFrame({"package": ["numpy"], "version": ["2.0"]})),
    }
    return Report(**{**values, **changes})


def test_a_picture_is_shown_pixel_by_pixel():
    picture = Picture(png(30, 20), "", "")
    assert picture.size == (30, 20)
    shown = base64.b64decode(picture.address.removeprefix("data:image/webp;base64,"))
    pixels = [np.asarray(Image.open(io.BytesIO(content)).convert("RGB")) for content in (picture.content, shown)]
    assert np.array_equal(*pixels)


def texts(table: Table) -> list[list[str]]:
    return [[cell["text"] for cell in row] for row in table.rows]


def test_a_column_of_numbers_has_one_form_and_a_deviation_stands_beside_its_mean():
    table = Table("", MEASURED, spreads={"PSNR": "spread"})
    assert table.columns == ["network", "dataset", "parameters", "PSNR"]
    assert [row[2:] for row in texts(table)] == [
        ["9,000", "9.500 ± 0.500"],
        ["10", "21.250 ± 0.250"],
        ["200", ""],
        ["1,000,000", "30.000 ± 1.000"],
    ]
    assert [row[3]["sort"] for row in table.rows] == ["9.5", "21.25", None, "30.0"]
    assert [row[0]["sort"] for row in table.rows] == [None] * 4


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0.5, 0.25], ["0.50", "0.25"]),
        ([0.123456, 1.0], ["0.1235", "1.0000"]),
        ([12.3456, 1.0], ["12.35", "1.00"]),
        ([3.0, None], ["3", ""]),
        ([True, False], ["yes", "no"]),
        (pd.Series([1e-06, 1000, "fast", None, True], dtype=object), ["1e-06", "1000", "fast", "", "yes"]),
    ],
)
def test_values_are_written_as_people_write_them(values, expected):
    assert [row[0] for row in texts(Table("", pd.DataFrame({"value": values})))] == expected


@pytest.mark.parametrize(
    ("way", "within", "best"),
    [("max", None, [3]), ("min", None, [0]), ("max", "dataset", [1, 3]), ("min", "dataset", [0, 3])],
)
def test_the_best_value_is_marked_in_the_table_or_in_each_group(way, within, best):
    rows = Table("", MEASURED, best={"PSNR": way}, within=within).rows
    assert [number for number, row in enumerate(rows) if row[3]["best"]] == best


def contested(*rows: tuple) -> list[Finding]:
    columns = ["dataset", "representation", "kind", "form", "score", "score_std"]
    return reporting.contests(pd.DataFrame(rows, columns=columns), "Clustering", "score", "accuracy", "form")


def test_a_code_that_beats_every_baseline_wins():
    (found,) = contested(
        ("photos", "pixels", "baseline", "kmeans", 0.2, 0.01),
        ("photos", "net", "autoencoder", "kmeans", 0.3, 0.01),
        ("photos", "net", "autoencoder", "mixture", 0.4, 0.02),
    )
    assert found[:5] == ("Clustering: photos", "0.400 ± 0.020", "accuracy", "net, mixture", "learned")
    assert found.text == "Below it by 0.200: the best baseline, pixels, kmeans (0.200)."


def test_a_baseline_that_wins_is_said_to():
    found = contested(
        ("photos", "pixels", "baseline", "kmeans", 0.5, 0.01),
        ("photos", "net", "autoencoder", "kmeans", 0.3, 0.01),
        ("digits", "net", "autoencoder", "kmeans", 0.3, 0.01),
    )
    assert [finding.verdict for finding in found] == ["baseline", "alone"]
    assert found[0].winner == "pixels, kmeans"
    assert found[0].text == "Below it by 0.200: the best autoencoder, net, kmeans (0.300)."


@pytest.mark.parametrize(("code", "other"), [(0.52, "baseline, pixels"), (0.48, "autoencoder, net")])
def test_a_lead_within_the_deviations_is_none(code, other):
    (found,) = contested(
        ("photos", "pixels", "baseline", "kmeans", 0.5, 0.01), ("photos", "net", "autoencoder", "kmeans", code, 0.02)
    )
    assert found.verdict == "close" and found.text.startswith(f"Beside it stands the best {other}")


def test_where_a_manifold_wins_the_best_code_is_named_too():
    (found,) = contested(
        ("photos", "pixels", "baseline", "kmeans", 0.5, 0.0),
        ("photos", "umap", "manifold", "kmeans", 0.9, 0.0),
        ("photos", "net", "autoencoder", "kmeans", 0.7, 0.0),
    )
    assert found.winner == "umap, kmeans"
    assert found.text.endswith(" Of the codes: the best autoencoder, net, kmeans (0.700).")


def test_leaders_are_those_of_each_data_set():
    found = reporting.leaders(MEASURED, "Reconstruction", "PSNR", "dB")
    assert [(finding.purpose, finding.value, finding.winner) for finding in found] == [
        ("Reconstruction: photos", "21.25", "narrow"),
        ("Reconstruction: digits", "30.00", "<b>odd</b>"),
    ]
    assert reporting.leaders(MEASURED, "Reconstruction", "SSIM", "") == []


@pytest.mark.parametrize(
    ("own", "value", "winner", "verdict"),
    [(22.0, "+1.50", "net", "learned"), (20.0, "-0.50", "median filter", "baseline")],
)
def test_a_gain_is_over_the_best_of_the_rivals(own, value, winner, verdict):
    row = {"dataset": "photos", "network": "net", "own": own, "median": 20.5, "mean": 18.0, "none": None}
    rivals = {"median": "median filter", "mean": "mean filter", "none": "nothing"}
    (found,) = reporting.gains(pd.DataFrame([row]), "Denoising", "own", rivals, "dB")
    assert (found.value, found.winner, found.verdict) == (value, winner, verdict)
    assert reporting.gains(pd.DataFrame([row]), "Denoising", "other", rivals, "dB") == []


def test_published_figures_all_have_a_source_and_a_figure():
    assert reporting.PUBLISHED[["method", "data", "source"]].map(len).to_numpy().all()
    assert reporting.PUBLISHED[["accuracy", "NMI", "ARI"]].notna().any(axis=1).all()


class Outline(HTMLParser):
    """The elements that have a text alternative, a scope or a place in the order of headings."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.headings, self.images, self.heads, self.ids, self.targets = [], [], [], [], []
        self.feed(source)

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.ids += [given["id"]] if "id" in given else []
        self.targets += [given["href"][1:]] if given.get("href", "").startswith("#") else []
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        elif tag == "img":
            self.images.append(given)
        elif tag == "th":
            self.heads.append(given.get("scope"))


def test_the_page_is_accessible_by_its_structure():
    found = Outline(reporting.page(report()))
    assert found.headings[0] == 1 and found.headings.count(1) == 1
    assert all(after <= before + 1 for before, after in zip(found.headings, found.headings[1:], strict=False))
    assert all(image["alt"] for image in found.images) and len(found.images) == 6
    assert [(image["width"], image["height"]) for image in found.images[:2]] == [("8", "4"), ("1500", "300")]
    assert set(found.heads) == {"col", "row"}
    assert len(set(found.ids)) == len(found.ids) and set(found.targets) <= set(found.ids)


def test_the_page_brings_along_all_that_it_needs_and_is_the_same_each_time():
    source = reporting.page(report())
    assert source == reporting.page(report())
    assert set(re.findall(r"\b(?:src|href)=[\"']?(\w*:)", source)) == {"data:"}
    assert not re.search(r"https?:|url\(|@import", source)
    assert "&lt;b&gt;odd&lt;/b&gt;" in source and "<b>odd</b>" not in source


@pytest.mark.parametrize("others", [[], ["photos"], ["photos", "digits"]])
def test_published_figures_come_with_a_warning_where_the_data_are_others(others):
    source = reporting.page(report(unofficial=others))
    assert ("hold for the official data sets" in source) == bool(others)
    assert " and ".join(others) in source


def test_parts_without_content_leave_no_heading_behind():
    source = reporting.page(report(findings=[], representations=[], stages=[]))
    for heading in ("Best for each purpose", "Other representations", "More figures"):
        assert heading not in source
    found = Outline(source)
    assert set(found.targets) <= set(found.ids)


FLAGS = """--headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking --disable-sync
--disable-component-update --enable-logging=stderr --window-size=1000,800 --virtual-time-budget=20000"""

# Runs inside a page that holds the report in a frame, which may be narrower than a browser's window can be.
VISIT = """<!DOCTYPE html><meta charset="utf-8">
<iframe style="border: 0; width: WIDTHpx; height: 800px"></iframe>
<script type="application/json">REPORT</script>
<script>
const pause = time => new Promise(resolve => setTimeout(resolve, time));
const frame = document.querySelector("iframe"), complaints = [];
const watch = window => {
  window.addEventListener("error", event => complaints.push(event.message));
  window.addEventListener("unhandledrejection", event => complaints.push(String(event.reason)));
};
frame.srcdoc = JSON.parse(document.querySelector("script").textContent);
frame.addEventListener("load", async () => {
  const page = frame.contentDocument, outcome = {};
  watch(frame.contentWindow);
  const all = selector => [...page.querySelectorAll(selector)];
  const ground = () => frame.contentWindow.getComputedStyle(page.body).backgroundColor;
  outcome.frames = [all("iframe").length];
  outcome.closed = page.documentElement.scrollWidth;
  all("details").forEach(block => { block.open = true; });
  for (let turn = 0; turn < 100; turn++) {
    await pause(100);
    const maps = all("iframe").map(map => map.contentDocument?.documentElement);
    if (maps.length === all(".map").length && maps.every(map => map && "ready" in map.dataset)) break;
  }
  outcome.frames.push(all("iframe").length);
  outcome.pictures = all("img").map(picture => [picture.naturalWidth, picture.getBoundingClientRect().width]);
  outcome.open = page.documentElement.scrollWidth;

  const table = all("table").find(table => table.caption.textContent.includes("Networks"));
  const heads = [...table.tHead.rows[0].cells];
  outcome.sorted = [];
  for (const name of ["parameters", "parameters", "PSNR", "PSNR", "network"]) {
    const head = heads.find(head => head.textContent === name), button = head.querySelector("button");
    button.focus();
    outcome.focused = page.activeElement === button;
    button.click();
    const column = heads.indexOf(head);
    outcome.sorted.push([
      [...table.tBodies[0].rows].map(row => row.cells[column].textContent.trim()),
      heads.map(head => head.getAttribute("aria-sort")).filter(Boolean),
    ]);
  }

  const inside = all("iframe")[0].contentWindow, map = inside.document.querySelector("#map");
  const box = map.getBoundingClientRect(), seen = new Set();
  for (let y = box.top + 2; y < box.bottom; y += 6) {
    for (let x = box.left + 2; x < box.right; x += 6) {
      map.dispatchEvent(new inside.PointerEvent("pointermove", {
        clientX: x, clientY: y, pointerType: "mouse", pointerId: 1, bubbles: true}));
      seen.add(inside.document.querySelector("#number").textContent);
    }
  }
  seen.delete("–");
  outcome.pointed = seen.size;

  const dark = () => inside.matchMedia("(prefers-color-scheme: dark)").matches;
  outcome.schemes = [];
  for (let turn = 0; turn < 3; turn++) {
    outcome.schemes.push([ground(), dark(), page.querySelector("#scheme").textContent]);
    page.querySelector("#scheme").click();
    await pause(100);
  }
  page.querySelector(".all[data-open=false]").click();
  outcome.still = all("details[id=of-wide], details[id=of-narrow]").filter(block => block.open).length;
  frame.contentWindow.location.hash = "#of-wide";
  await pause(200);
  outcome.jumped = page.querySelector("#of-wide").open;
  outcome.complaints = complaints;
  document.body.append(document.createElement("pre"));
  document.querySelector("pre").textContent = JSON.stringify(outcome);
}, {once: true});
</script>"""


@pytest.fixture(scope="module", params=[(360, "light"), (900, "dark")], ids=["phone", "dark"])
def visit(request, tmp_path_factory):
    """What a browser shows of the report, visited as a reader does, and the width of its window and its scheme."""
    browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if not browser:
        pytest.skip("no chromium and no google-chrome on the path")
    width, scheme = request.param
    folder = tmp_path_factory.mktemp("report")
    parts = {"WIDTH": str(width), "REPORT": json.dumps(reporting.page(report())).replace("<", "\\u003c")}
    source = re.sub("WIDTH|REPORT", lambda match: parts[match[0]], VISIT)
    (folder / "visit.html").write_text(source, encoding="utf-8")
    own = [f"--user-data-dir={folder / 'profile'}", "--dump-dom", (folder / "visit.html").as_uri()]
    own += ["--blink-settings=preferredColorScheme=0"] if scheme == "dark" else []
    done = subprocess.run([browser, *FLAGS.split(), *own], capture_output=True, text=True, timeout=100)
    found = re.search("<pre>(.*)</pre>", done.stdout)
    assert found, f"the visit did not come to its end:\n{done.stderr[-2000:]}"
    console = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    return {**json.loads(html.unescape(found[1])), "console": console, "width": width, "scheme": scheme}


def test_nothing_on_the_page_complains(visit):
    assert visit["complaints"] == [] and visit["console"] == []


def test_every_picture_is_shown_once_all_is_open(visit):
    assert [natural for natural, _ in visit["pictures"]] == [8, 1500, 8, 1500, 8, 1500]
    assert all(shown > 0 for _, shown in visit["pictures"])


def test_nothing_is_wider_than_the_window(visit):
    assert visit["closed"] <= visit["width"] and visit["open"] <= visit["width"]


def test_a_press_on_a_column_sorts_by_it_and_another_turns_the_order(visit):
    numbers = ["10", "200", "9,000", "1,000,000"]
    assert visit["sorted"] == [
        [numbers, ["ascending"]],
        [numbers[::-1], ["descending"]],
        [["9.50", "21.25", "30.00", ""], ["ascending"]],
        [["30.00", "21.25", "9.50", ""], ["descending"]],
        [["<b>odd</b>", "deep", "narrow", "wide"], ["ascending"]],
    ]
    assert visit["focused"]


def test_maps_wait_until_they_are_opened_and_answer_the_pointer(visit):
    assert visit["frames"] == [0, 2]
    assert visit["pointed"] == N


def test_the_switch_changes_the_colours_of_the_page_and_of_the_maps(visit):
    grounds, maps, names = zip(*visit["schemes"], strict=True)
    dark = visit["scheme"] == "dark"
    assert maps == (dark, not dark, dark)
    assert grounds[0] == grounds[2] != grounds[1]
    assert (max(map(int, re.findall(r"\d+", grounds[0])[:3])) < 60) == dark
    assert names[0] == names[2] == ("Light" if dark else "Dark")


def test_all_can_be_closed_and_a_link_opens_what_it_leads_to(visit):
    assert visit["still"] == 0
    assert visit["jumped"]
