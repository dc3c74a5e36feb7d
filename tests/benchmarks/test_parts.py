import subprocess
import sys

import pytest
from small import ROOT

from benchmarks import chapter, growth, machine, pipeline, pytorch, scale, training, workspace
from benchmarks.__main__ import main
from benchmarks.measuring import Options, summary
from benchmarks.scripts.instrumented.sitecustomize import Clock, timed
from stages.shared.parameters import load
from stages.shared.settings.layers import with_defaults

AUTOENCODERS = with_defaults(load(ROOT / "params.yaml"))["autoencoders"]


def test_operations_are_two_a_weight_forwards_and_four_backwards_but_for_the_first_layers_inputs():
    # 3·2 and 2·5 weights: 2·16 forwards, 2·16 for their gradients, 2·10 for that of the hidden layer.
    assert machine.operations([3, 2, 5]) == 32 + 32 + 20


@pytest.mark.parametrize("name", machine.NETWORKS)
def test_widths_are_those_of_the_network_that_is_trained(name):
    from autoencoders.networks import architectures

    block = AUTOENCODERS[name]
    network = architectures.build("dense", name, (machine.INPUTS[block["dataset"]],), block)
    assert machine.widths(block) == [network.input.shape[1], *(layer.units for layer in network.layers[1:])]


def test_without_pytorch_its_part_is_skipped_with_a_word(monkeypatch):
    monkeypatch.setattr(pytorch, "version", lambda *packages: None)
    assert "PyTorch is not installed" in pytorch.measure(Options(), print)["skipped"]


def test_pytorchs_networks_are_those_of_this_project():
    torch = pytest.importorskip("torch")
    from autoencoders.networks import architectures
    from benchmarks.scripts import torch_speed

    for name, shape in {"photos-multilayer": (1024,), "photos-convolutional": (32, 32, 3)}.items():
        block = AUTOENCODERS[name]
        ours = architectures.build(block["kind"], name, shape, block)
        theirs = getattr(torch_speed, block["kind"])(block, shape[-1])
        assert sum(each.numel() for each in theirs.parameters()) == ours.count_params()
        images = torch.zeros((2, *shape)) if len(shape) == 1 else torch.zeros((2, shape[2], *shape[:2]))
        assert theirs(images).shape == images.shape


def test_the_chapters_networks_have_the_chapters_sizes():
    from autoencoders.networks import runtime  # noqa: F401 - Keras, quietly
    from benchmarks.scripts.chapter import NETWORKS

    assert set(NETWORKS) == set(chapter.NETWORKS)
    counts = {"photos-classifier": 517_510, "digits-classifier": 477_010, "photos-convolutional": 11_011}
    for name, count in {**counts, "digits-convolutional": 2_625}.items():
        assert NETWORKS[name]().count_params() == count


def test_a_loss_is_reached_from_above_and_an_accuracy_from_below():
    assert chapter.reaches(0.5, 0.5, "loss") and not chapter.reaches(0.6, 0.5, "loss")
    assert chapter.reaches(0.6, 0.5, "accuracy") and not chapter.reaches(0.4, 0.5, "accuracy")


def test_a_target_that_was_missed_is_shown_so():
    side = {"epochs": 2, "seconds": summary([4.0]), "score": summary([0.5])}
    found = {"part": "Exercise 21", "score": "loss", "chapter": side, "fast": side, "ratio": summary([1.0])}
    total = {key: summary([4.0]) for key in ("chapter", "fast", "ratio")}
    data = {"photos": {"source": "bundled_photos", "train": 7, "validation": 3}}
    result = {"data": data, "networks": {"photos-simple": {**found, "reached": False}}, "total": total}
    text = "\n".join(chapter.lines(result))
    assert "1.0, target not reached" in text
    assert "Target not reached by: photos-simple." in text
    assert "10 photos (bundled_photos), the project's bundled data" in text


def test_loops_of_training_are_compared_with_this_projects():
    def trainings(seconds):
        return {"seconds": seconds, "cpu_seconds": [2 * each for each in seconds], "loss": [0.25] * len(seconds)}

    data = {"photos": {"source": "bundled_photos", "train": 7, "validation": 3}}
    ways = {"fit": trainings([2.0, 2.0]), "keras_fit": trainings([3.0, 5.0])}
    text = "\n".join(training.lines({"data": data, "networks": {"photos-simple": ways}}))
    assert "| photos-simple | Keras's `fit` | 4.00 (3.00 to 5.00) | 2.00 (1.50 to 2.50) | 8.00" in text
    assert {name for networks in training.NETWORKS.values() for _, name in networks} == set(chapter.NETWORKS)


def test_too_little_disk_is_said_and_enough_is_not():
    assert growth.lacking(1_000_000, 10**12) is None
    assert growth.lacking(1_000_000, 10**9).startswith("skipped, for it wants 10.1 GB")


