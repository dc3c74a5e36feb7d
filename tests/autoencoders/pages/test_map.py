import html
import io
import json
import re
import shutil
import subprocess

import matplotlib.image
import numpy as np
import pytest
from matplotlib.colors import to_hex
from scipy.spatial.distance import cdist
from threadpoolctl import threadpool_limits

from autoencoders.core.errors import InputError
from autoencoders.pages import figures
from autoencoders.pages.map import page

SETTINGS = {"perplexity": 5, "max_iter": 1000, "seed": 0}
CLASSES = ["square", "round & <b>bold</b>", "</script>"]
N = 20


def blobs(n: int = 60, width: int = 70) -> tuple[np.ndarray, np.ndarray]:
    """Return codes of three well separated groups, wider than what t-SNE is given, and their groups."""
    groups = np.arange(n) % 3
    noise = np.random.default_rng(0).normal(size=(n, width))
    return (20 * np.eye(3, width)[groups] + noise).astype(np.float32), groups


def shown(n: int = N, channels: int = 3) -> page.Shown:
    """Return images of 4×4 pixels, a colour each that tells them apart, and what is known of them."""
    pixels = np.linspace(0, 1, n, dtype=np.float32)[:, None] * np.array([1, 0.5, 0.25], np.float32)[:channels]
    numbers = np.arange(n)
    return page.Shown(
        images=np.broadcast_to(pixels[:, None, None], (n, 4, 4, channels)),
        numbers=1000 + 3 * numbers,
        labels=numbers % len(CLASSES),
        classes=CLASSES,
        clusters=numbers // 5,
    )


