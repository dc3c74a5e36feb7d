"""The whole graph, run by DVC on little data with one entry of each kind."""

import re
import shutil
from pathlib import Path

from checkouts import FIRST, Checkout, parameters, stages_run
from small import write_parameters

from stages.shared.parameters import load

CHAIN = ("train", "encode", "cluster", "search", "map")
# Of a representation without a network.
SHORT_CHAIN = ("represent", "cluster-representation", "search-representation")
# What runs in a process of its own once, as by `dvc repro`; whatever else in a fork, as by `make repro`: one of each
# library that computes.
IN_PROCESSES = (
    "train@digits-variational",
    "encode@digits-variational",
    "represent@photos-patch-autoencoder",
    "embed@digits-umap",
    "cluster@digits-variational",
    "search@digits-variational",
    "map@digits-variational",
)


def change(checkout: Checkout, key: str, value: object) -> None:
    values = parameters(FIRST)
    *path, last = key.split(".")
    block = values
    for part in path:
        block = block[part]
    block[last] = value
    write_parameters(checkout.folder, values)


def lock(checkout: Checkout) -> dict:
    return load(checkout.folder / "dvc.lock")["stages"]


def test_every_stage_ran_once_and_wrote_what_it_declares_and_nothing_else(cold_run):
    listed = cold_run.run("dvc", "stage", "list", "--name-only").stdout.split()
    assert sorted(cold_run.ran) == sorted(listed)
    declared = [out["path"] for stage in lock(cold_run).values() for out in stage["outs"]]
    assert all((cold_run.folder / path).exists() for path in declared)
    stray = [
        path for path in cold_run.results() if not any(path == out or path.startswith(f"{out}/") for out in declared)
    ]
    assert stray == []


def test_an_added_network_and_representation_run_their_own_chains_and_the_summary(extended_run):
    chains = [f"{stage}@digits-strided" for stage in CHAIN]
    chains += [f"{stage}@photos-patch-autoencoder" for stage in SHORT_CHAIN]
    # Another network among the exports changes the section that all exports share.
    exports = {name for name in extended_run.ran if name.startswith("export@")}
    assert "export@digits-strided" in exports
    others = set(extended_run.ran) - exports - {"fingerprints"}
    assert sorted(others) == sorted([*chains, "summarize", "report"])
    summary = (extended_run.folder / "data/summary/summary.md").read_text(encoding="utf-8")
    assert "digits-strided" in summary and "photos-patch-autoencoder" in summary


def test_a_cold_run_in_other_processes_gives_the_same_bytes(cold_run, extended_run, python, tmp_path):
    again, forked, commands = Checkout(tmp_path), Checkout(tmp_path, python), lock(extended_run)
    for name in ("autoencoders", "stages", "params.yaml"):
        copy = shutil.copytree if (extended_run.folder / name).is_dir() else shutil.copy
        copy(extended_run.folder / name, tmp_path / name)
    order = [name for name in cold_run.ran if name not in extended_run.ran] + extended_run.ran
    assert set(IN_PROCESSES) <= set(order)
    for name in order:
        (again if name in IN_PROCESSES else forked).run(*commands[name]["cmd"].split())
    first, second = extended_run.results(), again.results()
    assert first.keys() == second.keys()
    assert [path for path in first if first[path] != second[path]] == []
    kinds = {Path(path).suffix for path in first}
    assert {".h5", ".onnx", ".npy", ".json", ".csv", ".png", ".md", ".txt", ".html"} <= kinds


def test_a_second_run_does_nothing_and_says_so(finished_checkout):
    before = finished_checkout.results()
    done = finished_checkout.run("dvc", "repro")
    assert stages_run(done.stdout) == []
    assert "Data and pipelines are up to date." in done.stdout
    assert finished_checkout.results() == before


