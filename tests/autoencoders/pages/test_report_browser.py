"""The report in a browser, as a reader visits it."""

import json
import re

import browser
import pytest
from example_report import N, report

from autoencoders.pages.report import page

pytestmark = pytest.mark.browser

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
    width, scheme = request.param
    parts = {"WIDTH": str(width), "REPORT": json.dumps(page.render(report())).replace("<", "\\u003c")}
    source = re.sub("WIDTH|REPORT", lambda match: parts[match[0]], VISIT)
    flags = ["--window-size=1000,800", *(["--blink-settings=preferredColorScheme=0"] if scheme == "dark" else [])]
    seen = browser.visit(source, tmp_path_factory.mktemp("report"), *flags)
    return {**seen, "width": width, "scheme": scheme}


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
