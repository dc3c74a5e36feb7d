"""New images from an autoencoder: by codes drawn from a density, or by codes between those of two images."""

import warnings
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.special import entr
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture

from autoencoders.core.errors import ArgumentError
from autoencoders.core.rows import Rows
from autoencoders.core.threads import one_thread
from autoencoders.uses import neighbours

# The least that is added to the variances of a mixture, where no number of the codes varies.
MIN_RIDGE = 1e-9


class Density(NamedTuple):
    """A Gaussian mixture fitted to codes, or to their first principal components where they are wide.

    Attributes
    ----------
    mixture : sklearn.mixture.GaussianMixture
    pca : sklearn.decomposition.PCA or None
    bic : dict of int to float
        The Bayesian information criterion for each number of components that was tried, lowest for `mixture`.
    """

    mixture: GaussianMixture
    pca: PCA | None
    bic: dict[int, float]

    def sample(self, n: int, seed: int) -> np.ndarray:
        """Draw `n` codes, at least 1, as float32 [n, width]; the same for the same seed."""
        self.mixture.set_params(random_state=seed)
        with one_thread():
            codes, _ = self.mixture.sample(n)
            # They come component by component; any first few should be a fair sample too.
            codes = np.random.default_rng(seed).permutation(codes)
            return (codes if self.pca is None else self.pca.inverse_transform(codes)).astype(np.float32)


def check(components: Sequence[int], n_codes: int) -> None:
    """Raise an `ArgumentError` where a mixture would have more components than there are codes to fit it to."""
    if max(components) > n_codes:
        raise ArgumentError(
            f"components asks for {max(components)}, more than the {n_codes} training images; lower it."
        )


def fit(
    codes: np.ndarray, *, components: Sequence[int], covariance_type: str, max_width: int, ridge: float, seed: int
) -> Density:
    """Fit a Gaussian mixture to codes, with the number of components that the BIC prefers (Schwarz, 1978).

    Decoded, samples of such a density are new images; from the codes of an autoencoder without a prior they are
    far better than those of a normal distribution (Ghosh et al., "From variational to deterministic autoencoders",
    2020).

    Parameters
    ----------
    codes : ndarray of shape (n, width), float32
        May be memory-mapped.
    components : sequence of int
        Numbers of components to choose from.
    covariance_type : {"full", "diag"}
        As scikit-learn's `GaussianMixture` takes it.
    max_width : int
        Wider codes are first projected on so many principal components (at most n); samples are projected back,
        and so vary along these alone.
    ridge : float
        Above 0; added to each variance of the mixture, in units of the codes' mean variance: dead units' codes have
        none.
    seed : int
        Seeds the start of the fit and the projection.

    Raises
    ------
    ArgumentError
        If there are more components than codes.
    """
    check(components, len(codes))
    with one_thread(), warnings.catch_warnings():
        # Codes that are all alike have fewer clusters to start from; the fit is no less a density.
        warnings.simplefilter("ignore", ConvergenceWarning)
        pca = None
        if codes.shape[1] > max_width:
            # The solver that never holds a width×width matrix: convolutional codes have thousands of numbers.
            pca = PCA(min(max_width, len(codes)), svd_solver="randomized", random_state=seed).fit(codes)
            codes = pca.transform(codes)
        codes = codes.astype(np.float64)
        added = max(ridge * float(codes.var(axis=0).mean()), MIN_RIDGE)
        mixtures = {
            n: GaussianMixture(n, covariance_type=covariance_type, reg_covar=added, random_state=seed).fit(codes)
            for n in components
        }
        bic = {n: float(mixture.bic(codes)) for n, mixture in mixtures.items()}
    return Density(mixtures[min(bic, key=lambda n: bic[n])], pca, bic)


