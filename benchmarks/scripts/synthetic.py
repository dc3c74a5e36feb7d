"""Write synthetic photographs as `stages/extract.py` writes real ones: `python -m benchmarks.scripts.synthetic <n>`.

Ten smooth random prototypes, one a class, with noise on every image; as many test images as a tenth of the training
images. Written block by block, so that a million images take no more memory than ten thousand.
"""

import json
import sys
from pathlib import Path

import numpy as np
from scipy import ndimage

SHAPE = (32, 32, 3)
N_CLASSES = 10
BLOCK = 5000
NOISE = 30.0


def write(folder: Path, n_images: int, prototypes: np.ndarray, random: np.random.Generator) -> None:
    """Write `images.npy` and `labels.npy` into a new folder."""
    folder.mkdir(parents=True)
    labels = random.integers(0, N_CLASSES, n_images, dtype=np.int64)
    np.save(folder / "labels.npy", labels)
    images = np.lib.format.open_memmap(folder / "images.npy", "w+", np.uint8, (n_images, *SHAPE))
    for start in range(0, n_images, BLOCK):
        chosen = prototypes[labels[start : start + BLOCK]]
        noisy = chosen + NOISE * random.standard_normal(chosen.shape, dtype=np.float32)
        images[start : start + BLOCK] = np.clip(noisy, 0, 255).astype(np.uint8)
    images.flush()


def main(n_images: int) -> None:
    random = np.random.default_rng(0)
    coarse = random.uniform(0, 255, (N_CLASSES, 4, 4, 3))
    prototypes = ndimage.zoom(coarse, (1, 8, 8, 1), order=1).astype(np.float32)
    folder = Path("data/raw/photos")
    counts = {"train": n_images, "test": n_images // 10}
    for split, count in counts.items():
        write(folder / split, count, prototypes, random)
    described = {"dataset": "photos", "source": "synthetic", "origin": "ten smooth prototypes with noise", **counts}
    (folder / "classes.json").write_text(json.dumps([f"class {number}" for number in range(N_CLASSES)]) + "\n")
    (folder / "source.json").write_text(json.dumps(described) + "\n")


if __name__ == "__main__":
    main(int(sys.argv[1]))
