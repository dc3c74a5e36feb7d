import sys

import numpy as np
import pytest

from autoencoders.core.errors import ArgumentError
from autoencoders.embeddings.umap import UMAP


def test_too_few_vectors_are_one_sentence_before_anything_slow_is_imported(monkeypatch):
    monkeypatch.setitem(sys.modules, "umap", None)
    umap = UMAP(n_components=4, n_neighbors=5, min_dist=0, metric="euclidean", n_epochs=5, seed=0)
    with pytest.raises(ArgumentError, match=r"^n_components is 4, but 5 training images have no embedding in more "):
        umap.fit(np.zeros((5, 9), np.float32))


def test_too_narrow_vectors_are_one_sentence_before_anything_slow_is_imported(monkeypatch):
    monkeypatch.setitem(sys.modules, "umap", None)
    embedding = UMAP(n_components=4, n_neighbors=5, min_dist=0, metric="euclidean", n_epochs=None, seed=0)
    with pytest.raises(ArgumentError, match=r"^n_components is 4, but the vectors have 3 numbers, whose principal "):
        embedding.fit(np.zeros((9, 3), np.float32))
