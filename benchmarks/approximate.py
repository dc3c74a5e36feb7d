"""Approximate search beside exact search, by kinds of faiss's indexes.

`python -m benchmarks.approximate [CODES]` writes `benchmarks/approximate.md`; CODES is the number of synthetic codes.
It reads `exports/digits-strided` and the prepared digits, which `make repro` makes, and needs faiss-cpu.
"""

import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sized
from pathlib import Path

import numpy as np

from benchmarks.measuring import ROOT, OtherWork, machine
from benchmarks.tables import table

FILE = ROOT / "benchmarks/approximate.md"
N_SYNTHETIC, WIDTH, N_CLUSTERS, N_DIRECTIONS = 1_000_000, 64, 1000, 12
N_DIGITS, QUERIES, K, SHIFTS = 10_000, 1000, 10, range(-2, 3)
# The exact search takes long: of so many queries its speed is measured.
TIMED = 100
PROBED, BEAM = (8, 16, 32, 64), (32, 64, 128)


def digits() -> tuple[np.ndarray, np.ndarray]:
    """Return codes of training digits shifted by up to two pixels, and of test digits, float32 [n, 10]."""
    from autoencoders.inference.running import Graph

    encoder = Graph(Path("exports/digits-strided/encoder.onnx"))
    images = np.load("exports/digits-strided/thumbnails.npy")
    shifted = np.concatenate([np.roll(images, (down, right), (1, 2)) for down in SHIFTS for right in SHIFTS])
    chosen = np.random.default_rng(0).permutation(len(shifted))[:N_DIGITS]
    return encoder(shifted[chosen]), encoder(np.load("data/prepared/digits/test/images.npy")[:QUERIES])


