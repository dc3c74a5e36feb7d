"""One autoencoder as a folder that needs nothing else: graphs, codes, clusters, thresholds, a card and a manifest."""

from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np

from autoencoders.clustering.scores import cluster_means
from autoencoders.core.errors import arguments_of
from autoencoders.core.rows import Rows, blocks
from autoencoders.core.sampling import sampled, varied
from autoencoders.exports import manifest, measures, mixtures
from autoencoders.images.forms import DEFAULT
from autoencoders.inference.codec import Codec
from autoencoders.inference.running import Graph
from autoencoders.pages import thumbnails
from autoencoders.pages.card import page
from autoencoders.uses import inverted_lists, samples
from autoencoders.uses.neighbours import nearest
from stages.shared import codes, files, prepared
from stages.shared.density import fitted
from stages.shared.parameters import read
from stages.shared.progress import watched
from stages.shared.running import run

GRAPHS = ("encoder.onnx", "decoder.onnx", "denoiser.onnx")
LISTED = ("split", "row", "image", "file", "label", "class")
METRICS = ("train", "encode", "cluster", "search")
# Neighbours that `autoencoder search` gives unless told otherwise.
RECALL_AT = 10


class Inputs(NamedTuple):
    """What the export of one network is made from."""

    name: str
    entry: Any
    export: Any
    network: SimpleNamespace
    training: Rows
    test: Rows
    splits: tuple[str, ...]
    memory: int


@arguments_of("generate")
def main(name: str) -> None:
    """Read a network, its codes and clusters, its images and its scores; write `exports/<name>/` and its metrics.

    Raises
    ------
    InputError
        If a mixture has more components than there are codes, a file is missing or damaged, or an approximate index is
        to be built without faiss.
    """
    export, generate, in_memory, entry = read("export", "generate", "in_memory", f"export.networks.{name}")
    (dataset,) = read(f"datasets.{entry.dataset}")
    network = prepared.trained(name)
    splits = prepared.training_splits(network)
    training, test = codes.rows(name, *splits), codes.rows(name, "test")
    samples.check(generate.components, len(training))
    given = Inputs(name, entry, export, network, training, test, splits, int(in_memory * 2**20))
    facts = _facts(given, dataset)
    by_neighbours, indexed = entry.clusters != name, _indexed(given)
    codec = Codec(files.models(name))

    with files.whole(files.exports(name), files.metrics("export", f"{name}.json")) as (folder, metrics):
        for graph in GRAPHS[: 3 if network.noise else 2]:
            files.copy(files.models(name, graph), folder / graph)
        clusters, distances, apart = _clusters(folder, given, facts["clusters"])
        n_clusters = facts["clusters"]["n"]
        thresholds = {
            "reconstruction": measures.quantiles(_errors(given, codec)),
            "cluster": measures.by_cluster(distances, clusters, n_clusters),
        }
        if indexed:
            found = measures.index_distances(training, test, given.memory, partial(_watched, name))
            thresholds["index"] = measures.quantiles(found)
            _write_index(folder, given, clusters)
            np.save(folder / "central.npy", measures.central(apart, clusters, n_clusters, export.central))
            if by_neighbours:
                np.save(folder / "clusters.npy", clusters)
            if _listed(given):
                facts["approximate"] = _write_lists(folder, given)
        files.write_arrays(folder / "quantiles.npz", thresholds)
        density = fitted(name, training, generate, in_memory)
        files.write_arrays(folder / "mixture.npz", mixtures.arrays(density))
        facts["probes"] = {"codes_sha256": manifest.code_hashes(_write_probes(folder, given, codec))}
        counts = {"training": len(training), "test": len(test)}
        card = page.render(facts, manifest.files_of(folder), counts)
        (folder / "README.md").write_text(card, encoding="utf-8")
        manifest.write(folder, facts)
        scores = {"index": len(training) if indexed else 0, **facts.get("approximate", {})}
        files.write_json(metrics, {"source": facts["source"], **scores})
        size = sum(file.stat().st_size for file in folder.iterdir())
        print(f"{name}: {len(list(folder.iterdir()))} files, {size / 1e6:.1f} MB, {'an' if indexed else 'no'} index")


def _indexed(given: Inputs) -> bool:
    """Return whether the training images' codes go with the network."""
    if given.entry.index != "auto":
        return given.entry.index
    if given.entry.approximate is True:
        return True
    return given.entry.clusters != given.name or given.training.shape[1] <= given.export.index_width


def _listed(given: Inputs) -> bool:
    """Return whether the codes of an index also go with the network in lists, for an approximate search."""
    if given.entry.approximate != "auto":
        return given.entry.approximate
    return len(given.training) >= given.export.approximate.codes


