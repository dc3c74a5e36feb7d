import base64
import io
import json
import re

import numpy as np
import pytest
from example_map import N, shown, spread
from matplotlib.colors import to_hex
from PIL import Image
from scipy.spatial.distance import cdist
from threadpoolctl import threadpool_limits

from autoencoders.core.errors import InputError
from autoencoders.pages import figures
from autoencoders.pages.map import page

SETTINGS = {"perplexity": 5, "max_iter": 1000, "seed": 0}


def blobs(n: int = 60, width: int = 70) -> tuple[np.ndarray, np.ndarray]:
    """Return codes of three well separated groups, wider than what t-SNE is given, and their groups."""
    groups = np.arange(n) % 3
    noise = np.random.default_rng(0).normal(size=(n, width))
    return (20 * np.eye(3, width)[groups] + noise).astype(np.float32), groups


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


def test_groups_that_a_legend_has_no_room_for_are_drawn_as_others():
    n = 150
    figure = page.scatter(
        np.random.default_rng(0).random((2 * n, 2)), np.arange(2 * n) % n, list(map(str, range(n))), ""
    )
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    assert texts == [*map(str, range(47)), "103 others"]
    assert sum(len(dots.get_offsets()) for dots in figure.axes[0].collections) == 2 * n


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(("n", "grid"), [(1, (1, 1)), (2, (1, 2)), (9, (3, 3)), (12, (3, 4)), (20, (4, 5))])
def test_the_sprite_holds_the_images_row_by_row(n, grid, channels):
    images = np.random.default_rng(0).random((n, 4, 4, channels), dtype=np.float32)
    picture = page.sprite(images)
    assert picture.shape == (4 * grid[0], 4 * grid[1], 3)
    for number, image in enumerate(images):
        row, column = divmod(number, grid[1])
        cell = picture[4 * row : 4 * row + 4, 4 * column : 4 * column + 4]
        assert np.array_equal(cell, np.broadcast_to(np.rint(255 * image), (4, 4, 3)))


@pytest.mark.parametrize(("shape", "cell"), [((24, 40), (24, 40)), ((256, 256), (64, 64)), ((1000, 10), (64, 1))])
def test_the_sprite_holds_large_images_as_thumbnails_of_the_same_proportion(shape, cell):
    shades = np.linspace(0, 1, 3, dtype=np.float32)
    images = np.broadcast_to(shades[:, None, None, None], (3, *shape, 1))
    picture = page.sprite(images)
    assert picture.shape == (2 * cell[0], 2 * cell[1], 3)
    rows, columns = cell
    found = [picture[:rows, :columns], picture[:rows, columns:], picture[rows:, :columns]]
    assert [np.unique(part).tolist() for part in found] == [[0], [128], [255]]


def test_a_pixel_of_a_thumbnail_is_the_mean_of_those_it_stands_for():
    image = np.random.default_rng(0).random((1, 128, 128, 3), dtype=np.float32)
    means = image.reshape(64, 2, 64, 2, 3).mean(axis=(1, 3))
    np.testing.assert_allclose(page.sprite(image) / 255, means, atol=2 / 255)


def test_a_page_without_classes_has_nothing_of_them():
    known = shown()._replace(labels=None, classes=[], files=[f"{number}.png" for number in range(N)])
    source = page.render(spread(), known, "A map")
    data = json.loads(re.search('<script type="application/json" id="data">(.*?)</script>', source)[1])
    assert not {"class", "classes"} & data.keys() and data["file"][3] == "3.png"
    body = source[source.index("<body>") : source.index("<script")]
    assert "class</label>" not in body and 'id="class"' not in body and 'id="file"' in body


@pytest.mark.parametrize("n", [26, 100, 1000])
def test_a_figure_of_many_classes_of_any_name_has_a_bounded_legend(n):
    names = [f"_{number}$^$ and more of a name that never comes to its end" for number in range(n)]
    figure = page.scatter(np.random.default_rng(0).random((n, 2)), np.arange(n), names, "class")
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    assert len(texts) == min(n, 48) and texts[0].startswith("_0") and max(map(len, texts)) < 40
    figure.draw_without_rendering()


def test_two_images_can_be_laid_out():
    points = page.positions(np.eye(2, 5, dtype=np.float32), perplexity=1, max_iter=250, seed=0)
    assert points.shape == (2, 2) and np.isfinite(points).all()


def test_more_images_than_a_browser_draws_name_the_parameter():
    images = np.broadcast_to(np.float32(0), (256 * 256 + 1, 32, 32, 1))
    with pytest.raises(
        InputError, match=r"^map\.sample gives 65537 images, but a page holds at most 65536 of 32×32 pixels"
    ):
        page.sprite(images)


def test_the_page_brings_along_all_that_it_needs():
    source = page.render(spread(), shown(), "cats & <dogs>")
    assert set(re.findall(r"\b(?:src|href)=[\"']?(\w*:?)", source)) == {"data:"}
    assert not re.search(r"https?:|url\(|@import|__[A-Z]+__", source)
    assert source.count("cats &amp; &lt;dogs&gt;") == 2
    assert "default-src 'none'" in source
    picture = re.search('"data:image/png;base64,([^"]*)"', source)[1]
    pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(picture))).convert("RGB"))
    assert np.array_equal(pixels, page.sprite(shown().images))
