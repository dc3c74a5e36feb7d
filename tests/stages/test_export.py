"""The folders of exported networks, beside what they are made from."""

import csv
import hashlib
import json
import shutil
import sys
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from small import small_parameters

from applied.encoder import Encoder
from autoencoders.core.errors import InputError
from autoencoders.core.sampling import sample
from autoencoders.inference.codec import Codec
from autoencoders.inference.running import Graph
from autoencoders.uses import inverted_lists
from autoencoders.uses.inverted_lists import InvertedLists
from stages import cluster, embed, export
from stages.shared.parameters import load

PARAMETERS = small_parameters()
NETWORKS = list(PARAMETERS["export"]["networks"])
# Codes of 1,568 numbers; noise; labels.
WIDE, FLAT = "digits-denoising", "digits-strided"
ALWAYS = {"encoder.onnx", "decoder.onnx", "clusters.onnx", "mixture.npz", "quantiles.npz", "probes.npz", "README.md"}
INDEX = {"index.npy", "index.csv", "thumbnails.npy", "central.npy"}


def folder(name: str) -> Path:
    return Path("exports", name)


def manifest(name: str) -> dict:
    return json.loads((folder(name) / "manifest.json").read_text(encoding="utf-8"))


def contents(name: str) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder(name).iterdir()}


def stored(kind: str, name: str, *splits: str) -> np.ndarray:
    return np.concatenate([np.load(f"data/{kind}/{name}/{split}") for split in splits])


def training_codes(name: str) -> np.ndarray:
    return stored("codes", name, "train.npy", "validation.npy")


def held_out_images() -> np.ndarray:
    return np.load("data/prepared/digits/test/images.npy")


@pytest.mark.parametrize("name", NETWORKS)
def test_an_export_has_its_files_and_the_manifest_their_checksums_and_sizes(results, name):
    expected = ALWAYS | ({"denoiser.onnx"} if name == WIDE else set()) | (set() if name == WIDE else INDEX)
    found = contents(name)
    assert found.keys() == expected | {"manifest.json"}
    named = manifest(name)["files"]
    assert list(named) == sorted(expected)
    for file, facts in named.items():
        assert facts == {"sha256": hashlib.sha256(found[file]).hexdigest(), "bytes": len(found[file])}, file
    for graph in ("encoder", "decoder"):
        assert found[f"{graph}.onnx"] == Path("models", name, f"{graph}.onnx").read_bytes()
    assert found["clusters.onnx"] == Path("data/clusters", name, "clusters.onnx").read_bytes()


@pytest.mark.parametrize("name", NETWORKS)
def test_the_manifest_says_what_the_network_is(results, name):
    found = manifest(name)
    keys = "format network kind dataset source origin images network_colour code classes clusters search anomaly"
    keys += " generates denoises noise variational parameters metrics largest_difference_to_keras probes files"
    assert list(found) == keys.split()
    images = {"height": 28, "width": 28, "channels": 1, "fit": "crop", "colour": "grey", "max_pixels": 64_000_000}
    assert found["images"] == {**images, "deskew": False}
    about = json.loads(Path("data/codes", name, "code.json").read_text(encoding="utf-8"))
    assert found["code"] == {"width": int(np.prod(about["shape"])), "shape": about["shape"]}
    assert found["classes"] == [str(digit) for digit in range(10)]
    assert found["clusters"] == {"by": "centres", "form": "kmeans", "clusterer": "kmeans", "n": 10, "neighbours": None}
    # The distance to the nearest code tells unusual images best, docs/anomaly.md; wide codes have no index.
    assert found["anomaly"] == {"score": "reconstruction" if name == WIDE else "index"}
    assert (found["denoises"], found["variational"]) == (name == WIDE, name == "digits-variational")
    assert found["parameters"] == json.loads(Path("models", name, "parameters.json").read_text(encoding="utf-8"))
    for stage, scores in found["metrics"].items():
        assert scores == json.loads(Path("metrics", stage, f"{name}.json").read_text(encoding="utf-8"))
    assert 0 <= found["largest_difference_to_keras"] < 1e-4


