"""Stages on the workers of a Dask cluster: the same bytes as in one process, with a worker killed in the middle."""

import sys
import time
from pathlib import Path

import clusters
import numpy as np
import pytest
from memory import allow
from PIL import Image
from small import ROOT, small_parameters, write_parameters

from autoencoders.core.engines import computed_by
from autoencoders.core.errors import InputError
from stages import cluster, embed, encode, extract, inventory, preprocess, represent, search
from stages.shared.parameters import load
from stages.shared.running import run

pytest.importorskip("distributed")
from stages.shared import workers  # noqa: E402

pytestmark = [pytest.mark.cluster, pytest.mark.slow]


class Killing(workers.Cluster):
    """A cluster of which a worker is killed, once, when the first result is there and others are in work."""

    def __init__(self, started: clusters.LocalCluster):
        super().__init__(started.address, lambda line: None)
        self.started, self.calls, self.kills = started, 0, 0

    def results(self, function, items):
        self.calls += 1
        for result in super().results(function, items):
            if not self.kills:
                self.started.kill()
                self.started.add()
                self.kills = 1
            yield result


def written() -> dict[str, bytes]:
    return {path.as_posix(): path.read_bytes() for path in sorted(Path().rglob("*")) if path.is_file()}


def pictures(workspace: Path, **changes: str) -> dict:
    """Let the data set of photographs be a folder of pictures, one of which cannot be read."""
    random = np.random.default_rng(0)
    for number in range(40):
        file = Path("pictures", f"{number % 2}", f"{number:02}.png")
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(random.integers(0, 256, (40, 30, 3)).astype(np.uint8)).save(file)
    file.write_bytes(b"no picture")
    values = load(Path("params.yaml"))
    values["datasets"]["photos"] = {
        **load(ROOT / "examples/own-images/params.yaml")["datasets"]["mine"],
        "path": "pictures",
        "labels": "folders",
        "unreadable": "skip",
        **changes,
    }
    write_parameters(workspace, values)
    return values


STAGES = {
    "extract photos": (extract, "photos"),
    "preprocess digits": (preprocess, "digits"),
    "encode digits-denoising": (encode, "digits-denoising"),
    "represent digits-pca": (represent, "digits-pca"),
    "cluster digits-simple": (cluster, "digits-simple"),
    "search digits-simple": (search, "digits-simple"),
    "embed digits-pixels-spectral": (embed, "digits-pixels-spectral"),
}


@pytest.mark.parametrize("name", STAGES)
def test_a_stage_on_workers_of_which_one_is_killed_writes_the_same_bytes(
    name, workspace, change, only, dask, monkeypatch
):
    stage, argument = STAGES[name]
    monkeypatch.setattr("autoencoders.core.rows.BLOCK_SIZE", 12)
    monkeypatch.setattr("autoencoders.core.rows.PART", 2)
    monkeypatch.setattr("autoencoders.embeddings.spectral.BLOCK_SIZE", 3)
    monkeypatch.setattr("autoencoders.uses.neighbours.PART", 30)
    if stage is extract:
        pictures(workspace)
    only("whitened")
    change("cluster", seeds=1)
    change("cluster.kmeans", max_iter=3)
    allow(0.004)
    stage.main(argument)
    here = written()
    engine = Killing(dask)
    try:
        with computed_by(engine):
            stage.main(argument)
    finally:
        engine.close()
    assert engine.kills == 1
    assert written() == here


@pytest.mark.parametrize("protocol", ["http", "file"])
def test_workers_read_the_pictures_of_an_address_themselves(protocol, tmp_path, dask, serve, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("autoencoders.sources.reading.GROUP_SMALL", 3)
    write_parameters(tmp_path, small_parameters())
    pictures(tmp_path)
    extract.main("photos")
    here = {name: content for name, content in written().items() if name.endswith((".npy", ".csv"))}
    values = pictures(tmp_path, path="data/inventories/far.json")
    folder = Path("pictures").absolute()
    values["addresses"] = {"far": serve(folder) if protocol == "http" else f"file://{folder}"}
    write_parameters(tmp_path, values)
    inventory.main("far")
    # Not by this process.
    monkeypatch.setattr("autoencoders.sources.remote.contents", None)
    engine = Killing(dask)
    try:
        with computed_by(engine):
            extract.main("photos")
    finally:
        engine.close()
    assert engine.kills == 1
    assert {name: content for name, content in written().items() if name.endswith((".npy", ".csv"))} == here


def test_a_lost_scheduler_ends_a_stage_in_one_sentence_with_nothing_half_written(workspace, monkeypatch, tmp_path):
    monkeypatch.setattr("autoencoders.core.rows.BLOCK_SIZE", 4)

    class Losing(workers.Cluster):
        def results(self, function, items):
            for result in super().results(function, items):
                lost.scheduler.kill()
                yield result

    with clusters.cluster(tmp_path / "cluster", 1) as lost:
        engine = Losing(lost.address, lambda line: None)
        with pytest.raises(InputError, match="^The scheduler at .* is lost"), computed_by(engine):
            preprocess.main("digits")
        engine.close()
    assert not Path("data/prepared/digits").exists() and not Path("plots/preprocess/digits").exists()
    assert list(Path().rglob(".partial-*")) == []


def test_an_address_is_an_option_or_a_variable_and_no_argument_of_the_stage(closed, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(workers, "CONNECT", 1)
    address, given = closed.replace("http", "tcp").rstrip("/"), []

    def stage(name: str) -> None:
        from autoencoders.core.engines import in_order

        given.append(name)
        list(in_order(str, range(3)))

    for variable, arguments in ((address, ["photos"]), ("", ["--scheduler", address, "photos"])):
        monkeypatch.setenv("DASK_SCHEDULER_ADDRESS", variable)
        monkeypatch.setattr(sys, "argv", ["/somewhere/stages/example.py", *arguments])
        start = time.monotonic()
        with pytest.raises(SystemExit) as ended:
            run(stage)
        assert ended.value.code.startswith(f"error: No scheduler answers at '{address}'")
        assert time.monotonic() - start < 30
    assert given == ["photos", "photos"]
    # The option is in the environment too, for what the stage starts.
    monkeypatch.setenv("DASK_SCHEDULER_ADDRESS", "")
    monkeypatch.setattr(sys, "argv", ["/somewhere/stages/example.py", "photos"])
    run(stage)
