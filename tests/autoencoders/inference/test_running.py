import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from small import ROOT

from autoencoders.core.errors import InputError
from autoencoders.images.preparation import Preparation
from autoencoders.inference import running
from autoencoders.inference.running import Graph
from autoencoders.networks import architectures, runtime, storage

IMAGES = np.random.default_rng(0).integers(0, 256, (7, 8, 8, 3), dtype=np.uint8)
GREY = Preparation("grey", flat=True)


@pytest.fixture
def graph(tmp_path) -> Path:
    """The graph of a saved classifier."""
    runtime.deterministic(0)
    model = architectures.classifier("network", (64,), [10], "relu", 4)
    storage.save_graphs(model, tmp_path, GREY, IMAGES.shape[1:])
    return tmp_path / "classifier.onnx"


def test_outputs_do_not_depend_on_how_many_images_are_run_at_once(graph, monkeypatch):
    whole = Graph(graph)(IMAGES)
    assert whole.shape == (7, 4) and whole.dtype == np.float32
    monkeypatch.setattr(running, "BATCH_VALUES", 1)
    assert np.array_equal(Graph(graph)(IMAGES), whole)
    assert Graph(graph)(IMAGES[:0]).shape == (0, 4)


def test_nothing_is_kept_or_sent_about_the_use_of_a_network(graph, tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    program = f"from pathlib import Path; from autoencoders.inference.running import Graph; Graph(Path({str(graph)!r}))"
    # Without what tells onnxruntime that tests use it, and that it may say nothing.
    bare = {"HOME": str(home), "PATH": os.environ["PATH"]}
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, env=bare, check=True)
    assert not list(home.rglob("*"))


def test_images_are_left_as_they_are(graph):
    before = IMAGES.copy()
    Graph(graph)(IMAGES)
    assert np.array_equal(IMAGES, before)


def test_behind_the_preparation_it_takes_prepared_images(graph):
    prepared = GREY._replace(flat=False)(IMAGES)
    assert np.array_equal(Graph(graph, prepared=True)(prepared), Graph(graph)(IMAGES))


@pytest.mark.parametrize("prepared", [False, True])
@pytest.mark.parametrize("damage", ["missing", "cut", "empty", "other"])
def test_a_missing_or_damaged_file_is_one_sentence(graph, damage, prepared):
    content = graph.read_bytes()
    graph.unlink()
    if damage != "missing":
        graph.write_bytes({"cut": content[: len(content) // 2], "empty": b"", "other": b"{}"}[damage])
    expected = rf"^{graph.parent} holds no readable network \(classifier.onnx: \w+\); delete it and train again"
    with pytest.raises(InputError, match=expected):
        Graph(graph, prepared=prepared)


@pytest.mark.slow
def test_the_stages_that_only_run_networks_wait_neither_for_tensorflow_nor_for_h5py():
    program = (
        "import sys, stages.denoise, stages.encode, stages.evaluate, stages.generate; "
        "print({'tensorflow', 'keras', 'h5py', 'onnx'} & set(sys.modules)); "
        # It writes its clusterings as graphs.
        "import stages.cluster; print({'tensorflow', 'keras', 'h5py'} & set(sys.modules))"
    )
    found = subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True, capture_output=True, text=True)
    assert found.stdout == "set()\nset()\n"
