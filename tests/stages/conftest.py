import inspect
import os
import shutil
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

import clusters
import numpy as np
import pytest
from filelock import FileLock, Timeout
from PIL import Image
from small import small_parameters, write_parameters

from autoencoders.pages import figures
from stages import (
    cluster,
    denoise,
    embed,
    encode,
    evaluate,
    export,
    extract,
    generate,
    learning_rates,
    neuron,
    preprocess,
    report,
    represent,
    search,
    sequence,
    summarize,
    train,
)
from stages import map as map_stage
from stages.shared.parameters import load


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """A folder in which every stage has run once, on little data.

    Workers of pytest-xdist share it: each takes a data set that no other is at, and waits for the others' ones.
    """
    root = tmp_path_factory.getbasetemp()
    root = root.parent if "PYTEST_XDIST_WORKER" in os.environ else root
    folder, values = root / "finished", small_parameters()
    waiting = {dataset: partial(_run_of_one_data_set, values, dataset) for dataset in values["datasets"]}
    with pytest.MonkeyPatch.context() as patch:
        with FileLock(root / "finished.lock"):
            if not folder.exists():
                folder.mkdir()
                write_parameters(folder, values)
        patch.chdir(folder)
        while waiting:
            for dataset, run in list(waiting.items()):
                with suppress(Timeout):
                    _once(root / dataset, run, timeout=0.2)
                    del waiting[dataset]
        _once(root / "summary", _run_of_all)
    return folder


def _once(mark: Path, run: Callable[[], None], timeout: float = -1) -> None:
    """Call `run` unless another process did; wait for one that is at it, at most `timeout` seconds."""
    with FileLock(mark.with_suffix(".lock"), timeout=timeout):
        if not mark.exists():
            run()
            mark.touch()


def _run_of_one_data_set(values: dict, dataset: str) -> None:
    def named(group: dict) -> list[str]:
        return [name for name, block in group.items() if block["dataset"] == dataset]

    extract.main(dataset)
    preprocess.main(dataset)
    for name in named(values["classifiers"]):
        train.main("classifiers", name)
        evaluate.main(name)
    for name in named(values["autoencoders"]):
        train.main("autoencoders", name)
        encode.main(name)
        cluster.main(name)
        search.main(name)
        map_stage.main(name)
    for name in named(values["representations"]):
        represent.main(name)
        cluster.main(name)
        search.main(name)
    for name in named(values["embeddings"]):
        embed.main(name)
        cluster.main(name)
    for name in named(values["generate"]["networks"]):
        generate.main(name)
    for name in named(values["denoise"]["networks"]):
        denoise.main(name)
    for name in named(values["export"]["networks"]):
        export.main(name)
    for name in named(values["sequence"]):
        sequence.main(name)
    for name in named(values["learning_rates"]):
        learning_rates.main(name)


def _run_of_all() -> None:
    neuron.main("curves")
    summarize.main()
    report.main()


@pytest.fixture(scope="session")
def dask(tmp_path_factory):
    """A Dask scheduler and two workers. A test that kills a worker adds another one."""
    with clusters.cluster(tmp_path_factory.mktemp("dask"), 2) as started:
        yield started


@pytest.fixture
def client(dask):
    """A client of it, once both workers have joined."""
    distributed = pytest.importorskip("distributed")
    with distributed.Client(dask.address, set_as_default=False, timeout=60) as client:
        client.wait_for_workers(2, timeout=120)
        yield client


@pytest.fixture
def workspace(finished, tmp_path, monkeypatch):
    """A copy of `finished` to change and to run stages in."""
    folder = tmp_path / "workspace"
    shutil.copytree(finished, folder, copy_function=_copy)
    monkeypatch.chdir(folder)
    return folder


def _copy(source: str, target: str) -> None:
    # Stages and tests replace weights, figures and pages, most of the bytes there are, and never write into them.
    (os.link if Path(source).suffix in (".h5", ".onnx", ".png", ".html") else shutil.copyfile)(source, target)


@pytest.fixture
def results(finished, monkeypatch):
    """`finished` itself, to read from."""
    monkeypatch.chdir(finished)
    return finished


@pytest.fixture
def change(workspace):
    """A function that sets parameters of one block of the workspace's `params.yaml`, named by its dotted key."""

    def update(block: str, **settings: object) -> None:
        values = found = load(Path("params.yaml"))
        for part in block.split("."):
            found = found[part]
        found.update(settings)
        write_parameters(workspace, values)

    return update


@pytest.fixture
def pixels():
    """A function that returns a split's images as a network's block asks for them: float32 [n, h, w, c] in 0 to 1."""

    def read(block: dict, split: str) -> np.ndarray:
        images = np.load(f"data/prepared/{block['dataset']}/{split}/images.npy") / 255
        return (images if block["colour"] == "rgb" else images.mean(axis=-1, keepdims=True)).astype(np.float32)

    return read


@pytest.fixture
def drawn():
    """A function that returns the names of a folder's files, all of them PNGs, without those of a single colour."""

    def names(folder: Path | str) -> set[str]:
        images = {
            file.name: np.asarray(Image.open(file, formats=["PNG"]).convert("RGB")) for file in Path(folder).iterdir()
        }
        return {name for name, image in images.items() if len(np.unique(image)) > 1}

    return names


@pytest.fixture
def drawings(monkeypatch):
    """What the functions of `figures` are given from here on: their arguments by name, in lists by function."""
    calls = defaultdict(list)

    def recorded(function):
        def draw(*arguments, **options):
            calls[function.__name__].append(inspect.signature(function).bind(*arguments, **options).arguments)
            return function(*arguments, **options)

        return draw

    for name in ("image_rows", "curves", "panels", "matrix", "number_grids", "bars"):
        monkeypatch.setattr(figures, name, recorded(getattr(figures, name)))
    return calls


@pytest.fixture
def only(change):
    """A function that leaves one form of clustering, changed as the keywords say."""

    def choose(form: str, **settings: object) -> None:
        change("cluster", clusterings={form: {**small_parameters()["cluster"]["clusterings"][form], **settings}})

    return choose
