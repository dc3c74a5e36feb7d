"""How well a classifier does: its cross-entropy, and what it takes for what."""

import numpy as np

from autoencoders.uses.reconstruction import EPSILON


def cross_entropy(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Return the mean cross-entropy in nats; probabilities below Keras's own epsilon count as that.

    Parameters
    ----------
    probabilities : ndarray of shape (n, n_classes), float32 in 0 to 1
    labels : ndarray of shape (n,), int64
        From 0 to n_classes - 1.
    """
    chosen = probabilities[np.arange(len(labels)), labels]
    return float(-np.log(np.maximum(chosen, EPSILON)).mean())


def confusion_matrix(labels: np.ndarray, predicted: np.ndarray, n_classes: int) -> np.ndarray:
    """Return how many images of each class (row) are taken for each class (column), int64 [n_classes, n_classes].

    scikit-learn's function of the same name gives the same counts, after an import of two seconds.
    """
    counts = np.zeros((n_classes, n_classes), dtype=np.int64)
    np.add.at(counts, (labels, predicted), 1)
    return counts
