import io

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from autoencoders.pages import figures

IMAGES = np.random.default_rng(0).random((3, 8, 8, 3), dtype=np.float32)


def drawn(figure) -> list:
    return [image for axis in figure.axes for image in axis.images]


def cells(figure, row: int, n: int) -> list[np.ndarray]:
    """Return the images of one row, uint8 [height, width, 3]: what is drawn, cut into n and without the gaps."""
    found = []
    for cell in np.split(drawn(figure)[row].get_array(), n, axis=1):
        inside = np.flatnonzero((cell != 255).any(axis=(0, 2)))
        found.append(cell[:, inside.min() : inside.max() + 1])
    return found


def test_rows_show_every_image_under_its_caption():
    figure = figures.image_rows({"colour": IMAGES, "grey": IMAGES.mean(axis=-1)}, ["a", "b", "c"])
    for row, images in enumerate((IMAGES, np.repeat(IMAGES.mean(axis=-1)[..., np.newaxis], 3, axis=-1))):
        for cell, image in zip(cells(figure, row, 3), images, strict=True):
            times = cell.shape[1] // image.shape[1]
            assert np.array_equal(cell, np.rint(255 * image).astype(np.uint8).repeat(times, axis=1))
    assert [(text.get_text(), int(text.get_position()[0])) for text in figure.axes[0].texts] == [
        ("a", 0),
        ("b", 1),
        ("c", 2),
    ]
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["colour", "grey"]


@pytest.mark.parametrize("width", [1, 8, 28, 32, 64])
def test_images_stand_apart_by_a_sixteenth_of_their_width(width):
    (row,) = drawn(figures.image_rows({"row": np.zeros((2, 4, width))}))
    white = (row.get_array() == 255).all(axis=(0, 2))
    assert 0.04 < white.mean() < 0.08 and white[0] and white[-1]


def test_frames_are_drawn_around_the_images_that_have_one():
    figure = figures.image_rows({"row": IMAGES}, frames={"row": [None, "red", "blue"]})
    assert [int(patch.get_x()) for patch in figure.axes[0].patches] == [1, 2]


def test_rows_of_different_length_leave_the_rest_empty():
    figure = figures.image_rows({"3": IMAGES, "1": IMAGES[:1]})
    assert [image.get_extent()[1] for image in drawn(figure)] == [3, 1]
    assert figure.axes[0].get_xlim() == (0, 3)


def test_a_row_without_images_is_empty():
    figure = figures.image_rows({"some": IMAGES, "none": IMAGES[:0]})
    assert len(drawn(figure)) == 1
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["some", "none"]


def test_the_grey_scale_is_that_of_pixels_or_stretched_over_a_row():
    rows = {
        "image": np.array([[[0.2, 0.5]]]),
        "bytes": np.array([[[0, 128]]], np.uint8),
        "code": np.array([[[-2.5, 7.5]]]),
        "nothing": np.zeros((1, 1, 2)),
    }
    figure = figures.image_rows(rows, stretched=["code", "nothing"])
    ends = [image.get_array()[0, [3, -4], 0].tolist() for image in drawn(figure)]
    assert ends == [[51, 128], [0, 128], [0, 255], [0, 0]]


def test_curves_may_have_epochs_of_their_own():
    figure = figures.curves({"a": [1, 2], "b": [1, 2, 3]}, {"a": [5, 4], "b": [3, 2, 1]}, "epoch", "loss")
    assert [line.get_xdata().tolist() for line in figure.axes[0].lines] == [[1, 2], [1, 2, 3]]
    assert [text.get_text() for text in figure.axes[0].get_legend().get_texts()] == ["a", "b"]


def test_a_matrix_shows_each_count_and_an_empty_row_without_a_warning():
    figure = figures.matrix(np.array([[3, 1], [0, 0]]), ["x", "y"], ["p", "q"], "predicted", "actual")
    assert [text.get_text() for text in figure.axes[0].texts] == ["3", "1", "0", "0"]
    assert drawn(figure)[0].get_array().tolist() == [[0.75, 0.25], [0, 0]]


def test_bars_have_a_group_for_each_row():
    table = pd.DataFrame({"code": [1.0, 2.0], "pixels": [3.0, 4.0]}, index=["a", "b"])
    axis = figures.bars(table, "score").axes[0]
    assert [bar.get_width() for bar in axis.patches] == [1, 2, 3, 4]
    assert [label.get_text() for label in axis.get_yticklabels()] == ["a", "b"]


def test_a_saved_figure_has_a_hundred_pixels_an_inch_and_is_the_same_each_time(tmp_path):
    for name in ("first.png", "again.png"):
        figures.save(figures.image_rows({"row": IMAGES}, title="A title"), tmp_path / name)
    assert (tmp_path / "first.png").read_bytes() == (tmp_path / "again.png").read_bytes()
    width, height = figures.image_rows({"row": IMAGES}, title="A title").get_size_inches()
    assert Image.open(tmp_path / "first.png").size == (int(100 * width), int(100 * height))


