import numpy as np
import pandas as pd

from autoencoders.pages import figures

IMAGES = np.random.default_rng(0).random((3, 8, 8, 3), dtype=np.float32)


def drawn(figure) -> list:
    return [image for axis in figure.axes for image in axis.images]


def test_rows_show_every_image_under_its_caption():
    figure = figures.image_rows({"colour": IMAGES, "grey": IMAGES.mean(axis=-1)}, ["a", "b", "c"])
    assert len(drawn(figure)) == 6
    assert [(text.get_text(), int(text.get_position()[0])) for text in figure.axes[0].texts] == [
        ("a", 0),
        ("b", 1),
        ("c", 2),
    ]
    assert [axis.get_ylabel() for axis in figure.axes] == ["colour", "grey"]


def test_frames_are_drawn_around_the_images_that_have_one():
    figure = figures.image_rows({"row": IMAGES}, frames={"row": [None, "red", "blue"]})
    assert [int(patch.get_x()) for patch in figure.axes[0].patches] == [1, 2]


def test_rows_of_different_length_leave_the_rest_empty():
    assert len(drawn(figures.image_rows({"3": IMAGES, "1": IMAGES[:1]}))) == 4


def test_the_grey_scale_is_that_of_pixels_or_stretched_over_a_row():
    rows = {
        "image": np.array([[[0.2, 0.5]]]),
        "bytes": np.array([[[0, 128]]], np.uint8),
        "code": np.array([[[0, 7.5]]]),
    }
    found = drawn(figures.image_rows(rows, stretched=["code"]))
    assert [image.get_clim() for image in found] == [(0, 1), (0, 255), (0, 7.5)]


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


def test_the_same_figure_gives_the_same_bytes(tmp_path):
    for name in ("first.png", "again.png"):
        figures.save(figures.image_rows({"row": IMAGES}, title="A title"), tmp_path / name)
    assert (tmp_path / "first.png").read_bytes() == (tmp_path / "again.png").read_bytes()
