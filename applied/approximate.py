"""Search that compares few codes of an index: by lists that an export holds, or that are built from the codes."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from applied import search
from applied.export import MANIFEST, Export
from applied.results import Neighbours
from autoencoders.core.errors import ArgumentError, InputError
from autoencoders.sources.names import shown
from autoencoders.uses import inverted_lists
from autoencoders.uses.inverted_lists import InvertedLists

if TYPE_CHECKING:
    from applied.index import Index

FILE = "approximate.npz"
# So many codes are compared one and all unless something else is asked for.
EXACT_UP_TO = 1_000_000
# Lists that are compared where no manifest says how many, and images to search for from which building them pays:
# benchmarks/approximate.md.
PROBED, BUILDING_PAYS = 32, 2000


class Approximate:
    """An approximate index of codes.

    What it finds is compared exactly, so that a distance has the bits of `applied.search.nearest`; a near code in none
    of the lists that are compared is missed. A query has the same neighbours alone and in any batch.

    Parameters
    ----------
    codes : ndarray of shape (n, width), float32
        Perhaps memory-mapped; a first search by a metric copies them into memory.
    lists : callable
        Returns the lists of the codes by a metric.
    probed : int
        Lists that each query is compared with.
    recalls : dict of float
        By metric the share of the 10 nearest codes that held-out queries find, where it is known.

    Raises
    ------
    InputError
        From `nearest`, if faiss is not installed or the lists are not those of the codes.
    """

    def __init__(
        self,
        codes: np.ndarray,
        lists: Callable[[str], InvertedLists],
        probed: int = PROBED,
        recalls: dict[str, float] | None = None,
    ):
        self.recalls = recalls or {}
        self._codes, self._lists, self._probed = codes, lists, probed
        self._filled: dict[str, tuple[InvertedLists, Any]] = {}

    @classmethod
    def built(cls, codes: np.ndarray) -> "Approximate":
        """Return an approximate index of codes whose lists are built by the first search."""
        return cls(codes, lambda metric: inverted_lists.build(codes, metric))

    @classmethod
    def of_export(cls, export: Export, codes: np.ndarray) -> "Approximate | None":
        """Return that of an export with these codes, or None where it holds none.

        Raises
        ------
        InputError
            If the manifest does not say how it is searched.
        """
        if FILE not in export.manifest["files"]:
            return None
        about = export.manifest.get("approximate")
        probed = about.get("probed") if isinstance(about, dict) else None
        # True is an int of Python's.
        if type(probed) is not int or probed < 1:
            raise InputError(
                f"{shown(export.folder / MANIFEST)} has no valid approximate; copy or export the folder again."
            )
        said = {metric: about.get(f"{metric}_recall_at_10") for metric in search.METRICS}  # type: ignore[union-attr]
        known = {metric: recall for metric, recall in said.items() if isinstance(recall, int | float)}
        recalls = {metric: float(recall) for metric, recall in known.items() if 0 <= recall <= 1}
        return cls(codes, lambda metric: _stored(export, codes, metric), probed, recalls)

    def nearest(self, queries: np.ndarray, k: int, metric: str) -> Neighbours:
        """Return the nearest codes that are found, always `k`, as `applied.search.nearest` does.

        Of more equally near codes than are compared exactly, others than the first rows may be found.
        """
        search.check(self._codes, k, metric)
        if metric not in self._filled:
            lists = self._lists(metric)
            self._filled[metric] = lists, lists.filled(self._codes, self._probed)
        found = [self._one(query, k, metric) for query in queries]
        rows = np.array([rows for rows, _ in found], np.int64).reshape(-1, k)
        return Neighbours(rows, np.array([distances for _, distances in found], np.float32).reshape(-1, k))

    def _one(self, query: np.ndarray, k: int, metric: str) -> tuple[np.ndarray, np.ndarray]:
        # More than asked for: faiss compares in float32, where codes that are nearly as far may change places.
        lists, index = self._filled[metric]
        rows = lists.candidates(index, query, min(2 * k + 16, len(self._codes)))
        # Few codes in these lists; or a query without a direction, to which no list is nearer than another.
        if len(rows) < k or (metric == "cosine" and not query.any()):
            near = search.nearest(self._codes, query[np.newaxis], k, metric)
            return near.rows[0], near.distances[0]
        near = search.nearest(self._codes[rows], query[np.newaxis], k, metric)
        return rows[near.rows[0]], near.distances[0]


def chosen(index: "Index", asked: bool | None) -> Approximate | None:
    """Return what searches an index approximately, or None where it is to be searched exactly.

    Parameters
    ----------
    index : Index
    asked : bool or None
        Whether to search approximately; None: what the index holds, beyond EXACT_UP_TO codes, where faiss is installed.
    """
    if asked is None:
        asked = index.approximate is not None and len(index) > EXACT_UP_TO and inverted_lists.available()
    return (index.approximate or Approximate.built(index.codes)) if asked else None


def _stored(export: Export, codes: np.ndarray, metric: str) -> InvertedLists:
    stored, place = export.arrays(FILE), shown(export.folder / FILE)
    try:
        lists = InvertedLists(stored[f"{metric}_centres"], stored[f"{metric}_lists"], metric)
    except KeyError:
        raise InputError(f"{place} has no lists by {metric}; search exactly, or export it again.") from None
    except ArgumentError as error:
        raise InputError(f"{place} is damaged: {str(error).split(';')[0]}; export it again.") from None
    if lists.centres.shape[1] != codes.shape[1] or len(lists.lists) != len(codes):
        raise InputError(
            f"{place} is of {len(lists.lists):,} codes of {lists.centres.shape[1]:,} numbers, but the index has "
            f"{len(codes):,} of {codes.shape[1]:,}; export it again."
        )
    return lists
