"""The lower rows of an image predicted from the upper ones: baselines for a network that does, and scores."""

import numpy as np

from autoencoders.core.errors import ArgumentError
from autoencoders.core.rows import blocks
from autoencoders.uses import neighbours, reconstruction


def split(images: np.ndarray, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Cut images [n, height, width, channels] into the upper `rows` rows, which are given, and those to predict.

    Both are views.

    Raises
    ------
    ArgumentError
        If no row would be left on either side.
    """
    height = images.shape[1]
    if not 0 < rows < height:
        raise ArgumentError(f"rows is {rows}, but the images have {height} rows; give 1 to {height - 1}.")
    return images[:, :rows], images[:, rows:]


def baselines(given: np.ndarray, training_given: np.ndarray, training_hidden: np.ndarray) -> dict[str, np.ndarray]:
    """Predict lower rows without a network.

    Parameters
    ----------
    given : ndarray of shape (n, rows, width, channels), float32 in 0 to 1
        The upper rows of the images.
    training_given, training_hidden : ndarray of shape (n_training, …, width, channels), float32 in 0 to 1
        The upper and the lower rows of the training images.

    Returns
    -------
    dict of ndarray of shape (n, n_rows, width, channels), float32 in 0 to 1
        `last_row`, the last given row repeated; `mean_image`, the mean of the training images' lower rows;
        `nearest_image`, the lower rows of the training image whose upper rows are nearest.
    """
    n_rows = training_hidden.shape[1]
    mean = training_hidden.mean(axis=0, dtype=np.float64).astype(np.float32)
    index, queries = (images.reshape(len(images), -1) for images in (training_given, given))
    found = neighbours.nearest(index, queries, ["euclidean"], 1)["euclidean"]
    return {
        "last_row": np.repeat(given[:, -1:], n_rows, axis=1),
        "mean_image": np.broadcast_to(mean, (len(given), *mean.shape)),
        "nearest_image": training_hidden[found.rows[:, 0]],
    }


def scores(hidden: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
    """Return the mean scores of predicted rows; both float32 [n, n_rows, width, channels] in 0 to 1.

    `mean_squared_error`, `binary_crossentropy` and `psnr` as `autoencoders.uses.reconstruction.scores` has them; not
    the structural similarity, whose window may be higher than the rows.
    """
    parts = [
        (
            reconstruction.squared_error(hidden[rows], predicted[rows]),
            reconstruction.cross_entropy(hidden[rows], predicted[rows]),
        )
        for rows in blocks(len(hidden))
    ]
    error, entropy = (np.concatenate(values) for values in zip(*parts, strict=True))
    return {
        "mean_squared_error": float(error.mean()),
        "binary_crossentropy": float(entropy.mean()),
        "psnr": float(reconstruction.psnr(error).mean()),
    }
