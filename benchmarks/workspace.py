"""Temporary folders in which the project's stages run as in the project itself."""

import json
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.measuring import HOME_VARIABLE, ROOT, Options, run
from stages.shared.parameters import load
from stages.shared.settings.layers import with_defaults

OFFICIAL = {"photos": "cifar10", "digits": "mnist"}


def parameters(options: Options) -> dict:
    """Return the content of `params.yaml`, fast recipe, turned to the official data where they are at hand.

    With `options.quick` to little of the bundled data. Networks and embeddings are whole, with the defaults of their
    kind.
    """
    values = with_defaults(load(ROOT / "params.yaml"))
    values["recipe"] = "fast"
    for dataset, source in OFFICIAL.items():
        official = os.environ.get(HOME_VARIABLE) and not options.quick
        values["datasets"][dataset]["source"] = source if official else f"bundled_{dataset}"
    if options.quick:
        values["datasets"]["photos"]["crops"] = 30
        values["datasets"]["digits"]["limit"] = 300
    return values


def write_parameters(folder: Path, values: dict) -> None:
    """Write `values` as the `params.yaml` of `folder`; as JSON, which is YAML too."""
    (folder / "params.yaml").write_text(json.dumps(values, indent=2, ensure_ascii=False), encoding="utf-8")


@contextmanager
def scratch(options: Options) -> Iterator[Path]:
    """Yield an empty folder that is removed at the end."""
    with tempfile.TemporaryDirectory(prefix="benchmarks-", dir=options.scratch, ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@contextmanager
def prepared(options: Options, log: Callable[[str], None]) -> Iterator[tuple[Path, dict, dict]]:
    """Yield a folder with prepared images of both data sets, its parameters and a description of the images."""
    values = parameters(options)
    with scratch(options) as folder:
        write_parameters(folder, values)
        described = {}
        for dataset in values["datasets"]:
            log(f"extract and preprocess {dataset}")
            for stage in ("extract", "preprocess"):
                run(["python", "-m", f"stages.{stage}", dataset], folder)
            found = json.loads((folder / "data/prepared" / dataset / "dataset.json").read_text(encoding="utf-8"))
            described[dataset] = {"source": found["source"], **found["images"]}
        yield folder, values, described


def sentence(data: dict) -> str:
    """Say which images were measured on, given the description that `prepared` yields."""
    parts = [
        f"{each['train'] + each['validation']:,} {dataset} ({each['source']})" for dataset, each in sorted(data.items())
    ]
    bundled = any(each["source"].startswith("bundled") for each in data.values())
    reason = ", the project's bundled data and not the official ones" if bundled else ""
    return f"Training images: {' and '.join(parts)}{reason}."