def test_a_networks_epochs_rerun_what_follows_from_it_and_the_summary(finished_checkout):
    done = finished_checkout.run("dvc", "exp", "run", "-S", "classifiers.digits-classifier.epochs=3")
    of_classifier = ["train-classifier@digits-classifier", "evaluate@digits-classifier", "generate@digits-variational"]
    assert sorted(stages_run(done.stdout)) == sorted([*of_classifier, "summarize", "report"])
    assert "digits-classifier.json" in finished_checkout.run("dvc", "metrics", "diff").stdout


def test_a_changed_source_or_section_reruns_what_depends_on_it(finished_checkout):
    file = finished_checkout.folder / "autoencoders/uses/reconstruction.py"
    file.write_text(file.read_text(encoding="utf-8") + "\n# Changed.\n", encoding="utf-8")
    change(finished_checkout, "cluster.central_images", 2)
    stages = ("neuron@curves", "search@digits-denoising", "map@digits-denoising", "cluster-representation@digits-pca")
    done = finished_checkout.run("dvc", "repro", *stages)
    ran = stages_run(done.stdout)
    # Nothing is trained again. Search reads codes and the map clusters, which are the same as before.
    chain = ["fingerprints", "encode@digits-denoising", "cluster@digits-denoising"]
    assert sorted(ran) == sorted([*chain, "cluster-representation@digits-pca"])
    # DVC takes stages that do not depend on each other in an order that differs from run to run.
    assert [name for name in ran if name in chain] == chain


def test_a_mistake_is_one_sentence_and_leaves_nothing_half_written(finished_checkout):
    change(finished_checkout, "autoencoders.digits-denoising.epochs", -1)
    done = finished_checkout.run("dvc", "repro", "train@digits-denoising", check=False)
    assert done.returncode != 0
    lines = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    expected = "autoencoders.digits-denoising.epochs is -1, but the input should be greater than or equal to 1."
    assert lines == [f"error: {expected}"]
    assert "Traceback" not in done.stderr
    assert list(finished_checkout.folder.rglob(".partial-*")) == []


def test_a_fresh_clone_is_up_to_date_after_entries_were_removed_and_a_stage_was_killed(finished_checkout, tmp_path):
    checkout, clone = finished_checkout, Checkout(tmp_path / "clone")
    values = parameters(FIRST)
    values["generate"]["networks"] = values["denoise"]["networks"] = {}
    write_parameters(checkout.folder, values)
    killed = checkout.folder / "metrics/train/.partial-digits-denoising.json"
    killed.touch()
    # Exports fit their mixtures by the parameters of `generate`.
    ran = stages_run(checkout.run("dvc", "repro").stdout)
    assert {name for name in ran if not name.startswith("export@")} == {"fingerprints", "summarize", "report"}
    assert not killed.exists()
    assert not {path for path in checkout.results() if re.search("/(generate|denoise|samples|denoised)/", path)}
    checkout.commit("Remove")
    checkout.run("git", "clone", "--quiet", str(checkout.folder), str(clone.folder))
    for each in (clone, checkout):
        each.run("dvc", "remote", "add", "--local", "--default", "origin", str(tmp_path / "remote"))
    checkout.run("dvc", "push")
    clone.run("dvc", "pull")
    assert "up to date" in clone.run("dvc", "status").stdout
    assert clone.results() == checkout.results()


def test_dvc_shows_metrics_and_experiments(cold_run):
    for command in (("metrics", "show"), ("exp", "show", "--csv")):
        assert "metrics/encode/digits-denoising.json" in cold_run.run("dvc", *command).stdout


def test_dvc_shows_every_plot_and_figure_on_one_page(finished_checkout):
    finished_checkout.run("dvc", "plots", "show")
    page = (finished_checkout.folder / "dvc_plots/index.html").read_text(encoding="utf-8")
    wanted = ["training-loss", "training-accuracy", "photos-rates", "A sigmoid neuron", "A ReLU neuron", "confusion"]
    wanted += ["first-twelve.png", "first-five.png", "denoised.png", "central-images.png", "neighbours-cosine.png"]
    wanted += ["clusters.png", "clustering-digits.png", "psnr.png"]
    assert [name for name in wanted if name not in page] == []