def synthetic(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return codes in clusters, each spread in directions of its own, and queries of the same kind, float32 [n, 64]."""
    random, total = np.random.default_rng(0), n + QUERIES
    own = np.sort(random.integers(N_CLUSTERS, size=total))
    codes = np.empty((total, WIDTH), np.float32)
    spreads = np.exp(-np.arange(N_DIRECTIONS) / 4)[:, np.newaxis]
    for cluster in range(N_CLUSTERS):
        rows = np.flatnonzero(own == cluster)
        directions = random.normal(size=(N_DIRECTIONS, WIDTH)) * spreads
        within = random.normal(size=(len(rows), N_DIRECTIONS)) @ directions
        codes[rows] = random.normal(size=WIDTH) + within + 0.1 * random.normal(size=(len(rows), WIDTH))
    codes = codes[random.permutation(total)]
    return codes[:n], codes[n:]


def exact(codes: np.ndarray) -> dict[str, Callable]:
    from applied import search

    return {"": lambda queries: search.nearest(codes, queries, K, "euclidean").rows}


def lists(codes: np.ndarray) -> dict[str, Callable]:
    from autoencoders.uses import inverted_lists

    built = inverted_lists.build(codes, "euclidean")
    index = built.filled(codes, 1)
    return {f"{probed} of {len(built)} lists": _of_faiss(index, "nprobe", probed, index) for probed in _some(built)}


def _some(built: Sized) -> list[int]:
    return [probed for probed in PROBED if probed <= len(built)]


def used(codes: np.ndarray) -> dict[str, Callable]:
    """The same, one query after the other and with exact distances of what is found."""
    from applied.approximate import PROBED as USED
    from applied.approximate import Approximate
    from autoencoders.uses import inverted_lists

    built = inverted_lists.build(codes, "euclidean")
    index = Approximate(codes, lambda _: built)
    index.nearest(codes[:1], K, "euclidean")
    return {f"{USED} of {len(built)} lists": lambda queries: index.nearest(queries, K, "euclidean").rows}


def quantized(codes: np.ndarray) -> dict[str, Callable]:
    """The same lists of numbers of 8 bits."""
    import faiss

    from autoencoders.uses import inverted_lists

    built = inverted_lists.build(codes, "euclidean")
    coarse = faiss.IndexFlatL2(codes.shape[1])
    coarse.add(built.centres)
    index = faiss.IndexIVFScalarQuantizer(
        coarse, codes.shape[1], len(built), faiss.ScalarQuantizer.QT_8bit, faiss.METRIC_L2, False
    )
    index.train(codes)
    index.add(codes)
    return {f"{probed} of {len(built)} lists": _of_faiss(index, "nprobe", probed, index) for probed in _some(built)}


def graph(codes: np.ndarray) -> dict[str, Callable]:
    """A graph of neighbours with 32 a code."""
    import faiss

    index = faiss.IndexHNSWFlat(codes.shape[1], 32)
    index.add(codes)
    return {f"efSearch {beam}": _of_faiss(index, "efSearch", beam, index.hnsw) for beam in BEAM}


def _of_faiss(index, name: str, value: int, of) -> Callable:
    def search(queries: np.ndarray) -> np.ndarray:
        setattr(of, name, value)
        return index.search(queries, 2 * K + 16)[1]

    return search


KINDS = {
    "exact": exact,
    "IVF, float32": lists,
    "the same, in `autoencoder search`": used,
    "IVF, 8 bits": quantized,
    "HNSW, float32": graph,
}


def measured(kind: str, folder: Path) -> list[dict]:
    """Return for each way of searching processor seconds, MiB and what is found; in a process of its own."""
    import threadpoolctl

    try:
        import faiss

        faiss.omp_set_num_threads(1)
    except ImportError:
        sys.exit("error: faiss-cpu is not installed; run `pip install faiss-cpu`.")
    codes, queries, nearest = (np.load(folder / f"{name}.npy") for name in ("codes", "queries", "nearest"))
    with threadpoolctl.threadpool_limits(1):
        before, begun = _memory(), time.process_time()
        ways = KINDS[kind](codes)
        built, taken = time.process_time() - begun, _memory() - before
        found = []
        for name, search in ways.items():
            n = TIMED if kind == "exact" else len(queries)
            search(queries[:1])
            begun = time.process_time()
            rows = search(queries[:n])
            seconds = time.process_time() - begun
            recall = np.mean([np.isin(true, some).mean() for true, some in zip(nearest, rows, strict=False)])
            about = {"kind": kind, "compares": name, "build": built, "memory": taken}
            found.append({**about, "recall": float(recall), "speed": n / seconds})
    return found


def _memory() -> float:
    """MiB that this process holds."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def compared(codes: np.ndarray, queries: np.ndarray) -> list[dict]:
    from applied import search

    found = []
    with tempfile.TemporaryDirectory() as folder:
        nearest = search.nearest(codes, queries, K, "euclidean").rows
        for name, array in {"codes": codes, "queries": queries, "nearest": nearest}.items():
            np.save(Path(folder, f"{name}.npy"), array)
        for kind in KINDS:
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                found += pool.apply(measured, (kind, Path(folder)))
            print(found[-1], flush=True)
    return found


def lines(found: list[dict]) -> list[str]:
    """Return the table as Markdown."""
    rows, seen = [], set()
    for each in found:
        first = each["kind"] not in seen
        seen.add(each["kind"])
        built = [each["kind"], f"{each['build']:,.1f}", f"{each['memory']:,.0f}"] if first else ["", "", ""]
        rows.append([*built, each["compares"] or "all", f"{each['recall']:.3f}", f"{each['speed']:,.0f}"])
    return table(["index", "build, s", "memory, MiB", "compares", "recall@10", "queries a second"], rows)


def main() -> None:
    """Measure and write the tables."""
    n, others, about = int(sys.argv[1]) if sys.argv[1:] else N_SYNTHETIC, OtherWork(), machine()
    parts = {f"{N_DIGITS:,} codes of digits, 10 numbers": digits, f"{n:,} codes, {WIDTH} numbers": lambda: synthetic(n)}
    text = [
        "# Approximate search",
        "",
        "Made by `python -m benchmarks.approximate`: faiss's kinds of indexes beside exact search, Euclidean. Seconds "
        "are of processor time, by one thread. *recall@10* is the share of the 10 nearest codes among the 36 that an "
        "index gives to held-out queries; in `autoencoder search` these are then compared exactly, one query after the "
        "other. Memory is what an index adds to the codes. The digits are the 1,438 training images of the default "
        "graph, shifted by up to two pixels; their queries are test images. The other codes are synthetic: "
        f"{N_CLUSTERS:,} clusters that overlap, each spread in {N_DIRECTIONS} directions.",
        "",
        f"Measured on {about['processor']}, {about['cores']} cores, {about['memory_gib']:.0f} GiB.",
    ]
    for title, made in parts.items():
        codes, queries = made()
        text += ["", f"## {title}", "", *lines(compared(codes, queries))]
    text += ["", f"Other programs took {others.share():.0%} of the processors meanwhile.".replace("%", " %")]
    FILE.write_text("\n".join(text) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
