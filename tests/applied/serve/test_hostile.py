"""A share of the pictures that `python -m tools.flood` sends."""

import pytest

pytest.importorskip("fastapi")

from tools import flood  # noqa: E402

pytestmark = pytest.mark.slow


def test_a_flood_of_hostile_pictures_leaves_the_server_answering_within_its_memory(export):
    with flood.serving(export) as server:
        outcome = flood.flood(server, 300, seed=1)
    assert outcome.failures == []
    assert {200, 413, 415, 422} <= outcome.answers.keys()
    assert outcome.peak - outcome.rest <= flood.MEMORY


def test_memory_stays_while_pictures_at_the_limit_come_again_and_again(export):
    with flood.serving(export) as server:
        picture = flood.blank(4_000, 5_000)
        first = flood._sent(server, "/encode", picture, "image/png")
        before = server.memory("VmHWM")
        assert first == (200, "")
        for _ in range(10):
            assert flood._sent(server, "/encode", picture, "image/png") == (200, "")
        assert server.memory("VmHWM") < before + 100