def spread(n: int = N) -> np.ndarray:
    """Return points on a map that is wider than high, far from each other and in an order of their own."""
    cells = np.random.default_rng(0).permutation(n)
    return np.stack([cells % 5 * 10.0, cells // 5 * 6.0], axis=1).astype(np.float32) - 17


def page(points: np.ndarray, known: page.Shown, title: str = "A map") -> str:
    return page.page(points, known, page.sprite(known.images), title)


@pytest.mark.parametrize("width", [3, 70, 300])
def test_images_of_one_group_lie_together(width):
    codes, groups = blobs(width=width)
    points = page.positions(codes, **SETTINGS)
    assert points.shape == (60, 2) and points.dtype == np.float32
    distances = cdist(points, points)
    np.fill_diagonal(distances, np.inf)
    assert np.array_equal(groups[distances.argmin(axis=1)], groups)
    within = distances[(groups[:, None] == groups) & np.isfinite(distances)].max()
    assert within < distances[groups[:, None] != groups].min()


def test_the_same_seed_gives_the_same_bytes_however_many_threads_there_are():
    codes, found = blobs(600)[0], set()
    for threads in (1, 4):
        with threadpool_limits(threads):
            found.add(page.positions(codes, perplexity=5, max_iter=250, seed=0).tobytes())
    assert len(found) == 1


def test_a_code_of_one_value_can_be_laid_out():
    codes = np.repeat(np.array([0, 50], np.float32), 15)[:, None] + np.linspace(0, 1, 30, dtype=np.float32)[:, None]
    points = page.positions(codes, **SETTINGS)
    distances = cdist(points, points)
    np.fill_diagonal(distances, np.inf)
    assert np.array_equal(distances.argmin(axis=1) < 15, np.arange(30) < 15)


def test_codes_that_are_all_the_same_lie_in_one_point(recwarn):
    points = page.positions(np.full((30, 70), 0.5, np.float32), **SETTINGS)
    assert np.array_equal(points, np.zeros((30, 2))) and len(recwarn) == 0


def test_a_perplexity_that_is_not_below_the_number_of_images_names_the_parameter():
    with pytest.raises(InputError, match=r"^map\.perplexity is 60, but it must be less than the 60 images shown; "):
        page.positions(blobs()[0], **{**SETTINGS, "perplexity": 60})


def test_the_figure_shows_each_group_in_its_colour_and_only_those_there_are():
    points, groups = spread(), np.repeat([0, 2, 3, 2], 5)
    figure = page.scatter(points, groups, ["a", "b", "c", "d"], "letter", "A title")
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["a", "c", "d"]
    assert figure.legends[0].get_title().get_text() == "letter"
    drawn = dict(zip((0, 2, 3), figure.axes[0].collections, strict=True))
    for group, dots in drawn.items():
        assert np.array_equal(dots.get_offsets(), points[groups == group])
        assert to_hex(dots.get_facecolor()[0]).upper() == figures.COLOURS[group]


def test_groups_beyond_the_colours_can_be_told_apart():
    figure = page.scatter(spread(), np.arange(N), [str(group) for group in range(N)], "cluster")
    looks = {
        (to_hex(dots.get_facecolor()[0]), dots.get_paths()[0].vertices.tobytes()) for dots in figure.axes[0].collections
    }
    assert len(looks) == N


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("n", [1, 2, 9, 20])
def test_the_sprite_holds_the_images_row_by_row_in_a_square_grid(n, channels):
    images = np.random.default_rng(0).random((n, 4, 4, channels), dtype=np.float32)
    picture = matplotlib.image.imread(io.BytesIO(page.sprite(images)), format="png")
    side = int(np.ceil(np.sqrt(n)))
    assert picture.shape[:2] == (4 * side, 4 * side)
    for number, image in enumerate(images):
        row, column = divmod(number, side)
        cell = picture[4 * row : 4 * row + 4, 4 * column : 4 * column + 4]
        np.testing.assert_allclose(cell[..., :3], np.broadcast_to(image, (4, 4, 3)), atol=0.51 / 255)


def test_more_images_than_the_projector_takes_name_the_parameter():
    images = np.broadcast_to(np.float32(0), (256 * 256 + 1, 32, 32, 1))
    with pytest.raises(InputError, match=r"^map\.sample gives 65537 images, but one picture holds at most 65536 "):
        page.sprite(images)


def test_the_page_brings_along_all_that_it_needs():
    source = page(spread(), shown(), "cats & <dogs>")
    assert set(re.findall(r"\b(?:src|href)=[\"']?(\w*:?)", source)) == {"data:"}
    assert not re.search(r"https?:|url\(|@import|__[A-Z]+__", source)
    assert source.count("cats &amp; &lt;dogs&gt;") == 2
    assert "default-src 'none'" in source


@pytest.mark.parametrize("width", [1, 6])
def test_the_projector_finds_codes_names_and_images_in_the_same_order(tmp_path, width):
    codes, known = np.random.default_rng(0).normal(size=(N, width)).astype(np.float32), shown()
    page.write_projector(tmp_path, "a-network", codes, known, page.sprite(known.images))
    # The projector takes no code of one value.
    columns = max(width, 2)
    expected = np.pad(codes, ((0, 0), (0, columns - width)))
    np.testing.assert_allclose(np.loadtxt(tmp_path / "tensors.tsv", delimiter="\t"), expected, rtol=1e-5)
    header, *lines = (tmp_path / "metadata.tsv").read_text(encoding="utf-8").splitlines()
    assert header.split("\t") == ["class", "cluster", "image"]
    expected = zip([CLASSES[label] for label in known.labels], known.clusters, known.numbers, strict=True)
    assert [line.split("\t") for line in lines] == [list(map(str, row)) for row in expected]
    assert (tmp_path / "sprite.png").read_bytes() == page.sprite(known.images)

    paths = {"tensorPath": "tensors.tsv", "metadataPath": "metadata.tsv"}
    sprite = {"sprite": {"imagePath": "sprite.png", "singleImageDim": [4, 4]}}
    (embedding,) = json.loads((tmp_path / "config.json").read_text(encoding="utf-8"))["embeddings"]
    assert embedding == {"tensorName": "a-network", "tensorShape": [N, columns], **paths, **sprite}
    assert (tmp_path / "projector_config.pbtxt").read_text(encoding="utf-8").split() == [
        *("embeddings", "{", "tensor_name:", '"a-network"', "tensor_shape:", str(N), "tensor_shape:", str(columns)),
        *("tensor_path:", '"tensors.tsv"', "metadata_path:", '"metadata.tsv"'),
        *("sprite", "{", "image_path:", '"sprite.png"', "single_image_dim:", "4", "single_image_dim:", "4", "}", "}"),
    ]


FLAGS = """--headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking --disable-sync
--disable-component-update --enable-logging=stderr --window-size=900,700 --virtual-time-budget=20000"""

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
  const map = find("#map"), box = page.getBoundingClientRect();
  const copy = document.createElement("canvas"), pen = copy.getContext("2d", {willReadFrequently: true});
  const bytes = canvas => {
    [copy.width, copy.height] = [canvas.width, canvas.height];
    pen.drawImage(canvas, 0, 0);
    return pen.getImageData(0, 0, copy.width, copy.height).data;
  };
  const read = () => ({
    number: find("#number").textContent, class: find("#class").textContent, cluster: find("#cluster").textContent,
    colour: [...bytes(find("#image"))].slice(0, 3),
    size: [find("#image").width, find("#image").height],
  });
  const send = (type, [clientX, clientY], kind) => page.dispatchEvent(
    new PointerEvent(type, {clientX, clientY, pointerType: kind, pointerId: 1, bubbles: true}));
  const press = key => page.dispatchEvent(new KeyboardEvent("keydown", {key, bubbles: true, cancelable: true}));
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
  find("input[value=cluster]").click();
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


@pytest.fixture(scope="module")
def visit(tmp_path_factory):
    """What a browser shows on a page of twenty images, visited as a reader does; skips where there is no browser."""
    browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if not browser:
        pytest.skip("no chromium and no google-chrome on the path")
    folder = tmp_path_factory.mktemp("page")
    source = page(spread(), shown(), "A map")
    (folder / "map.html").write_text(
        source.replace("<title>", f"{WATCH}<title>").replace("</body>", f"{VISIT}</body>"), encoding="utf-8"
    )
    own = [f"--user-data-dir={folder / 'profile'}", "--dump-dom", (folder / "map.html").as_uri()]
    done = subprocess.run([browser, *FLAGS.split(), *own], capture_output=True, text=True, timeout=100)
    found = re.search("<pre>(.*)</pre>", done.stdout)
    assert found, f"the visit did not come to its end:\n{done.stderr[-2000:]}"
    return {
        **json.loads(html.unescape(found[1])),
        "console": [line for line in done.stderr.splitlines() if "CONSOLE" in line],
    }


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