def test_growth_shows_each_step():
    def stage(seconds):
        return {"preprocess": {key: summary([seconds]) for key in ("seconds", "peak_memory", "own_memory")}}

    sizes = {"10": stage(2.0), "100": stage(6.0)}
    text = "\n".join(growth.lines({"sizes": sizes, "ratios": growth._ratios(sizes), "notes": {"1000": "skipped."}}))
    assert "| preprocess | 100 | 6.0 | 0 | 0 | 3.00 | 3.00 |" in text
    assert "1,000 images: skipped." in text


def test_scale_shows_workers_beside_one_core():
    def stages(seconds):
        found = {"seconds": summary([seconds]), **{key: summary([2**20]) for key in scale.KEYS[1:]}}
        return {"encode": {**found, "processor": summary([seconds + 1])}}

    seconds = dict(zip(scale.HOW, (4.0, 2.5, 5.0, 3.0), strict=True))
    sizes = {"1000": {how: stages(each) for how, each in seconds.items()}}
    text = "\n".join(scale.lines({"sizes": sizes, "ratios": scale._ratios(sizes), "notes": {}}))
    assert "| encode | 1,000 | one core | 4.0 |  | 5.0 | 1 | 1 | 1 |" in text
    assert "| encode | 1,000 | 2 workers | 3.0 | 0.75 | 4.0 | 1 | 1 | 1 |" in text


def test_scale_runs_what_a_stage_needs_before_it():
    assert scale._with_needs(["extract"]) == ["extract"]
    assert scale._with_needs(["search"]) == ["preprocess", "encode", "search"]
    assert scale._with_needs(list(scale.STAGES)) == list(scale.STAGES)


def test_a_stage_that_scale_does_not_have_is_refused(capsys):
    with pytest.raises(SystemExit):
        main(["scale", "--stages", "encode", "evaluate"])
    assert "scale has no stage evaluate; it has extract" in capsys.readouterr().err


def test_scale_counts_the_processor_time_of_workers_and_of_ended_processes():
    code = "import sys, time\nwhile time.process_time() < 0.3: pass\nprint(flush=True)\nsys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as worker:
        before = scale._processor([])
        worker.stdout.readline()
        assert 0.25 <= scale._processor([worker.pid]) - before < 5
        worker.stdin.close()
    assert scale._processor([]) - before >= 0.25


def test_dvcs_own_share_is_what_no_process_accounts_for():
    records = [{"start-up and imports": 2.0, "training": 3.0}, {"start-up and imports": 1.0}]
    found = pipeline.split(10.0, records, [5.5, 1.5])
    assert found == {"start-up and imports": 4.0, "training": 3.0, "DVC": 3.0}


def test_a_second_belongs_to_the_innermost_category(monkeypatch):
    now = [0.0]
    monkeypatch.setattr("time.perf_counter", lambda: now[0])
    clock = Clock(already=0.5)

    def wait(seconds):
        now[0] += seconds

    def outer():
        wait(1.0)
        timed(wait, "inner", clock)(10.0)
        wait(100.0)

    timed(outer, "outer", clock)()
    wait(1000.0)
    clock.enter("end")
    assert clock.seconds == {"start-up and imports": 1000.5, "outer": 101.0, "inner": 10.0}


def test_official_data_are_taken_where_they_are_named(monkeypatch):
    monkeypatch.setenv(workspace.HOME_VARIABLE, "/somewhere")
    assert workspace.parameters(Options())["datasets"]["photos"]["source"] == "cifar10"
    assert workspace.parameters(Options(quick=True))["datasets"]["photos"]["source"] == "bundled_photos"
    monkeypatch.delenv(workspace.HOME_VARIABLE)
    assert workspace.parameters(Options())["datasets"]["digits"]["source"] == "bundled_digits"


def test_parameters_of_the_benchmarks_are_valid(tmp_path):
    from stages.shared.parameters import check

    for quick in (False, True):
        values = workspace.parameters(Options(quick=quick))
        check(values)
        check(pipeline._shrunk(values))


def test_synthetic_images_are_stored_as_extracted_ones_are(tmp_path, monkeypatch):
    import numpy as np
    import pandas as pd
    from small import write_parameters

    from benchmarks.scripts import synthetic
    from stages import preprocess

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(synthetic, "BLOCK", 7)
    synthetic.main(20)
    folder = tmp_path / "data/raw/photos"
    images, listing = np.load(folder / "images.npy"), pd.read_csv(folder / "listing.csv")
    assert (images.shape, images.dtype) == ((22, 32, 32, 3), np.uint8)
    assert images.reshape(22, -1).std(axis=1).min() > 0
    assert listing["split"].tolist() == ["train"] * 20 + ["test"] * 2
    # As `preprocess` reads it.
    write_parameters(tmp_path, load(ROOT / "params.yaml"))
    preprocess.main("photos")
    assert np.array_equal(np.load("data/prepared/photos/test/images.npy"), images[20:])


def test_starting_the_benchmarks_imports_no_numpy():
    # Its memory would count as that of every process it starts.
    import subprocess

    script = "import sys, benchmarks.__main__; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=False).returncode == 0
