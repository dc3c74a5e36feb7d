"""The map in a browser, as a reader visits it."""

from pathlib import Path

import browser
import numpy as np
import pytest
from example_map import CLASSES, N, shown, spread

from autoencoders.pages.map import page

pytestmark = pytest.mark.browser

WATCH = """<script>
const complaints = [];
addEventListener("error", event => complaints.push(event.message));
addEventListener("unhandledrejection", event => complaints.push(String(event.reason)));
</script>"""

# Points at every few pixels of the map, walks over all images by keyboard, taps, zooms and switches.
VISIT = """<script>
const visiting = setInterval(() => {
  if (!("ready" in document.documentElement.dataset)) return;
  clearInterval(visiting);
  const find = selector => document.querySelector(selector);
  const map = find("#map"), box = map.getBoundingClientRect();
  const copy = document.createElement("canvas"), pen = copy.getContext("2d", {willReadFrequently: true});
  const bytes = canvas => {
    [copy.width, copy.height] = [canvas.width, canvas.height];
    pen.drawImage(canvas, 0, 0);
    return pen.getImageData(0, 0, copy.width, copy.height).data;
  };
  const read = () => ({
    number: find("#number").textContent, class: find("#class")?.textContent, cluster: find("#cluster").textContent,
    file: find("#file")?.textContent,
    colour: [...bytes(find("#image"))].slice(0, 3),
    size: [find("#image").width, find("#image").height],
  });
  const send = (type, [clientX, clientY], kind) => map.dispatchEvent(
    new PointerEvent(type, {clientX, clientY, pointerType: kind, pointerId: 1, bubbles: true}));
  const press = key => map.dispatchEvent(new KeyboardEvent("keydown", {key, bubbles: true, cancelable: true}));
  const legend = () => [...document.querySelectorAll("#legend li")].map(item => item.textContent);
  const ink = () => bytes(map).filter((value, place) => place % 4 === 3 && value > 0).length;
  const outcome = {start: find("#number").textContent, pointed: {}, places: {}, keys: [], legends: [legend()]};
  for (let y = box.top + 2; y < box.bottom; y += 5) {
    for (let x = box.left + 2; x < box.right; x += 5) {
      const before = find("#number").textContent;
      send("pointermove", [x, y], "mouse");
      if (find("#number").textContent === before) continue;
      const found = read();
      outcome.pointed[found.number] = found;
      (outcome.places[found.number] ??= []).push([x - box.left, y - box.top]);
    }
  }
  press("Home");
  for (let number = Object.keys(outcome.pointed).length; number > 0; number--) {
    outcome.keys.push(find("#number").textContent);
    press("PageDown");
  }
  outcome.arrows = ["ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight"].map(key => {
    press("Home");
    press(key);
    return find("#number").textContent;
  });
  press("Home");
  const [x, y] = outcome.places[outcome.keys.at(-1)].at(0);
  send("pointerdown", [x + box.left, y + box.top], "touch");
  send("pointerup", [x + box.left, y + box.top], "touch");
  outcome.tapped = find("#number").textContent;
  find("input[value=cluster]")?.click();
  outcome.legends.push(legend());
  draw();
  const dots = ink();
  find("#pictures").click();
  draw();
  outcome.ink = [dots, ink()];
  find("#in").click();
  find("#legend button").click();
  find("#whole").click();
  draw();
  outcome.complaints = complaints;
  document.body.append(document.createElement("pre"));
  find("pre").textContent = JSON.stringify(outcome);
}, 50);
</script>"""


def visited(known: page.Shown, folder: Path) -> dict:
    """Return what a browser shows on a page of twenty images."""
    source = page.render(spread(), known, "A map")
    source = source.replace("<title>", f"{WATCH}<title>").replace("</body>", f"{VISIT}</body>")
    return browser.visit(source, folder, "--window-size=900,700")


@pytest.fixture(scope="module")
def visit(tmp_path_factory):
    return visited(shown(), tmp_path_factory.mktemp("map"))


def test_pointing_at_a_dot_or_tapping_it_shows_its_image_class_cluster_and_number(visit):
    known = shown()
    assert visit["start"] == "–"
    assert set(visit["pointed"]) == {str(number) for number in known.numbers}
    for number, image, label, cluster in zip(known.numbers, known.images, known.labels, known.clusters, strict=True):
        found = visit["pointed"][str(number)]
        assert (found["class"], found["cluster"]) == (CLASSES[label], str(cluster))
        assert found["colour"] == np.rint(255 * image[0, 0]).tolist()
        assert found["size"] == [4, 4]
    assert visit["tapped"] == visit["keys"][-1] != visit["keys"][0]


def test_dots_lie_on_the_screen_as_the_points_do_on_the_map(visit):
    places = np.array([np.mean(visit["places"][str(number)], axis=0) for number in shown().numbers])
    points = spread() * [1, -1]
    for axis in (0, 1):
        assert np.corrcoef(places[:, axis], points[:, axis])[0, 1] > 0.98


def test_every_image_is_reached_by_keyboard(visit):
    numbers = shown().numbers
    assert visit["keys"][: len(numbers)] == [str(number) for number in numbers]
    points = spread()
    reached = [points[numbers.tolist().index(int(number))] - points[0] for number in visit["arrows"]]
    beyond = [np.array([0, 1]), np.array([0, -1]), np.array([-1, 0]), np.array([1, 0])]
    for step, direction in zip(reached, beyond, strict=True):
        there = any((points - points[0]) @ direction >= np.abs((points - points[0]) @ direction[::-1]) + 1e-6)
        assert step @ direction > 0 if there else not step.any()


def test_the_legend_follows_the_switch_and_images_in_place_of_dots_cover_more_of_the_map(visit):
    counts = np.bincount(shown().labels)
    assert visit["legends"][0] == [f"{name}{count}" for name, count in zip(CLASSES, counts, strict=True)]
    assert visit["legends"][1] == ["05", "15", "25", "35"]
    dots, images = visit["ink"]
    assert 0 < 2 * dots < images


def test_nothing_on_the_page_complains(visit):
    assert visit["complaints"] == []
    assert visit["console"] == []


def test_images_without_classes_and_higher_than_wide_are_shown_by_cluster_and_file(tmp_path):
    names = [f"img {number} & <b>.png" for number in range(N)]
    high = np.repeat(shown().images, 3, axis=1)
    found = visited(shown()._replace(images=high, labels=None, classes=(), files=names), tmp_path)
    assert found["legends"] == 2 * [["05", "15", "25", "35"]]
    for place, number in enumerate(shown().numbers):
        dot = found["pointed"][str(number)]
        assert (dot["file"], dot["cluster"]) == (names[place], str(place // 5))
        assert "class" not in dot
        assert dot["colour"] == np.rint(255 * high[place, 0, 0]).tolist()
        assert dot["size"] == [4, 12]
    dots, images = found["ink"]
    assert 0 < 2 * dots < images
    assert found["complaints"] == found["console"] == []


def test_a_legend_of_many_classes_is_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr(page, "MOST_GROUPS", 8)
    labels = np.arange(N)
    found = visited(shown()._replace(labels=labels, classes=[f"class {label}" for label in labels]), tmp_path)
    assert found["legends"][0] == [*(f"class {label}1" for label in labels[:7]), "13 others13"]
    assert {dot["class"] for dot in found["pointed"].values()} == {f"class {label}" for label in labels}
    assert found["complaints"] == found["console"] == []
