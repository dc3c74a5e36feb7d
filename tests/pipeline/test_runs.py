"""The whole graph, run by DVC on little data."""

import hashlib
from pathlib import Path

import pytest
from conftest import Checkout, stages_run
from small import small_parameters, write_parameters

from stages.shared.parameters import load

CHAIN = {f"{stage}@photos-convolutional" for stage in ("train", "encode", "cluster", "search", "map")}
# Of a representation without a network.
SHORT_CHAIN = ("represent", "cluster-representation", "search-representation")


def change(checkout: Checkout, key: str, value: object) -> None:
    values = small_parameters()
    *path, last = key.split(".")
    block = values
    for part in path:
        block = block[part]
    block[last] = value
    write_parameters(checkout.folder, values)


def test_two_cold_runs_give_the_same_bytes(cold_runs):
    first, second = (checkout.results() for checkout in cold_runs)
    assert first.keys() == second.keys()
    digests = [
        {path: hashlib.sha256(content).hexdigest() for path, content in each.items()} for each in (first, second)
    ]
    assert digests[0] == digests[1]
    kinds = {Path(path).suffix for path in first}
    assert {".h5", ".npy", ".json", ".csv", ".png", ".md", ".txt"} <= kinds


def test_every_stage_ran_and_wrote_what_it_declares_and_nothing_else(cold_runs):
    checkout = cold_runs[0]
    listed = checkout.run("dvc", "stage", "list", "--name-only").stdout.split()
    assert checkout.ran == set(listed)
    lock = load(checkout.folder / "dvc.lock")
    declared = [out["path"] for stage in lock["stages"].values() for out in stage["outs"]]
    assert all((checkout.folder / path).exists() for path in declared)
    stray = [
        path for path in checkout.results() if not any(path == out or path.startswith(f"{out}/") for out in declared)
    ]
    assert stray == []


def test_a_second_run_does_nothing_and_says_so(finished_checkout):
    before = finished_checkout.results()
    done = finished_checkout.run("dvc", "repro")
    assert stages_run(done.stdout) == set()
    assert "Data and pipelines are up to date." in done.stdout
    assert finished_checkout.results() == before


def test_a_networks_epochs_rerun_its_own_chain_and_the_summary(finished_checkout):
    done = finished_checkout.run("dvc", "exp", "run", "-S", "autoencoders.photos-convolutional.epochs=3")
    assert stages_run(done.stdout) == {*CHAIN, "summarize", "report"}
    assert "photos-convolutional.json" in finished_checkout.run("dvc", "metrics", "diff").stdout


def test_an_added_network_runs_its_own_chain_and_the_summary(finished_checkout):
    values = small_parameters()
    values["autoencoders"]["digits-tiny"] = {**values["autoencoders"]["digits-simple"], "units": [32, 8]}
    write_parameters(finished_checkout.folder, values)
    done = finished_checkout.run("dvc", "repro")
    assert stages_run(done.stdout) == {
        *(name.replace("photos-convolutional", "digits-tiny") for name in CHAIN),
        "summarize",
        "report",
    }
    assert "digits-tiny" in (finished_checkout.folder / "data/summary/summary.md").read_text()


def test_an_added_representation_runs_its_own_chain_and_the_summary(finished_checkout):
    values = small_parameters()
    values["representations"]["digits-few"] = {**values["representations"]["digits-pca"], "n_components": 3}
    write_parameters(finished_checkout.folder, values)
    done = finished_checkout.run("dvc", "repro")
    assert stages_run(done.stdout) == {*(f"{stage}@digits-few" for stage in SHORT_CHAIN), "summarize", "report"}
    assert "digits-few" in (finished_checkout.folder / "data/summary/summary.md").read_text()


@pytest.mark.parametrize(
    ("module", "reruns"),
    [
        ("reconstruction", {"encode@digits-simple"}),
        ("representations", {"represent@digits-pca"}),
        ("clustering", {"cluster@digits-simple", "cluster-representation@digits-pca"}),
    ],
)
def test_a_changed_source_reruns_what_depends_on_it(finished_checkout, module, reruns):
    file = finished_checkout.folder / f"autoencoders/{module}.py"
    file.write_text(file.read_text() + "\n# Changed.\n")
    stages = ("neuron", "encode@digits-simple", "cluster@digits-simple", "cluster-representation@digits-pca")
    done = finished_checkout.run("dvc", "repro", *stages)
    assert stages_run(done.stdout) == reruns


def test_another_clustering_trains_and_encodes_nothing_again(finished_checkout):
    change(finished_checkout, "cluster.central_images", 3)
    done = finished_checkout.run("dvc", "repro", "view@digits-simple", "cluster-representation@digits-pca")
    # The map shows clusters, which are the same as before.
    assert stages_run(done.stdout) == {"cluster@digits-simple", "cluster-representation@digits-pca"}


def test_a_mistake_is_one_sentence_and_leaves_nothing_half_written(finished_checkout):
    change(finished_checkout, "autoencoders.digits-simple.epochs", -1)
    done = finished_checkout.run("dvc", "repro", "train@digits-simple", check=False)
    assert done.returncode != 0
    lines = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    expected = "autoencoders.digits-simple.epochs is -1, but the input should be greater than or equal to 1."
    assert lines == [f"error: {expected}"]
    assert "Traceback" not in done.stderr
    assert list(finished_checkout.folder.rglob(".partial-*")) == []


def test_a_fresh_clone_with_a_pulled_cache_is_up_to_date(cold_runs, tmp_path):
    origin = cold_runs[0]
    clone = object.__new__(Checkout)
    clone.folder = tmp_path / "clone"
    origin.run("git", "clone", "--quiet", str(origin.folder), str(clone.folder))
    clone.run("dvc", "remote", "add", "--local", "--default", "origin", str(tmp_path / "remote"))
    origin.run("dvc", "remote", "add", "--local", "--default", "--force", "origin", str(tmp_path / "remote"))
    origin.run("dvc", "push")
    clone.run("dvc", "pull")
    assert "up to date" in clone.run("dvc", "status").stdout
    assert clone.results() == origin.results()


def test_dvc_shows_metrics_and_experiments(finished_checkout):
    for command in (("metrics", "show"), ("exp", "show", "--csv")):
        assert "metrics/encode/digits-simple.json" in finished_checkout.run("dvc", *command).stdout


def test_dvc_shows_every_plot_and_figure_on_one_page(finished_checkout):
    finished_checkout.run("dvc", "plots", "show")
    page = (finished_checkout.folder / "dvc_plots/index.html").read_text()
    wanted = ["training-loss", "training-accuracy", "learning-rates", "sigmoid-neuron", "relu-neuron", "confusion"]
    wanted += ["first-twelve.png", "first-five.png", "denoised.png", "central-images.png", "neighbours-cosine.png"]
    wanted += ["clusters.png", "clustering-digits.png", "clustering-photos.png", "psnr.png"]
    assert [name for name in wanted if name not in page] == []
