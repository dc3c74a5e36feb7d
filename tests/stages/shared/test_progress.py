import warnings

import pytest

from autoencoders.core.rows import blocks
from stages.shared.progress import remarks, watched


@pytest.fixture
def clock():
    """A clock that shows what it was last set to."""

    class Clock:
        now = 100.0

        def __call__(self) -> float:
            return self.now

    return Clock()


def work(clock, seconds: float) -> list[slice]:
    """Take so many seconds for each of five blocks of images."""
    done = []
    for rows in watched(blocks(4500, 1000), 4500, "photos: train", clock):
        done.append(rows)
        clock.now += seconds
    return done


def test_a_log_gets_a_line_every_ten_seconds_with_speed_and_time_left(clock, capsys):
    assert work(clock, 6) == list(blocks(4500, 1000))
    assert capsys.readouterr().out.splitlines() == [
        "photos: train: 2,000 of 4,500 images  167 images/s  15 s left",
        "photos: train: 4,000 of 4,500 images  167 images/s  3 s left",
    ]


def test_short_work_is_done_without_a_word(clock, capsys):
    assert work(clock, 1.9) == list(blocks(4500, 1000))
    said = capsys.readouterr()
    assert said.out == said.err == ""


def test_a_terminal_gets_a_bar_and_no_lines(clock, capsys, monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setattr("stages.shared.progress.BAR_AFTER", 0)
    work(clock, 60)
    said = capsys.readouterr()
    assert said.out == ""
    assert "photos: train" in said.err and "images" in said.err


def test_remarks_within_others_say_what_the_inner_ones_are_about(capsys):
    with remarks("cluster"):
        with remarks("digits-simple: kmeans"):
            warnings.warn("few clusters", stacklevel=1)
        warnings.warn("few clusters", stacklevel=1)
    assert capsys.readouterr().err.splitlines() == ["digits-simple: kmeans: few clusters", "cluster: few clusters"]
