"""Exports of every kind, made once."""

from collections.abc import Callable
from pathlib import Path

import example_export as example
import pytest

from applied.encoder import Encoder


@pytest.fixture(scope="session")
def examples(tmp_path_factory) -> Callable[[str], example.Example]:
    """A function that returns the example of a kind; nobody changes its files."""
    made: dict[str, example.Example] = {}

    def of(kind: str) -> example.Example:
        if kind not in made:
            made[kind] = example.make(tmp_path_factory.mktemp(kind), kind)
        return made[kind]

    return of


@pytest.fixture
def dense(examples) -> example.Example:
    return examples("dense")


@pytest.fixture
def encoder(dense) -> Encoder:
    return Encoder.load(dense.export)


@pytest.fixture
def own(tmp_path) -> example.Example:
    """An example that the test may change."""
    return example.make(tmp_path / "own", "dense")


@pytest.fixture
def exports(examples) -> dict[str, Path]:
    """The folders of all kinds."""
    return {kind: examples(kind).export for kind in example.KINDS}
