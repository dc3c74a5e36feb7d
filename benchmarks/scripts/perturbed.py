"""Run stages on codes as they are, then again and again on perturbed ones, and print the scores of each time.

The argument is JSON: `stages`, a list of a stage's name and its arguments each; `code`, the name of the code that is
perturbed; `draws`, how often; `size`, of the noise, in standard deviations of the training codes. A line a time, the
first of the codes as they are: for each stage and name the content of its file under `metrics/`. Figures are left out.
"""

import importlib
import json
import sys
from collections.abc import Sequence

import numpy as np

from autoencoders.pages import figures
from stages.shared import files


def perturb(name: str, originals: dict[str, np.ndarray], size: float, seed: int) -> None:
    """Write `originals`, float32 [n, width] by split, with uniform noise as the code of this name.

    The noise is at most `size` standard deviations of all numbers of the training codes.
    """
    random, spread = np.random.default_rng(seed), size * float(originals["train"].std(dtype=np.float64))
    about = files.read_json(files.data("codes", name, "code.json"))
    with files.whole(files.data("codes", name)) as (folder,):
        files.write_json(folder / "code.json", about)
        for split, codes in originals.items():
            noise = random.uniform(-spread, spread, codes.shape).astype(np.float32)
            np.save(folder / f"{split}.npy", codes + noise)


def scores(stages: Sequence[Sequence[str]]) -> dict[str, dict]:
    """Run stages in their order and return the metrics of those that write some, by "stage/name"."""
    found = {}
    for stage, *arguments in stages:
        importlib.import_module(f"stages.{stage}").main(*arguments)
        file = files.metrics(stage, f"{arguments[-1]}.json")
        if file.is_file():
            found[f"{stage}/{arguments[-1]}"] = files.read_json(file)
    return found


def main(stages: Sequence[Sequence[str]], code: str | None = None, draws: int = 0, size: float = 0.0) -> None:
    """Print the scores of each time."""
    # They take a third of a stage's time, and nobody looks at them.
    figures.save = figures.image_rows = figures.matrix = lambda *_, **__: None
    print(json.dumps(scores(stages)), flush=True)
    if code is None:
        return
    originals = {split: np.load(files.data("codes", code, f"{split}.npy")) for split in files.SPLITS}
    for seed in range(draws):
        perturb(code, originals, size, seed)
        print(json.dumps(scores(stages)), flush=True)


if __name__ == "__main__":
    main(**json.loads(sys.argv[1]))