def most_codes(width: int, components: Sequence[int], max_width: int, memory: int) -> int:
    """Return to how many codes of some width `fit` can be fitted in `memory` bytes, at least to one a component."""
    # The codes as they are; in float64 what a mixture takes, a copy, its differences from a mean, and probabilities.
    return max(*components, memory // (4 * width + 8 * 3 * (min(width, max_width) + max(components))))


def prior(n: int, width: int, seed: int) -> np.ndarray:
    """Draw `n` codes from N(0, I), a variational autoencoder's prior (Kingma and Welling, 2014): float32 [n, width]."""
    return np.random.default_rng(seed).standard_normal((n, width), dtype=np.float32)


def pairs(labels: np.ndarray | None, n: int, seed: int, of: int) -> np.ndarray:
    """Return (at most) `n` pairs of `of` rows, int64 [n, 2]; drawn by `seed`, no row twice.

    Parameters
    ----------
    labels : ndarray of shape (of,), int64, or None
        The rows of a pair are of different classes; without labels, any two rows make one.
    n, seed, of : int

    Raises
    ------
    ArgumentError
        If there is no such pair among the rows as they are drawn.
    """
    order = np.random.default_rng(seed).permutation(of)
    drawn = order[: len(order) // 2 * 2].reshape(-1, 2)
    found = (drawn if labels is None else drawn[labels[drawn[:, 0]] != labels[drawn[:, 1]]])[:n]
    if not len(found):
        which = "two test images" if labels is None else "two test images of different classes"
        raise ArgumentError(f"pairs finds no {which}; raise the data set's test_share or limit.")
    return found


def interpolate(starts: np.ndarray, ends: np.ndarray, steps: int) -> np.ndarray:
    """Return codes at equal steps on the straight lines between codes [n, width]: float32 [n, steps, width].

    The first of each line is its start, the last its end; `steps` is at least 2.
    """
    shares = np.linspace(0, 1, steps, dtype=np.float32)[:, np.newaxis]
    return (1 - shares) * starts[:, np.newaxis] + shares * ends[:, np.newaxis]


def recoloured(images: np.ndarray, colour: str) -> np.ndarray:
    """Return images in 0 to 1, float32 [n, height, width, channels], in the colour in which another network takes them.

    What `Preparation` does to images as stored, whose colours (or grey) these have: the mean over the channels for a
    network that takes grey.
    """
    return images.mean(axis=-1, keepdims=True) if colour == "grey" else images


def recognition(probabilities: np.ndarray, confidence: float) -> dict[str, float | None]:
    """Return how many images a classifier is sure of, and how evenly these spread over its classes.

    Parameters
    ----------
    probabilities : ndarray of shape (n, n_classes), float32
        Of at least two classes.
    confidence : float
        An image is recognised where the highest probability reaches it.

    Returns
    -------
    dict
        `recognised`, the share of images that are; `evenness`, the entropy of the predicted classes of these over
        that of an even spread, 0 (one class only) to 1; None where none is recognised. A generator should match
        held-out images in both, as in the inception score (Salimans et al., 2016), which joins them in one number.
    """
    sure = probabilities.max(axis=1) >= confidence
    n_classes = probabilities.shape[1]
    counts = np.bincount(probabilities[sure].argmax(axis=1), minlength=n_classes)
    evenness = float(entr(counts / counts.sum()).sum() / np.log(n_classes)) if sure.any() else None
    return {"recognised": float(sure.mean()), "evenness": evenness}


def nearest(
    training: np.ndarray | Rows, images: np.ndarray, memory: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Return for each image the row of the nearest training image, int64 [n], and its distance, float [n].

    Both are float32 [n, pixels] in 0 to 1, of the training images at most `memory` bytes at a time; the distance is the
    root of the mean squared difference, in 0 to 1. Images much nearer than held-out ones are to their nearest are
    copies.
    """
    found = neighbours.nearest(training, images, ["euclidean"], 1, memory)["euclidean"]
    return found.rows[:, 0], found.distances[:, 0] / np.sqrt(images.shape[1])
