"""Read a data set's images, from wherever its `source` says, into arrays."""

import numpy as np

from autoencoders.sources import download, load
from stages.shared.files import data, whole, write_json
from stages.shared.parameters import read
from stages.shared.running import run

# Under the folder that the repository's `.gitignore` leaves out.
DEFAULT_HOME = "data/downloads"


def main(dataset: str) -> None:
    """Write `data/raw/<dataset>/`: for each split images uint8 [N, H, W, C] and labels int64 [N].

    Beside them lie `classes.json`, the class names by label, and `source.json`, what was read.

    Raises
    ------
    InputError
        If there is no such data set, or its images cannot be read; see `autoencoders.sources.load`.
    """
    (parameters,) = read(f"datasets.{dataset}")
    settings = parameters.model_dump(exclude={"validation_share", "deskew"})
    source = load(dataset, home=download.data_home(DEFAULT_HOME), log=print, **settings)
    with whole(data("raw", dataset)) as (folder,):
        for split, part in (("train", source.train), ("test", source.test)):
            (folder / split).mkdir()
            np.save(folder / split / "images.npy", part.images)
            np.save(folder / split / "labels.npy", part.labels)
        write_json(folder / "classes.json", source.classes)
        counts = {"train": len(source.train), "test": len(source.test)}
        summary = {"dataset": dataset, "source": parameters.source, "origin": source.origin, **counts}
        write_json(folder / "source.json", summary)
    print(f"{dataset}: {counts['train']:,} training and {counts['test']:,} test images from {source.origin}")
    if parameters.source != "bundled":
        # DVC would check a URL or a file of another folder on every run.
        command = f"dvc repro --force --single-item extract@{dataset}"
        print(f"{dataset}: DVC does not notice when official files are added or replaced: run `{command}` then.")


if __name__ == "__main__":
    run(main)
