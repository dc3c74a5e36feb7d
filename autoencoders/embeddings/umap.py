"""UMAP, by umap-learn."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np

from autoencoders.core.errors import InputError

Transform = Callable[[np.ndarray], np.ndarray]


def umap(
    training: np.ndarray,
    *,
    n_components: int,
    n_neighbors: int,
    min_dist: float,
    metric: str,
    n_epochs: int | None,
    seed: int,
) -> tuple[np.ndarray, Transform]:
    """Embed by UMAP (McInnes, Healy and Melville, 2018); the arguments are those of umap-learn.

    Parameters
    ----------
    training : ndarray of shape (n, width), float32
    n_components, n_neighbors, min_dist, metric, n_epochs
        See `umap.UMAP`; at most n - 1 neighbours are taken.
    seed : int
        Its `random_state`, which also holds it to one thread.

    Returns
    -------
    embedding : ndarray of shape (n, n_components), float32
    transform : callable
        From other vectors to their places.

    Raises
    ------
    InputError
        If there are too few vectors to embed in so many dimensions.
    """
    # It takes seconds to import, which a spectral embedding need not wait for.
    with _hidden("tensorflow"):
        from umap import UMAP

    if len(training) < n_components + 2:
        raise InputError(
            f"manifolds: {len(training)} training images cannot be embedded in n_components {n_components}; lower it."
        )
    model = UMAP(
        n_components=n_components,
        n_neighbors=min(n_neighbors, len(training) - 1),
        min_dist=min_dist,
        metric=metric,
        n_epochs=n_epochs,
        init="pca",
        random_state=seed,
        n_jobs=1,
    )
    return model.fit_transform(training).astype(np.float32), lambda others: model.transform(others).astype(np.float32)


@contextmanager
def _hidden(module: str) -> Iterator[None]:
    """Make `import module` fail inside the block: umap-learn imports TensorFlow, where it can, for a variant unused."""
    if module in sys.modules:
        yield
        return
    sys.modules[module] = None
    try:
        yield
    finally:
        del sys.modules[module]
