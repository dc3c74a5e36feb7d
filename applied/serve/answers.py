"""What the server says of pictures, as values that JSON holds."""

import math
from functools import cached_property
from typing import Any

import numpy as np

from applied import inputs
from applied.approximate import Approximate, chosen
from applied.encoder import Encoder
from applied.outputs import as_bytes
from applied.serve import painting
from applied.serve.bodies import Refused
from applied.serve.searching import Searcher
from autoencoders.images import pictures
from autoencoders.images.pictures import UnreadablePicture
from autoencoders.images.preparation import Preparation

# A picture's nearest images on the page.
NEAREST = 12
# A progressive JPEG comes in some ten scans, each of which passes over all pixels; a file of thousands would take
# minutes. Compressed data hold this marker nowhere else; embedded previews may.
SCAN, MOST_SCANS = b"\xff\xda", 200


class Answers:
    """A trained network's answers.

    Parameters
    ----------
    encoder : Encoder
    max_pixels : int
        Of one picture; the export's own limit holds too.
    """

    def __init__(self, encoder: Encoder, max_pixels: int):
        self.encoder, self.manifest = encoder, encoder.manifest
        images = self.manifest["images"]
        form = inputs.form_of(images)
        asked = form._replace(max_pixels=max_pixels).checked()
        self._form = asked._replace(max_pixels=min(max_pixels, form.max_pixels))
        self._preparation = Preparation(self.manifest["network_colour"], flat=False)

    def warm(self) -> None:
        """Do once what the first request would otherwise wait for."""
        blank = np.zeros((1, *self.encoder.image_shape), np.uint8)
        codes = self.encoder.encode(blank, prepared=True)
        self.encoder.decode(codes)
        if self.n_index:
            self._nearest(codes, 1, "cosine")

    @property
    def n_index(self) -> int:
        """How many images the index has; 0 without one."""
        return 0 if self.encoder.index is None else len(self.encoder.index)

    def prepared(self, sent: list[bytes]) -> np.ndarray:
        """Return pictures as the network takes them, uint8 [n, height, width, channels].

        Raises
        ------
        Refused
            415 if one is of no form that is read, 413 if it has too many pixels, 422 if it is damaged.
        """
        found = np.stack([self._pixels(data, place, len(sent)) for place, data in enumerate(sent, 1)])
        return inputs.upright(found) if self.manifest["images"]["deskew"] else found

    def codes(self, images: np.ndarray) -> dict[str, Any]:
        codes = self.encoder.encode(images, prepared=True)
        return {"shape": self.manifest["code"]["shape"], "codes": [numbers(code) for code in codes]}

    def assignments(self, images: np.ndarray) -> dict[str, Any]:
        return {"assignments": self._clusters(self.encoder.encode(images, prepared=True))}

    def neighbours(self, codes: np.ndarray, k: int, metric: str) -> dict[str, Any]:
        self.need("search")
        return {"metric": metric, "neighbours": self._nearest(codes, min(k, self.n_index), metric)}

    def reconstructions(self, images: np.ndarray) -> np.ndarray:
        """Return images uint8 [n, height, width, channels]."""
        return as_bytes(self.encoder.reconstruct(images, prepared=True))

    def denoised(self, images: np.ndarray) -> np.ndarray:
        """Return images uint8 [n, height, width, channels]."""
        self.need("denoise")
        return as_bytes(self.encoder.denoise(images, prepared=True))

    def anomalies(self, images: np.ndarray, by: str | None) -> dict[str, Any]:
        by = by or self.manifest["anomaly"]["score"]
        if by == "index":
            self.need("search")
        found = self.encoder.anomaly(images, by=by, prepared=True)
        pairs = zip(found.score, found.below, strict=True)
        return {"by": by, "anomalies": [{"score": number(score), "below": number(below)} for score, below in pairs]}

    def generated(self, n: int, seed: int, source: str | None) -> np.ndarray:
        """Return images uint8 [n, height, width, channels]."""
        self.need("generate", source)
        return as_bytes(self.encoder.generate(n, seed, source))

    def description(self, images: np.ndarray, metric: str) -> dict[str, Any]:
        """Return everything about one prepared image, [1, height, width, channels]."""
        codes = self.encoder.encode(images, prepared=True)
        return {
            **self._of_code(codes, metric, None),
            "picture": painting.address(as_bytes(self._preparation(images))[0]),
            "denoised": painting.address(self.denoised(images)[0]) if self.manifest["denoises"] else None,
            "anomaly": self._anomaly(images),
        }

    def row_description(self, row: int, metric: str) -> dict[str, Any]:
        """Return everything about an image of the index; what its thumbnail is too small for is null."""
        thumbnail, index = self.thumbnail(row), self.encoder.index
        assert index is not None
        whole = thumbnail.shape == self.encoder.image_shape
        stored = np.asarray(thumbnail)[np.newaxis]
        restored = whole and self.manifest["denoises"]
        return {
            **self._of_code(np.asarray(index.codes[row : row + 1]), metric, row),
            **self._about(row, "class", "file"),
            "picture": painting.address(as_bytes(self._preparation(stored))[0]),
            "denoised": painting.address(self.denoised(stored)[0]) if restored else None,
            "anomaly": self._anomaly(stored) if whole else None,
        }

    def row_neighbours(self, row: int, k: int, metric: str) -> dict[str, Any]:
        self._check_row(row)
        return {"metric": metric, "row": row, "neighbours": self._others(row, k, metric)}

    def thumbnail(self, row: int) -> np.ndarray:
        """Return the small picture of an image of the index, uint8 [height, width, channels]."""
        self._check_row(row)
        index = self.encoder.index
        if index is None or index.thumbnails is None:
            raise Refused(404, "The export has no pictures of its index.")
        return index.thumbnails[row]

    def need(self, what: str, source: str | None = None) -> None:
        """Refuse with 404 what this export cannot do: "search", "assign", "denoise" or "generate"."""
        name, files = self.manifest["network"], self.manifest["files"]
        if what == "search" and self.encoder.index is None:
            raise Refused(404, f"The export of {name} has no index of images to search; export it with one.")
        if what == "assign" and self.manifest["clusters"]["by"] is None:
            raise Refused(404, f"The export of {name} has no clusters; export a network that is clustered.")
        if what == "denoise" and not self.manifest["denoises"]:
            raise Refused(404, f"The network {name} was not trained to restore noisy pictures; use one that was.")
        has = {"mixture": "mixture.npz" in files, "prior": self.manifest["variational"]}
        if what == "generate" and not (has[source] if source else any(has.values())):
            raise Refused(404, f"The export of {name} has no {source or 'mixture and no prior'} to draw codes from.")

    def _pixels(self, data: bytes, place: int, n: int) -> np.ndarray:
        name = f"Picture {place}" if n > 1 else "The picture"
        if data.startswith(b"\xff\xd8") and data.count(SCAN) > MOST_SCANS:
            raise Refused(422, f"{name} is a JPEG of more than {MOST_SCANS} scans, which takes too long to unpack.")
        try:
            return pictures.read(data, self._form).pixels
        except UnreadablePicture as error:
            reason = str(error)
        # The reader has one exception for all of them; its words tell them apart.
        status = 413 if "max_pixels" in reason else 415 if reason.startswith("is no ") else 422
        raise Refused(status, f"{name} {reason}.")

    def _of_code(self, codes: np.ndarray, metric: str, row: int | None) -> dict[str, Any]:
        found: dict[str, Any] = {
            "row": row,
            "shape": self.manifest["code"]["shape"],
            "code": numbers(codes[0]),
            "reconstruction": painting.address(as_bytes(self.encoder.decode(codes))[0]),
            "cluster": None if self.manifest["clusters"]["by"] is None else self._clusters(codes)[0],
            "nearest": None,
        }
        if row is not None:
            found["nearest"] = self._others(row, NEAREST, metric)
        elif self.encoder.index is not None:
            found["nearest"] = self._nearest(codes, min(NEAREST, self.n_index), metric)[0]
        return found

    def _anomaly(self, images: np.ndarray) -> dict[str, Any] | None:
        by = self.manifest["anomaly"]["score"]
        return {"by": by, **self.anomalies(images, by)["anomalies"][0]}

    def _clusters(self, codes: np.ndarray) -> list[dict[str, Any]]:
        self.need("assign")
        found = self.encoder.assign_codes(codes)
        return [
            {
                "cluster": int(cluster),
                "distance": number(distance),
                "farther": number(farther),
                **self._facts(cluster),
            }
            for cluster, distance, farther in zip(*found, strict=True)
        ]

    def _facts(self, cluster: np.int64) -> dict[str, Any]:
        if self._central is None:
            return {}
        rows = [int(row) for row in self._central[cluster] if row >= 0]
        return {"images": self._sizes.get(str(cluster), 0), "central": rows}

    @cached_property
    def _searcher(self) -> Approximate | Searcher:
        assert self.encoder.index is not None
        return chosen(self.encoder.index, None) or Searcher(self.encoder.index.codes)

    @cached_property
    def _central(self) -> np.ndarray | None:
        there = "central.npy" in self.manifest["files"] and self.encoder.index is not None
        return np.load(self.encoder.folder / "central.npy", allow_pickle=False) if there else None

    @cached_property
    def _sizes(self) -> dict[str, int]:
        listed = self.encoder.index.listing.get("cluster", []) if self.encoder.index is not None else []
        names, counts = np.unique(listed, return_counts=True)
        return dict(zip(names.tolist(), counts.tolist(), strict=True))

    def _nearest(self, codes: np.ndarray, k: int, metric: str) -> list[list[dict[str, Any]]]:
        found = self._searcher.nearest(codes, k, metric)
        return [
            [{**self._about(int(row)), "distance": number(distance)} for row, distance in zip(*each, strict=True)]
            for each in zip(found.rows, found.distances, strict=True)
        ]

    def _others(self, row: int, k: int, metric: str) -> list[dict[str, Any]]:
        index = self.encoder.index
        assert index is not None
        code = np.asarray(index.codes[row : row + 1])
        found = self._nearest(code, min(k + 1, len(index)), metric)[0]
        # Copies of the image may stand before it.
        return [each for each in found if each["row"] != row][:k]

    def _about(self, row: int, *names: str) -> dict[str, Any]:
        assert self.encoder.index is not None
        listing = self.encoder.index.listing
        found: dict[str, Any] = {"row": row}
        for name in names or ("cluster", "class", "file"):
            if name in listing:
                found[name] = int(listing[name][row]) if name == "cluster" else listing[name][row]
        return found

    def _check_row(self, row: int) -> None:
        self.need("search")
        if not 0 <= row < self.n_index:
            raise Refused(404, f"The index has no row {row}; its rows are 0 to {self.n_index - 1}.")


def number(value: float | np.floating) -> float | None:
    """Return a number as JSON has it: in as few digits as give the same float32 or float64; null for what is none."""
    if not math.isfinite(value):
        return None
    return float(str(value)) if isinstance(value, np.floating) else value


def numbers(code: np.ndarray) -> list[float | None]:
    """Return a code, float32 [width], as numbers of nine digits, which give the same bits again."""
    return [float(f"{value:.9g}") if math.isfinite(value) else None for value in code.tolist()]