@pytest.mark.parametrize(("mode", "pixels"), [("RGB", IMAGES[0]), ("L", np.repeat(IMAGES[0][..., :1], 3, axis=2))])
def test_a_png_has_one_channel_where_the_picture_is_grey(mode, pixels):
    pixels = np.rint(255 * pixels).astype(np.uint8)
    picture = Image.open(io.BytesIO(figures.png(pixels)))
    assert picture.mode == mode
    assert np.array_equal(np.asarray(picture.convert("RGB")), pixels)


def size(figure) -> tuple[int, int]:
    """Return the pixels of a figure: width, height."""
    return tuple(int(figures.DPI * inches) for inches in figure.get_size_inches())


def test_of_many_rows_and_images_the_first_are_drawn_and_the_title_says_so():
    images = np.zeros((600, 4, 4))
    figure = figures.image_rows(
        {str(row): images for row in range(150)}, [str(n) for n in range(600)], "A", frames={"0": ["red"] * 600}
    )
    assert figure.get_suptitle() == "A\n40 of 150 rows, 30 of 600 images"
    assert (len(drawn(figure)), drawn(figure)[0].get_extent()[1]) == (40, 30)
    assert (len(figure.axes[0].texts), len(figure.axes[0].patches)) == (30, 30)
    assert max(size(figure)) < 5000
    # High rows take more room; no title is one all the same.
    figure = figures.image_rows({str(row): np.zeros((2, 30, 2)) for row in range(99)})
    assert figure.get_suptitle() == "13 of 99 rows"


@pytest.mark.parametrize("shape", [(1, 97), (1, 997), (256, 1)])
def test_images_of_any_shape_can_be_seen(shape):
    figure = figures.image_rows({"code": np.random.default_rng(0).random((5, *shape))}, stretched=["code"])
    (row,) = drawn(figure)
    left, right, bottom, top = row.get_extent()
    assert (right - left) / 8 <= (bottom - top) * 5 and (bottom - top) <= 3


def test_what_a_code_lacks_to_a_square_is_white():
    code = np.array([[[-3.0, 0.0], [1.0, np.nan]]])
    (cell,) = cells(figures.image_rows({"code": code}, stretched=["code"]), 0, 1)
    assert cell[:, [0, -1], 0].tolist() == [[0, 191], [255, 255]]


@pytest.mark.parametrize(
    ("y", "marker"), [([0.5], "o"), ([0.5, np.nan], "o"), ([0.5, 0.4], "None")], ids=["one", "one-known", "two"]
)
def test_a_curve_of_a_single_point_has_a_marker(y, marker):
    figure = figures.curves(range(1, len(y) + 1), {"loss": y}, "epoch", "loss")
    assert figure.axes[0].lines[0].get_marker() == marker


def test_of_many_curves_the_first_are_drawn_and_the_title_says_so():
    figure = figures.curves([1, 2], {str(number): [1, 2] for number in range(500)}, "x", "y", "A")
    assert figure.axes[0].get_title() == "A\n40 of 500 curves"
    assert len(figure.axes[0].lines) == len(figure.axes[0].get_legend().get_texts()) == 40


def test_of_a_large_matrix_the_first_cells_are_drawn_and_the_title_says_so():
    names = [str(number) for number in range(150)]
    figure = figures.matrix(np.ones((150, 10), int), names, names[:10], "class", "cluster", "A")
    assert figure.axes[0].get_title() == "A\n60 of 150 rows"
    # Shares are of whole rows.
    assert drawn(figure)[0].get_array().shape == (60, 10) and drawn(figure)[0].get_array()[0, 0] == 0.1
    assert max(size(figure)) < 5000


def test_of_many_bars_the_first_are_drawn_and_the_title_says_so():
    figure = figures.bars(pd.DataFrame(np.ones((1000, 3)), index=[str(row) for row in range(1000)]), "score", "A")
    assert figure.axes[0].get_title() == "A\n75 of 1000 rows"
    assert len(figure.axes[0].patches) == 225
    assert max(size(figure)) < 8000


def test_large_images_are_shrunk_to_what_is_drawn_and_codes_are_not():
    figure = figures.image_rows({"images": np.zeros((3, 256, 512, 3)), "codes": np.zeros((3, 256, 32))})
    heights = [image.get_array().shape[0] for image in drawn(figure)]
    assert heights == [55, 256]


def test_names_are_drawn_as_they_are_and_long_ones_in_part():
    odd = "a $x$ and $y^$"
    figure = figures.image_rows({odd: IMAGES}, [odd, f"b\n{'c' * 30}", "d"], odd)
    figure.draw_without_rendering()
    assert figure.axes[0].texts[1].get_text() == f"b\n{'c' * 19}…"
    figure = figures.matrix(np.eye(2, dtype=int), [odd, "n" * 99], ["p", "q"], "predicted", "actual", odd)
    figure.draw_without_rendering()
    assert [len(text.get_text()) for text in figure.axes[0].get_yticklabels()] == [len(odd) + 4, 30]


def test_a_large_matrix_has_no_zeros():
    names = [str(number) for number in range(40)]
    figure = figures.matrix(np.eye(40, dtype=int), names, names, "predicted", "actual")
    assert [text.get_text() for text in figure.axes[0].texts] == ["1"] * 40