def _facts(given: Inputs, dataset: Any) -> dict[str, Any]:
    """Return the manifest's entries but for the probes and files, in their order."""
    network, described, about = given.network, prepared.describe(given.entry.dataset), codes.describe(given.name)
    height, width, channels = prepared.image_rows(given.entry.dataset, "test").shape[1:]
    clustered = files.read_json(files.data("clusters", given.entry.clusters, "clusters.json"))
    by_neighbours = given.entry.clusters != given.name
    named = {stage: given.entry.clusters if stage == "cluster" else given.name for stage in METRICS}
    compared = files.read_json(files.models(given.name, "graphs.json"))
    return {
        "network": given.name,
        "kind": network.kind,
        "dataset": given.entry.dataset,
        "source": described["source"],
        "origin": described["origin"],
        "images": {
            "height": height,
            "width": width,
            "channels": channels,
            # Sources of one shape have neither; a new picture then comes to that shape as pictures do by default.
            "fit": getattr(dataset, "fit", DEFAULT.fit),
            "colour": "rgb" if channels == 3 else "grey",
            "max_pixels": getattr(dataset, "max_pixels", DEFAULT.max_pixels),
            "deskew": getattr(dataset, "deskew", False),
        },
        "network_colour": network.colour,
        "code": {"width": given.training.shape[1], "shape": list(about.shape)},
        "classes": described["classes"],
        "clusters": {
            "by": "neighbours" if by_neighbours else "centres",
            "form": clustered["form"],
            "clusterer": clustered["clusterer"],
            "n": clustered["n_clusters"],
            "neighbours": min(given.export.neighbours, len(given.training)) if by_neighbours else None,
        },
        "search": {"metrics": ["cosine", "euclidean"]},
        # docs/anomaly.md: of the two, the distance to the nearest code tells unusual images better.
        "anomaly": {"score": "index" if _indexed(given) else "reconstruction"},
        "generates": True,
        "denoises": network.noise > 0,
        "noise": network.noise,
        "variational": getattr(network, "kl_weight", 0) > 0,
        "parameters": vars(network),
        "metrics": {stage: files.read_json(files.metrics(stage, f"{of}.json")) for stage, of in named.items()},
        "largest_difference_to_keras": compared["largest_difference_to_keras"],
    }


def _clusters(folder: Path, given: Inputs, clusters: dict[str, Any]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Write what assigns codes to clusters, and return what it gives of the training images.

    Returns
    -------
    clusters : ndarray of shape (n,), int64
    distances : ndarray of shape (n,), float
        As new images have them: to the centre; by neighbours, to the nearest other training code of the cluster.
    apart : ndarray of shape (n,), float
        To the centre; by neighbours, to the mean code. The most central images have the smallest.
    """
    if clusters["by"] == "centres":
        graph = folder / "clusters.onnx"
        files.copy(files.data("clusters", given.name, graph.name), graph)
        found, distances = measures.to_centres(given.training, Graph(graph), partial(_watched, given.name))
        return found, distances, distances
    table = files.read_table(files.data("clusters", given.entry.clusters, "assignments.csv"))
    found = np.concatenate([table.loc[table["split"] == split, "cluster"].to_numpy(np.int64) for split in given.splits])
    distances = measures.within_clusters(given.training, found, given.memory)
    means = cluster_means(given.training, found, clusters["n"])
    return found, distances, measures.to_means(given.training, found, means)


def _errors(given: Inputs, codec: Codec) -> np.ndarray:
    """Return the error of the reconstruction of each test image, float64 [n]."""
    images = prepared.image_rows(given.entry.dataset, "test")
    # Type checkers take no named tuple for a function.
    prepare = prepared.image_preparation(given.network).__call__
    return measures.reconstruction_errors(images, prepare, codec.reconstruct, partial(_watched, given.name))


def _write_index(folder: Path, given: Inputs, clusters: np.ndarray) -> None:
    """Write the codes of the training images, their listing, and small pictures of them."""
    training, most = given.training, given.export.thumbnail
    slices = _watched(given.name, blocks(len(training)), len(training), "index")
    files.write_array(folder / "index.npy", training.shape, np.float32, (training[rows] for rows in slices))
    listing = prepared.listing(given.entry.dataset, *given.splits, columns=LISTED)
    listing.assign(cluster=clusters).to_csv(folder / "index.csv", index=False, lineterminator="\n")
    images = prepared.image_rows(given.entry.dataset, *given.splits)
    shape = (len(images), *thumbnails.size(images.shape[1:3], most), images.shape[3])
    small = (thumbnails.shrunk(images[rows], most) for rows in blocks(len(images)))
    files.write_array(folder / "thumbnails.npy", shape, np.uint8, small)


def _write_lists(folder: Path, given: Inputs) -> dict[str, Any]:
    """Write the lists of the training images' codes, and return what a search of few finds for test images."""
    settings, training = given.export.approximate, given.training
    queries, k = sampled(given.test, settings.queries, settings.seed), min(RECALL_AT, len(training))
    exact = nearest(training, queries, inverted_lists.METRICS, k, given.memory)
    arrays: dict[str, np.ndarray] = {}
    facts: dict[str, Any] = {"queries": len(queries)}
    for metric, neighbours in exact.items():
        built = inverted_lists.build(training, metric, settings.seed, partial(_watched, given.name))
        found = built.measure(queries, neighbours.rows, settings.probed)
        facts |= {"lists": len(built), "probed": min(settings.probed, len(built))}
        facts |= {f"{metric}_recall_at_{k}": found.recall, f"{metric}_compared": found.compared}
        arrays |= {f"{metric}_centres": built.centres, f"{metric}_lists": built.lists}
    files.write_arrays(folder / "approximate.npz", arrays)
    return facts


def _write_probes(folder: Path, given: Inputs, codec: Codec) -> np.ndarray:
    """Write test images of different classes, and their codes, which are returned: float32 [n, width]."""
    labels = prepared.labels(given.entry.dataset, "test")
    test = prepared.image_rows(given.entry.dataset, "test")
    images = test[varied(labels, given.export.probes, len(test))]
    found = codec.encode(images)
    files.write_arrays(folder / "probes.npz", {"images": images, "codes": found})
    return found


def _watched(name: str, slices: Iterable[slice], n: int, what: str) -> Iterator[slice]:
    return watched(slices, n, f"{name}: {what}")


if __name__ == "__main__":
    run(main)