@pytest.mark.parametrize("name", NETWORKS)
def test_probes_are_test_images_and_their_codes_those_of_the_pipeline(results, name):
    with np.load(folder(name) / "probes.npz") as probes:
        images, codes = probes["images"], probes["codes"]
    assert (images.dtype, codes.dtype, len(images), len(codes)) == (np.uint8, np.float32, 16, 16)
    rows = [np.flatnonzero((held_out_images() == image).all(axis=(1, 2, 3)))[0] for image in images]
    assert np.array_equal(codes, stored("codes", name, "test.npy")[rows])
    hashes = [hashlib.sha256(code.astype("<f4").tobytes()).hexdigest() for code in codes]
    assert manifest(name)["probes"] == {"codes_sha256": hashes}


@pytest.mark.parametrize("name", NETWORKS)
def test_thresholds_are_quantiles_of_held_out_errors_and_of_distances(results, name):
    codec, images = Codec(folder(name)), held_out_images()
    errors = np.square(images / 255 - codec.reconstruct(images)).mean(axis=(1, 2, 3))
    found = np.load(folder(name) / "quantiles.npz")
    shares = np.linspace(0, 1, 1001)
    np.testing.assert_allclose(found["reconstruction"], np.quantile(errors, shares), rtol=1e-4)
    assert set(found) == {"reconstruction", "cluster"} | (set() if name == WIDE else {"index"})
    codes, centres = training_codes(name), np.load(f"data/clusters/{name}/centres.npy")
    distances = np.sqrt(np.square(codes[:, np.newaxis] - centres, dtype=np.float64).sum(axis=2))
    for number in range(10):
        own = distances[distances.argmin(axis=1) == number, number]
        np.testing.assert_allclose(found["cluster"][number], np.quantile(own, shares), rtol=1e-4, atol=1e-5)
    if name != WIDE:
        apart = np.sqrt(np.square(stored("codes", name, "test.npy")[:, np.newaxis] - codes).sum(axis=2)).min(axis=1)
        np.testing.assert_allclose(found["index"], np.quantile(apart, shares), rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("name", [name for name in NETWORKS if name != WIDE])
def test_the_index_has_the_training_images_their_codes_and_clusters(results, name):
    assert np.array_equal(np.load(folder(name) / "index.npy"), training_codes(name))
    listed = pd.read_csv(folder(name) / "index.csv")
    assert list(listed) == ["split", "row", "image", "label", "class", "cluster"]
    assigned = pd.read_csv(f"data/clusters/{name}/assignments.csv")
    training = assigned[assigned["split"] != "test"].reset_index(drop=True)
    assert listed[["split", "row", "image", "cluster"]].equals(training[["split", "row", "image", "cluster"]])
    images = stored("prepared/digits", "", "train/images.npy", "validation/images.npy")
    assert np.array_equal(np.load(folder(name) / "thumbnails.npy"), images)
    centres = np.load(f"data/clusters/{name}/centres.npy")
    distances = np.sqrt(np.square(training_codes(name)[:, np.newaxis] - centres, dtype=np.float64).sum(axis=2))
    for number, rows in enumerate(np.load(folder(name) / "central.npy")):
        members = np.flatnonzero(listed["cluster"] == number)
        nearest = members[np.argsort(distances[members, number], kind="stable")][:8]
        assert sorted(distances[rows[rows >= 0], number]) == pytest.approx(distances[nearest, number], rel=1e-5)
        assert (rows >= 0).sum() == len(nearest) and (rows[len(nearest) :] == -1).all()


@pytest.mark.parametrize("name", NETWORKS)
def test_codes_drawn_from_the_mixture_have_the_moments_of_the_training_codes(results, name):
    found = np.load(folder(name) / "mixture.npz")
    assert all(values.dtype == np.float64 for values in found.values())
    codes = training_codes(name).astype(np.float64)
    mean = found["weights"] @ found["means"]
    if name == WIDE:
        assert found["components"].shape == (32, 1568)
        mean = found["mean"] + mean @ found["components"]
    np.testing.assert_allclose(mean, codes.mean(axis=0), atol=1e-3)
    if name != WIDE:
        factors, apart = found["factors"], found["means"] - mean
        each = factors @ factors.transpose(0, 2, 1) + apart[:, :, np.newaxis] * apart[:, np.newaxis]
        variances = np.diagonal(np.einsum("k,kij->ij", found["weights"], each))
        np.testing.assert_allclose(variances, codes.var(axis=0), rtol=1e-2)


def test_another_run_gives_the_same_bytes_and_nothing_is_dated(workspace):
    before = contents(FLAT)
    export.main(FLAT)
    assert contents(FLAT) == before
    for file in folder(FLAT).glob("*.npz"):
        with zipfile.ZipFile(file) as archive:
            assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


@pytest.mark.parametrize(("index", "width", "there"), [("auto", 10_000, True), (True, 1, True), (False, 10_000, False)])
def test_an_index_of_wide_codes_goes_with_a_network_if_it_is_asked_for(change, index, width, there):
    change("export", index_width=width)
    change(f"export.networks.{WIDE}", index=index)
    export.main(WIDE)
    assert (contents(WIDE).keys() >= INDEX) is there and ("index.npy" in contents(WIDE)) is there
    assert ("index" in np.load(folder(WIDE) / "quantiles.npz")) is there


def metrics(name: str) -> dict:
    return json.loads(Path("metrics/export", f"{name}.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", NETWORKS)
def test_few_codes_have_no_lists_and_the_metrics_say_how_many_there_are(results, name):
    assert "approximate.npz" not in contents(name) and "approximate" not in manifest(name)
    assert metrics(name) == {"source": "bundled_digits", "index": 0 if name == WIDE else 72}


def listed_export(change, name: str = FLAT, asked: object = True, **settings) -> None:
    change("export", approximate={"codes": 1_000_000, "probed": 1, "queries": 10, "seed": 0} | settings)
    change(f"export.networks.{name}", approximate=asked)
    export.main(name)


def test_lists_that_are_asked_for_are_of_the_index_and_their_recall_is_that_of_test_images(change, monkeypatch):
    pytest.importorskip("faiss")
    # 72 codes in 9 lists.
    monkeypatch.setattr(inverted_lists, "CODES_A_LIST", 8)
    listed_export(change)
    about = manifest(FLAT)["approximate"]
    assert metrics(FLAT) == {"source": "bundled_digits", "index": 72, **about}
    assert (about["queries"], about["lists"], about["probed"]) == (10, 9, 1)
    stored = np.load(folder(FLAT) / "approximate.npz")
    encoder, queries = Encoder.load(folder(FLAT)), stored_queries()
    for metric in ("cosine", "euclidean"):
        assert stored[f"{metric}_lists"].dtype == np.int32 and stored[f"{metric}_lists"].shape == (72,)
        assert stored[f"{metric}_centres"].shape == (9, training_codes(FLAT).shape[1])
        found, exact = (encoder.search_codes(queries, 10, metric, approximate=asked).rows for asked in (True, False))
        # Where a list holds fewer than ten codes the search compares all.
        own = InvertedLists(stored[f"{metric}_centres"], stored[f"{metric}_lists"], metric)
        pairs = list(zip(queries, exact, found, strict=True))
        shares = [np.isin(own.lists[rows], own.probed(query, 1)).mean() for query, rows, _ in pairs]
        assert about[f"{metric}_recall_at_10"] == pytest.approx(np.mean(shares), abs=1e-6)
        assert np.mean([np.isin(rows, some).mean() for _, rows, some in pairs]) >= np.mean(shares)
        assert 0 < about[f"{metric}_compared"] < 1
    card = (folder(FLAT) / "README.md").read_text(encoding="utf-8")
    assert f"| cosine_recall_at_10 | {about['cosine_recall_at_10']:.6g} |" in card and "| `approximate.npz` | " in card
    before = contents(FLAT)
    export.main(FLAT)
    assert contents(FLAT) == before


def stored_queries() -> np.ndarray:
    codes = stored("codes", FLAT, "test.npy")
    return codes[sample(len(codes), 10, 0)]


@pytest.mark.parametrize(("codes", "there"), [(73, False), (72, True)])
def test_an_index_of_many_codes_has_lists_without_being_asked(change, codes, there):
    pytest.importorskip("faiss")
    listed_export(change, asked="auto", codes=codes)
    assert ("approximate.npz" in contents(FLAT)) is there is ("approximate" in manifest(FLAT))
    listed_export(change, asked=False, codes=codes)
    assert "approximate.npz" not in contents(FLAT)


def test_lists_of_wide_codes_bring_their_index(change):
    pytest.importorskip("faiss")
    change("export", index_width=1)
    listed_export(change, WIDE)
    assert contents(WIDE).keys() >= INDEX | {"approximate.npz"}


def test_lists_without_faiss_are_one_sentence_and_no_export_is_left(change, monkeypatch):
    monkeypatch.setitem(sys.modules, "faiss", None)
    with pytest.raises(InputError, match="^An approximate index needs the package faiss-cpu, which is not installed; "):
        listed_export(change)
    assert not folder(FLAT).exists() and not Path("metrics/export", f"{FLAT}.json").exists()


def test_a_new_picture_is_prepared_as_the_parameters_say(change):
    change("datasets.digits", deskew=True)
    export.main(FLAT)
    assert manifest(FLAT)["images"]["deskew"] is True


def test_thumbnails_are_no_larger_than_asked_for(change):
    change("export", thumbnail=10)
    export.main(FLAT)
    assert np.load(folder(FLAT) / "thumbnails.npy").shape == (72, 10, 10, 1)


@pytest.mark.slow
def test_an_embeddings_clusters_are_those_of_the_nearest_training_images(change):
    spectral = {**PARAMETERS["embeddings"]["digits-pixels-spectral"], "of": FLAT, "n_components": 3}
    change("embeddings", embedded=spectral)
    embed.main("embedded")
    cluster.main("embedded")
    change(f"export.networks.{FLAT}", clusters="embedded")
    change("export", index_width=1, neighbours=5)
    export.main(FLAT)
    about = manifest(FLAT)["clusters"]
    assert (about["by"], about["neighbours"], about["form"]) == ("neighbours", 5, "kmeans")
    assert "clusters.onnx" not in contents(FLAT)
    clusters, codes = np.load(folder(FLAT) / "clusters.npy"), np.load(folder(FLAT) / "index.npy")
    assigned = pd.read_csv("data/clusters/embedded/assignments.csv")
    assert clusters.dtype == np.int64
    assert clusters.tolist() == assigned.loc[assigned["split"] != "test", "cluster"].tolist()
    assert pd.read_csv(folder(FLAT) / "index.csv")["cluster"].tolist() == clusters.tolist()
    distances = np.sqrt(np.square(codes[:, np.newaxis] - codes, dtype=np.float64).sum(axis=2))
    np.fill_diagonal(distances, np.inf)
    found = np.load(folder(FLAT) / "quantiles.npz")["cluster"]
    for number in range(10):
        members = np.flatnonzero(clusters == number)
        if len(members) < 2:
            assert np.isnan(found[number]).all()
            continue
        nearest = distances[np.ix_(members, members)].min(axis=1)
        np.testing.assert_allclose(found[number], np.quantile(nearest, np.linspace(0, 1, 1001)), rtol=1e-3, atol=1e-5)
        apart = np.square(codes[members] - codes[members].mean(axis=0)).sum(axis=1)
        assert np.load(folder(FLAT) / "central.npy")[number, 0] == members[apart.argmin()]


def test_the_graph_of_the_clusters_assigns_all_images_as_the_stage_did(results):
    for made in sorted(Path("data/clusters").iterdir()):
        graph, assigned = Graph(made / "clusters.onnx"), pd.read_csv(made / "assignments.csv")
        for split, found in assigned.groupby("split"):
            clusters = graph(np.load(f"data/codes/{made.name}/{split}.npy")).argmin(axis=1)
            assert clusters[found["row"]].tolist() == found["cluster"].tolist(), (made.name, split)


@pytest.mark.parametrize("name", NETWORKS)
def test_the_card_says_what_there_is(results, name):
    card = (folder(name) / "README.md").read_text(encoding="utf-8")
    assert card.startswith(f"# {name}\n")
    for heading in ("## Data", "## Training", "## Scores", "## Use and limits", "## Files"):
        assert f"\n{heading}\n" in card
    assert "trained on another machine has other scores" in " ".join(card.split())
    assert ("Gaussian noise of standard deviation 0.5" in card) is (name == WIDE)
    for file in manifest(name)["files"].keys() - {"README.md"}:
        assert f"| `{file}` | " in card


def test_a_listing_without_labels_has_neither_in_the_index(workspace):
    described = Path("data/prepared/digits/dataset.json")
    described.write_text(json.dumps({**json.loads(described.read_text(encoding="utf-8")), "classes": []}))
    file = Path("data/prepared/digits/listing.csv")
    listing = pd.read_csv(file).drop(columns=["label", "class"])
    listing["file"] = [f"a, “{number}”.png" for number in range(len(listing))]
    listing.to_csv(file, index=False)
    export.main(FLAT)
    with (folder(FLAT) / "index.csv").open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert list(rows[0]) == ["split", "row", "image", "file", "cluster"]
    training = listing[listing["split"] != "test"]
    assert [row["file"] for row in rows] == training["file"].tolist()
    assert manifest(FLAT)["classes"] == []
    assert "The images have no labels." in (folder(FLAT) / "README.md").read_text(encoding="utf-8")
    with np.load(folder(FLAT) / "probes.npz") as probes:
        assert np.array_equal(probes["images"], held_out_images()[:16])


@pytest.mark.parametrize(
    "missing",
    [
        f"models/{FLAT}/decoder.onnx",
        f"models/{FLAT}/graphs.json",
        f"data/codes/{FLAT}/train.npy",
        f"data/clusters/{FLAT}/clusters.json",
        f"data/clusters/{FLAT}/clusters.onnx",
        "data/prepared/digits/listing.csv",
        f"metrics/search/{FLAT}.json",
    ],
)
def test_a_missing_input_is_one_sentence_that_names_it_and_no_export_is_left(workspace, missing):
    shutil.rmtree(folder(FLAT))
    Path(missing).unlink()
    with pytest.raises(InputError, match=f"^{missing} is missing or is no [A-Za-z]+ file; make it again with `dvc re"):
        export.main(FLAT)
    assert not folder(FLAT).exists() and not list(Path("exports").glob(".partial-*"))


def test_more_components_than_codes_name_the_parameter(change):
    with pytest.raises(InputError, match=r"^generate\.components asks for 73, more than the 72 training images"):
        change("generate", components=[1, 73])
        export.main(FLAT)


def test_what_is_not_exported_is_one_sentence(results):
    assert "digits-simple" not in load(Path("params.yaml"))["export"]["networks"]
    with pytest.raises(InputError, match=r"^params.yaml has no export\.networks\.digits-simple; there is '"):
        export.main("digits-simple")
