"""Write synthetic photographs as `stages/extract.py` writes real ones: `python -m benchmarks.scripts.synthetic <n>`.

Ten smooth random prototypes, one a class, with noise on every image; as many test images as a tenth of the training
images. Written block by block, so that a million images take no more memory than ten thousand.
"""

import json
import sys
from pathlib import Path

import numpy as np
from scipy import ndimage

from autoencoders.images.splits import digests

SHAPE = (32, 32, 3)
N_CLASSES = 10
BLOCK = 5000
NOISE = 30.0


def write(folder: Path, counts: dict[str, int], prototypes: np.ndarray, random: np.random.Generator) -> None:
    """Write `images.npy`, the images of one split after the other, and `listing.csv`, into a folder."""
    total = sum(counts.values())
    images = np.lib.format.open_memmap(folder / "images.npy", "w+", np.uint8, (total, *SHAPE))
    done = 0
    with (folder / "listing.csv").open("w", encoding="utf-8", newline="") as listing:
        listing.write("image,split,label,sha256\n")
        for split, count in counts.items():
            for start in range(0, count, BLOCK):
                labels = random.integers(0, N_CLASSES, min(BLOCK, count - start), dtype=np.int64)
                noisy = prototypes[labels] + NOISE * random.standard_normal((len(labels), *SHAPE), dtype=np.float32)
                block = np.clip(noisy, 0, 255).astype(np.uint8)
                images[done : done + len(block)] = block
                done += len(block)
                for row, (label, digest) in enumerate(zip(labels, digests(block), strict=True), start):
                    listing.write(f"{row},{split},{label},{digest}\n")
    images.flush()


def main(n_images: int) -> None:
    random = np.random.default_rng(0)
    coarse = random.uniform(0, 255, (N_CLASSES, 4, 4, 3))
    prototypes = ndimage.zoom(coarse, (1, 8, 8, 1), order=1).astype(np.float32)
    folder = Path("data/raw/photos")
    folder.mkdir(parents=True)
    write(folder, {"train": n_images, "test": n_images // 10}, prototypes, random)
    described = {"dataset": "photos", "source": "synthetic", "origin": "ten smooth prototypes with noise"}
    described |= {"images": n_images + n_images // 10, "skipped": 0, "left_out": {}}
    (folder / "skipped.csv").write_text("file,reason\n")
    (folder / "classes.json").write_text(json.dumps([f"class {number}" for number in range(N_CLASSES)]) + "\n")
    (folder / "source.json").write_text(json.dumps(described) + "\n")


if __name__ == "__main__":
    main(int(sys.argv[1]))
