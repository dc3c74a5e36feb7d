"""What a trained network says of images."""

from typing import NamedTuple

import numpy as np

from autoencoders.uses.exact import Neighbours as Neighbours


class Assignments(NamedTuple):
    """The clusters of images.

    Attributes
    ----------
    cluster : ndarray of shape (n,), int64
    distance : ndarray of shape (n,), float32
        To the cluster's centre: Euclidean after the clustering's scaling, or minus the log density of the mixture's
        component. Where clusters are assigned by neighbours, to the nearest training code of the cluster.
    farther : ndarray of shape (n,), float64
        Share of the cluster's training images that lie farther, in 0 to 1: small where an image is unusual. NaN where
        the export does not say.
    """

    cluster: np.ndarray
    distance: np.ndarray
    farther: np.ndarray


class Anomalies(NamedTuple):
    """How unusual images are.

    Attributes
    ----------
    score : ndarray of shape (n,), float64
        Mean squared error of the reconstruction, of pixels in 0 to 1; or the Euclidean distance to the nearest training
        code.
    below : ndarray of shape (n,), float64
        Share of held-out images with a lower score, in 0 to 1.
    """

    score: np.ndarray
    below: np.ndarray


class Verification(NamedTuple):
    """How the codes of a machine differ from those of the manifest.

    Attributes
    ----------
    probes, differing : int
        Probe images, and how many of them have other codes.
    difference, largest : float
        The largest difference of two numbers, and the largest absolute number of the manifest's codes.
    """

    probes: int
    differing: int
    difference: float
    largest: float
