"""What gives the same bytes on another processor: compute parts of the graph here, or compare two such computations.

    python -m benchmarks.scripts.processors here
    qemu-x86_64 -cpu Haswell .venv/bin/python -m benchmarks.scripts.processors there
    python -m benchmarks.scripts.processors here there

The first two write an array a computation into a folder; QEMU, in user mode (Debian's `qemu-user`), has no instruction
that its processor lacks. The third prints a line for each computation. All start from the same pixels of bundled
digits, "then" from what the computation before it gave. Networks are those of `models/`, where the graph has run.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from autoencoders.clustering.clusterers import Clusterer, Settings
from autoencoders.embeddings.spectral import Spectral
from autoencoders.images.deskewing import deskew
from autoencoders.inference.codec import Codec
from autoencoders.representations.patches import PatchAutoencoder, PatchFeatures
from autoencoders.representations.pixels import Pixels, PrincipalComponents
from autoencoders.scaling.scaler import Scaler
from autoencoders.sources import bundled
from autoencoders.uses.neighbours import nearest

WINDOWS = {"windows": [{"colour": "grey", "patch_size": 9, "grid": 3}], "n_patches": 2000, "seed": 0}
OPTIONS = {
    "kmeans": {"n_init": 5, "max_iter": 300},
    "gaussian_mixture": {"n_init": 1, "max_iter": 200, "covariance_type": "full", "reg_covar": 1e-6},
}
NETWORKS = ("digits-simple", "digits-convolutional", "digits-strided")


def computed() -> Iterator[tuple[str, np.ndarray]]:
    """Yield a name and the result of each computation."""
    images = bundled.digits(test_share=0.2, seed=0, limit=300).train.images
    yield "images", images
    yield "images set upright", deskew(images)
    pixels = Pixels("grey").transform(images)
    yield "pixels", pixels
    components = PrincipalComponents("grey", 64, seed=0).fit(images).transform(images)
    yield "principal components", components
    yield "whitening", Scaler("whiten", pca=32, unit_length=True).fit_transform(pixels)
    yield "whitening of all components", Scaler("whiten", ridge=1, pca=200, unit_length=True).fit_transform(pixels)
    for name in NETWORKS:
        if Path("models", name).is_dir():
            codec = Codec(Path("models", name))
            codes = codec.encode(images)
            yield f"codes of {name}", codes
            yield f"reconstructions of {name}", codec.decode(codes)
            scaled = Scaler("whiten", pca=32, unit_length=True).fit_transform(codes)
            yield "then whitening", scaled
            yield "then K-means, clusters", clusterer("kmeans").fit(scaled).labels_
    for what, vectors in (("pixels", pixels), ("components", components)):
        kmeans = clusterer("kmeans").fit(vectors)
        yield f"K-means of {what}, centres", kmeans.centres_
        yield f"K-means of {what}, clusters", kmeans.labels_
    mixture = clusterer("gaussian_mixture").fit(Scaler(pca=10).fit_transform(pixels))
    yield "mixture, means", mixture.centres_
    yield "mixture, clusters", mixture.labels_
    yield "patch features", PatchFeatures(n_clusters=50, max_iter=20, **WINDOWS).fit(images).transform(images)
    learned = {"units": 50, "noise": 1, "learning_rate": 0.001, "batch_size": 256, "epochs": 3}
    yield "patch autoencoder", PatchAutoencoder(**learned, **WINDOWS).fit(images).transform(images)
    for metric, found in nearest(pixels[:200], pixels[200:], ("cosine", "euclidean"), 10).items():
        yield f"neighbours, {metric}", found.rows
        yield f"distances, {metric}", found.distances
    spectral = Spectral(12, 6, "euclidean", "connectivity", 0).fit_transform(pixels)
    yield "spectral embedding", spectral
    yield "then K-means, clusters", clusterer("kmeans").fit(spectral).labels_


def clusterer(name: str) -> Clusterer:
    return Clusterer(Settings(name, n_clusters=10, options=OPTIONS, silhouette_sample=100, seed=0))


def write(folder: Path) -> None:
    """Write each result as a file of a folder, in their order."""
    folder.mkdir(parents=True)
    for number, (name, array) in enumerate(computed()):
        np.save(folder / f"{number:02} {name}.npy", array)
        print(name, flush=True)


def compared(one: Path, other: Path) -> Iterator[str]:
    """Yield a line for each result of two folders: whether the bytes agree, and how far numbers lie apart at most."""
    for file in sorted(one.glob("*.npy")):
        if not (other / file.name).exists():
            yield f"{file.stem}: not computed"
            continue
        first, second = np.load(file), np.load(other / file.name)
        same = first.tobytes() == second.tobytes()
        if np.issubdtype(first.dtype, np.integer):
            apart = f"{(first != second).sum()} of {first.size} differ"
        else:
            apart = f"{np.abs(first - second).max():.1e}, of numbers up to {np.abs(first).max():.3g}"
        yield f"{file.stem}: {'the same bytes' if same else apart}"


if __name__ == "__main__":
    folders = [Path(argument) for argument in sys.argv[1:]]
    if len(folders) == 1:
        write(*folders)
    else:
        print("\n".join(compared(*folders)))
