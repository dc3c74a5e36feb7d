"""Write a folder of JPEG files: `python -m benchmarks.scripts.pictures <n> <folder>`.

Some hundreds are different, smooth with noise; the others are links to them, so that a hundred thousand files take the
disk of some hundreds and each is read and unpacked all the same.
"""

import os
import sys
from pathlib import Path

import numpy as np
from PIL import Image
from scipy import ndimage

SHAPE = (192, 256, 3)
DIFFERENT = 500
NOISE = 10.0


def main(n: int, folder: Path) -> None:
    random = np.random.default_rng(0)
    folder.mkdir(parents=True)
    names = []
    for number in range(min(n, DIFFERENT)):
        smooth = ndimage.zoom(random.uniform(0, 255, (6, 8, 3)), (32, 32, 1), order=1)
        pixels = np.clip(smooth + NOISE * random.standard_normal(SHAPE), 0, 255).astype(np.uint8)
        names.append(folder / f"{number:07d}.jpg")
        Image.fromarray(pixels).save(names[-1], quality=85)
    for number in range(len(names), n):
        os.link(names[number % len(names)], folder / f"{number:07d}.jpg")


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
