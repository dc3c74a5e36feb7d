"""A trained network as functions of images."""

import hashlib
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from applied import approximate as approximate_search
from applied import generating, inputs, search
from applied.export import Export
from applied.index import Index
from applied.quantiles import share_above, share_below
from applied.results import Anomalies, Assignments, Neighbours, Verification
from autoencoders.core.errors import ArgumentError, InputError
from autoencoders.images.preparation import Preparation
from autoencoders.inference.running import Graph

# What a method takes: a path of whatever `applied.inputs` reads, a picture's bytes, an image of Pillow, an array of one
# image [height, width] or [height, width, channels], or of several [n, height, width, channels]; or a list of these.
Image_ = str | Path | bytes | Image.Image | np.ndarray
Images = Image_ | Sequence[Image_]


class Encoder:
    """A trained autoencoder as functions of images and codes.

    Methods take `Images`, prepare them as the network's training images were prepared, and return arrays in their
    order, [n, …] also for one image. An image has the same bits alone and in any batch. With `prepared=True` they take
    what `prepare` returned.

    Attributes
    ----------
    manifest : dict
        `manifest.json` of the export.
    folder : Path
    index : Index or None
        The codes of the training images and their listing, where the export has them.

    Raises
    ------
    InputError
        From each method: one sentence, if an image cannot be read, or the export lacks what the method needs.
    """

    def __init__(self, export: Export):
        self._export = export
        self.folder: Path = export.folder
        self.manifest: dict[str, Any] = export.manifest
        network = export.manifest
        self.form = inputs.form_of(network["images"])
        self._preparation = Preparation(network["network_colour"], flat=False)

    @classmethod
    def load(cls, folder: str | Path, verify: bool = True) -> "Encoder":
        """Return the encoder of an export.

        Parameters
        ----------
        folder : path
        verify : bool
            Whether to compare the SHA-256 of every file with the manifest's.

        Raises
        ------
        InputError
            If it is no export, of another format version, or a file is missing, changed or more than the manifest
            names.
        """
        return cls(Export.read(Path(folder), verify))

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(height, width, channels) of prepared images."""
        images = self.manifest["images"]
        return images["height"], images["width"], images["channels"]

    @property
    def width(self) -> int:
        """How many numbers a code has."""
        return self.manifest["code"]["width"]

    @cached_property
    def index(self) -> Index | None:
        return Index.of_export(self._export) if "index.npy" in self.manifest["files"] else None

    def prepare(self, images: Images) -> np.ndarray:
        """Return images as the network takes them, uint8 [n, height, width, channels]."""
        return inputs.prepared(images, self)

    def encode(self, images: Images, *, prepared: bool = False) -> np.ndarray:
        """Return the codes of images, float32 [n, width]."""
        return self._encoder(self._taken(images, prepared))

    def decode(self, codes: np.ndarray) -> np.ndarray:
        """Return the images of codes, float32 [n, height, width, channels] in 0 to 1, in the network's colour."""
        return self._decoder(self._codes(codes))

    def assign(self, images: Images, *, prepared: bool = False) -> Assignments:
        """Return the clusters of images."""
        return self.assign_codes(self.encode(images, prepared=prepared))

    def assign_codes(self, codes: np.ndarray) -> Assignments:
        """Return the clusters of codes [n, width]."""
        codes, by = self._codes(codes), self.manifest["clusters"]["by"]
        if by is None:
            raise InputError(f"{self.folder} has no clusters; export a network that is clustered.")
        quantiles = self._export.quantiles.get("cluster")
        if by == "neighbours":
            clusters, distances = self._by_neighbours(codes)
        else:
            # One by one: onnxruntime sums the numbers of several codes in another order than those of one.
            to_centres = np.concatenate([self._clusters(code[np.newaxis]) for code in codes] or [np.empty((0, 1))])
            clusters = to_centres.argmin(axis=1)
            distances = np.take_along_axis(to_centres, clusters[:, np.newaxis], axis=1)[:, 0]
        farther = np.full(len(codes), np.nan)
        if quantiles is not None:
            for cluster in np.unique(clusters):
                here = clusters == cluster
                farther[here] = share_above(quantiles[cluster], distances[here])
        return Assignments(clusters.astype(np.int64), distances.astype(np.float32), farther)

    def search(
        self,
        images: Images,
        k: int = 10,
        metric: str = "cosine",
        index: "Index | np.ndarray | str | Path | None" = None,
        *,
        approximate: bool | None = None,
        prepared: bool = False,
    ) -> Neighbours:
        """Return the nearest images of the export's index, or of another one, to each image; see `search_codes`."""
        return self.search_codes(self.encode(images, prepared=prepared), k, metric, index, approximate=approximate)

    def search_codes(
        self,
        codes: np.ndarray,
        k: int = 10,
        metric: str = "cosine",
        index: "Index | np.ndarray | str | Path | None" = None,
        *,
        approximate: bool | None = None,
    ) -> Neighbours:
        """Return the nearest codes of an index to each of some codes.

        Parameters
        ----------
        codes : ndarray of shape (n, width)
        k : int
            From 1 to the number of codes in the index.
        metric : {"cosine", "euclidean"}
        index : Index, ndarray of shape (n_index, width) or path, optional
            By default the training images of the export. A path is one of images, of codes or of an export; see
            `Index.of_path`.
        approximate : bool, optional
            Whether to compare few codes, which misses some neighbours, instead of all. The export's own index needs
            lists in the export; those of another index are built, by each call unless `Index.with_approximate` gave
            it. By default all codes are compared, but for more than a million with lists where faiss is installed.

        Raises
        ------
        InputError
            If there is no index, it is of another width or has fewer than `k` codes, or there is no such metric; if
            an approximate search lacks its lists or faiss.
        """
        if index is None:
            index = self._own_index()
            if approximate and index.approximate is None:
                raise InputError(
                    f"{self.folder} holds no approximate index; export it with export.networks."
                    f"{self.manifest['network']}.approximate true, or search exactly."
                )
        elif isinstance(index, str | Path):
            index = Index.of_path(index, self)
        within = index if isinstance(index, Index) else Index(self._codes(index, "index"), {})
        known, asked = self._codes(within.codes, "index"), self._codes(codes)
        fast = approximate_search.chosen(within, approximate)
        return search.nearest(known, asked, k, metric) if fast is None else fast.nearest(asked, k, metric)

    def reconstruct(self, images: Images, *, prepared: bool = False) -> np.ndarray:
        """Return the decoded codes of images, float32 [n, height, width, channels] in 0 to 1."""
        return self._decoder(self.encode(images, prepared=prepared))

    def denoise(self, images: Images, *, prepared: bool = False) -> np.ndarray:
        """Return images restored, float32 [n, height, width, channels] in 0 to 1."""
        if not self.manifest["denoises"]:
            raise InputError(f"The network of {self.folder} was not trained to restore noisy images; use one that was.")
        return self._denoiser(self._taken(images, prepared))

    def anomaly(self, images: Images, *, by: str | None = None, prepared: bool = False) -> Anomalies:
        """Return how unusual images are.

        Parameters
        ----------
        images : Images
        by : {"reconstruction", "index"}, optional
            The error of the reconstruction, or the distance to the nearest training code; by default what the manifest
            names.
        """
        by = by or self.manifest["anomaly"]["score"]
        if by not in ("reconstruction", "index"):
            raise ArgumentError(f"by is '{by}'; use reconstruction or index.")
        taken = self._taken(images, prepared)
        codes = self._encoder(taken)
        if by == "index":
            self._own_index()
            score = self.search_codes(codes, 1, "euclidean", approximate=False).distances[:, 0].astype(np.float64)
        else:
            score = self._errors(taken, self._decoder(codes))
        return Anomalies(score, share_below(self._export.quantiles[by], score))

    def generate(self, n: int, seed: int = 0, source: str | None = None) -> np.ndarray:
        """Return new images, float32 [n, height, width, channels] in 0 to 1; the same for the same seed.

        Parameters
        ----------
        n, seed : int
        source : {"mixture", "prior"}, optional
            The density of the training codes, or the prior of a variational network; by default the first that the
            export has.
        """
        return self._decoder(generating.codes(self._export, n, seed, source))

    def verify(self) -> Verification:
        """Compare the codes that this machine gives of the probe images with those of the manifest."""
        probes = self._export.arrays("probes.npz")
        codes = self.encode(probes["images"], prepared=True)
        expected = self.manifest["probes"]["codes_sha256"]
        if len(expected) != len(codes) or probes["codes"].shape != codes.shape:
            raise InputError(f"{self.folder} has other probe images than its manifest says; export it again.")
        digests = [hashlib.sha256(code.astype("<f4").tobytes()).hexdigest() for code in codes]
        differing = sum(found != digest for found, digest in zip(digests, expected, strict=True))
        difference = np.abs(codes - probes["codes"]).max(initial=0)
        return Verification(len(codes), differing, float(difference), float(np.abs(probes["codes"]).max(initial=0)))

    def _errors(self, images: np.ndarray, reconstructions: np.ndarray) -> np.ndarray:
        difference = (self._preparation(images) - reconstructions).reshape(len(images), -1)
        # The sum of each image's row by itself has the same order in any batch.
        return np.array([np.square(row, dtype=np.float64).mean() for row in difference], np.float64)

    def _by_neighbours(self, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        index = self._own_index()
        k = min(self.manifest["clusters"]["neighbours"] or 1, len(index.codes))
        found = search.nearest(index.codes, codes, k, "euclidean")
        near = self._export.array("clusters.npy")[found.rows]
        # The cluster of most neighbours; of several that of the nearest.
        votes = (near[:, :, np.newaxis] == near[:, np.newaxis, :]).sum(axis=2)
        first = votes.argmax(axis=1)[:, np.newaxis]
        return np.take_along_axis(near, first, 1)[:, 0], np.take_along_axis(found.distances, first, 1)[:, 0]

    def _own_index(self) -> Index:
        if self.index is None:
            raise InputError(f"{self.folder} has no index of training images; name another index.")
        return self.index

    def _taken(self, images: Images, prepared: bool) -> np.ndarray:
        if not prepared:
            return self.prepare(images)
        taken = np.asarray(images)
        if taken.dtype != np.uint8 or taken.shape[1:] != self.image_shape:
            raise ArgumentError(
                f"images are {taken.dtype} {list(taken.shape)}, but prepared ones are uint8 [n, "
                f"{', '.join(map(str, self.image_shape))}]; pass them without `prepared`."
            )
        return taken

    def _codes(self, codes: np.ndarray, name: str = "codes") -> np.ndarray:
        found = np.asarray(codes)
        if found.ndim != 2 or found.shape[1] != self.width or found.dtype.kind not in "fiu":
            raise ArgumentError(
                f"{name}: {found.dtype} {list(found.shape)}, but codes of {self.manifest['network']} have the axes "
                f"[n, {self.width}]; use codes of this network."
            )
        return found.astype(np.float32, copy=False)

    @cached_property
    def _encoder(self) -> Graph:
        return self._export.graph("encoder.onnx")

    @cached_property
    def _decoder(self) -> Graph:
        return self._export.graph("decoder.onnx")

    @cached_property
    def _denoiser(self) -> Graph:
        return self._export.graph("denoiser.onnx")

    @cached_property
    def _clusters(self) -> Graph:
        return self._export.graph("clusters.onnx")
