import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from clustered import assignments, centres, metrics, scores
from listed import listed, source_of
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist
from sklearn import metrics as scoring
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.mixture import GaussianMixture
from sklearn.preprocessing import normalize
from small import small_parameters, write_parameters
from threadpoolctl import threadpool_limits

from autoencoders.core.errors import InputError
from autoencoders.networks import storage
from stages import cluster
from stages.shared.parameters import load

PARAMETERS = small_parameters()
BLOCKS = {
    name: block
    for group in ("autoencoders", "representations", "embeddings")
    for name, block in PARAMETERS[group].items()
}
SHOWN = PARAMETERS["cluster"]["central_images"]
FORMS = list(PARAMETERS["cluster"]["clusterings"])
SPLITS = {"training": ["train", "validation"], "held_out": ["test"]}
SCORES = ["accuracy", "nmi", "ari", "homogeneity", "completeness", "silhouette", "inertia"]
MAIN = ["accuracy", "nmi", "ari"]
SIMPLE = "digits-simple"


def codes(name: str, part: str) -> np.ndarray:
    return np.concatenate([np.load(f"data/codes/{name}/{split}.npy") for split in SPLITS[part]])


def labels(name: str, part: str) -> np.ndarray:
    return listed(BLOCKS[name]["dataset"], *SPLITS[part])["label"].to_numpy()


def clusters(name: str, *splits: str) -> np.ndarray:
    found = assignments(name)
    return found["cluster"][found["split"].isin(splits)].to_numpy()


def declare(name: str, parameters: dict | None = None, **entries: str) -> None:
    """Change what the folder of codes says of itself."""
    file = Path("data/codes", name, "code.json")
    about = json.loads(file.read_text(encoding="utf-8")) | entries
    about["parameters"] |= parameters or {}
    file.write_text(json.dumps(about), encoding="utf-8")


def against_classes(labels: np.ndarray, clusters: np.ndarray) -> dict[str, float]:
    """Return the scores that depend on nothing but classes and clusters."""
    counts = pd.crosstab(labels, clusters).to_numpy()
    return {
        "accuracy": counts[linear_sum_assignment(-counts)].sum() / len(labels),
        "nmi": scoring.normalized_mutual_info_score(labels, clusters),
        "ari": scoring.adjusted_rand_score(labels, clusters),
        "homogeneity": scoring.homogeneity_score(labels, clusters),
        "completeness": scoring.completeness_score(labels, clusters),
    }


@pytest.mark.parametrize("name", BLOCKS)
def test_every_image_is_in_one_cluster(results, name):
    found = assignments(name)
    assert list(found) == ["split", "row", "image", "label", "cluster"]
    images = listed(BLOCKS[name]["dataset"], *SPLITS["training"], "test")[["split", "row", "image", "label"]]
    pd.testing.assert_frame_equal(found.drop(columns="cluster"), images)
    assert set(clusters(name, *SPLITS["training"])) == set(range(10)) >= set(clusters(name, "test"))


@pytest.mark.parametrize("name", BLOCKS)
def test_each_image_is_in_the_first_forms_cluster_with_the_nearest_centre(results, name):
    assert centres(name).shape == (10, codes(name, "training").shape[1])
    assert centres(name).dtype == np.float32
    for part, splits in SPLITS.items():
        nearest = cdist(codes(name, part), centres(name)).argmin(axis=1)
        assert nearest.tolist() == clusters(name, *splits).tolist()


@pytest.mark.parametrize("name", BLOCKS)
def test_the_first_forms_scores_are_those_of_the_assignments(results, name):
    for part, splits in SPLITS.items():
        features, found = codes(name, part), clusters(name, *splits)
        expected = against_classes(labels(name, part), found)
        expected["inertia"] = np.square(features.astype(np.float64) - centres(name)[found]).sum()
        if part == "held_out":
            # All of these few images are in the silhouette's sample, so that the draw makes no difference.
            expected["silhouette"] = scoring.silhouette_score(features, found)
        row = scores(name).loc[FORMS[0], part, 0]
        assert dict(row[list(expected)]) == pytest.approx(expected, rel=1e-3, abs=1e-6)


@pytest.mark.parametrize("name", BLOCKS)
def test_the_table_has_every_form_and_seed_and_the_metrics_their_means_and_deviations(results, name):
    table, kept = scores(name), metrics(name)
    assert list(table) == ["width", *SCORES]
    assert set(table.index) == {(form, part, run) for form in FORMS for part in SPLITS for run in (0, 1)}
    assert (kept.pop("source"), kept.pop("scored")) == (source_of(BLOCKS[name]), "held_out")
    assert list(kept) == FORMS
    for form, found in kept.items():
        rows = table.loc[form, "held_out"]
        expected = {"width": rows["width"].iloc[0]}
        for score in MAIN:
            low, high = sorted(rows[score])
            expected |= {score: (low + high) / 2, f"{score}_std": (high - low) / 2}
        assert -1 <= found.pop("stability") <= 1
        assert found == pytest.approx(expected, rel=1e-4, abs=1e-6)


def test_the_stability_is_the_agreement_of_the_seeds_clusterings(results):
    features = codes(SIMPLE, "training"), codes(SIMPLE, "held_out")
    with threadpool_limits(1):
        found = [KMeans(10, random_state=seed, n_init=1).fit(features[0]).predict(features[1]) for seed in (0, 1)]
    expected = scoring.adjusted_rand_score(*found)
    assert metrics(SIMPLE)["kmeans"]["stability"] == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(("form", "fit"), [("whitened", KMeans), ("mixture", GaussianMixture)])
def test_a_form_is_pooled_scaled_and_clustered_as_its_parameters_say(results, form, fit):
    name = "photos-convolutional"
    pooled = {
        # Rows and columns of 16×16 positions, two halves each; the mean over the places of each quadrant.
        part: codes(name, part).reshape(-1, 2, 8, 2, 8, 16).mean(axis=(2, 4)).reshape(-1, 64)
        for part in SPLITS
    }
    n, options = (32, {}) if form == "whitened" else (10, {"max_iter": 200, "reg_covar": 1e-3})
    if form == "whitened":
        # Filters that are 0 for every image leave components without variance, which are dropped.
        variances = PCA(n).fit(pooled["training"]).explained_variance_
        n = int((variances > 1e-6 * variances[0]).sum())
    pca = PCA(n, whiten=form == "whitened", random_state=0).fit(pooled["training"])
    features = {part: pca.transform(values) for part, values in pooled.items()}
    if form == "whitened":
        features = {part: normalize(values) for part, values in features.items()}
    for run in (0, 1):
        with threadpool_limits(1):
            model = fit(10, random_state=run, n_init=1, **options).fit(features["training"])
        for part in SPLITS:
            row = scores(name).loc[form, part, run]
            expected = {"width": n, **against_classes(labels(name, part), model.predict(features[part]))}
            assert dict(row[list(expected)]) == pytest.approx(expected, rel=1e-4, abs=1e-6)


def test_codes_without_positions_are_not_pooled_and_no_more_components_are_kept_than_there_are(results):
    widths = {
        name: [metrics(name)[form]["width"] for form in FORMS]
        for name in ("photos-convolutional", "digits-simple", "digits-strided")
    }
    assert widths == {
        "photos-convolutional": [16 * 16 * 16, 32, 10],
        "digits-simple": [100, 32, 10],
        "digits-strided": [10, 10, 10],
    }


def test_seeds_are_counted_from_the_first(only, change):
    first = scores("digits-simple").loc["kmeans"].xs(1, level="run")
    only("kmeans")
    change("cluster", seed=1, seeds=1)
    cluster.main(SIMPLE)
    found = scores("digits-simple").loc["kmeans"].xs(0, level="run")
    pd.testing.assert_frame_equal(found.drop(columns="silhouette"), first.drop(columns="silhouette"))
    assert [metrics("digits-simple")["kmeans"][f"{score}_std"] for score in MAIN] == [0, 0, 0]


def test_images_that_training_held_out_do_not_move_the_centres_and_are_scored_apart(workspace, only):
    only("kmeans")
    declare(SIMPLE, {"validation": True})
    cluster.main(SIMPLE)
    train = np.load("data/codes/digits-simple/train.npy")
    found = clusters("digits-simple", "train")
    means = [train[found == number].mean(axis=0) for number in range(10)]
    np.testing.assert_allclose(centres("digits-simple"), means, rtol=1e-4, atol=1e-5)
    held = listed("digits", "validation")["label"].to_numpy(), clusters("digits-simple", "validation")
    row = scores("digits-simple").loc["kmeans", "validation", 0]
    expected = against_classes(*held)
    assert dict(row[list(expected)]) == pytest.approx(expected, rel=1e-4, abs=1e-6)


def test_together_all_images_are_clustered_and_scored(workspace, only, drawings):
    only("kmeans")
    declare(SIMPLE, protocol="together")
    cluster.main(SIMPLE)
    every = [codes(SIMPLE, part) for part in SPLITS]
    found = assignments("digits-simple")
    means = [np.concatenate(every)[found["cluster"] == number].mean(axis=0) for number in range(10)]
    np.testing.assert_allclose(centres("digits-simple"), means, rtol=1e-4, atol=1e-5)
    assert {part for _, part, _ in scores("digits-simple").index} == {"training"}
    row = scores("digits-simple").loc["kmeans", "training", 0]
    expected = against_classes(found["label"].to_numpy(), found["cluster"].to_numpy())
    assert dict(row[list(expected)]) == pytest.approx(expected, rel=1e-4, abs=1e-6)
    assert metrics("digits-simple")["scored"] == "training"
    (matrix,) = drawings["matrix"]
    assert matrix["counts"].sum() == len(found) == 90
    assert matrix["title"] == "digits-simple: all images by cluster and class"


def test_the_figures_show_decoded_centres_the_images_nearest_to_them_and_the_classes(
    workspace, only, pixels, drawings, drawn
):
    name = "photos-convolutional"
    only("kmeans")
    cluster.main(name)
    (shown,) = drawings["image_rows"]
    assert shown["captions"] == ["decoded centre", "nearest images"]
    network = storage.load(Path("models", name))
    decoded = centres(name).reshape(-1, 16, 16, 16)
    for layer in network.layers[network.layers.index(network.get_layer("code")) + 1 :]:
        decoded = layer(decoded)
    images = np.concatenate([pixels(BLOCKS[name], split) for split in SPLITS["training"]])
    distances, found = cdist(codes(name, "training"), centres(name)), clusters(name, *SPLITS["training"])
    assert list(shown["rows"]) == [str(number) for number in range(10)]
    for number, row in enumerate(shown["rows"].values()):
        np.testing.assert_allclose(row[0], decoded[number], rtol=1e-4, atol=1e-5)
        # Compared by their distances: of a cluster of two, both are equally near.
        shown_members = [int(np.square(images - image).sum(axis=(1, 2, 3)).argmin()) for image in row[1:]]
        assert len(set(shown_members)) == len(shown_members) and set(found[shown_members]) == {number}
        np.testing.assert_allclose(images[shown_members], row[1:], atol=1e-6)
        nearest = np.sort(distances[found == number, number])[:SHOWN]
        np.testing.assert_allclose(distances[shown_members, number], nearest, rtol=1e-4)
    (matrix,) = drawings["matrix"]
    counts = np.zeros((10, 10), dtype=int)
    np.add.at(counts, (clusters(name, "test"), labels(name, "held_out")), 1)
    assert (matrix["counts"] == counts).all()
    assert (matrix["ylabel"], matrix["xlabel"]) == ("cluster", "class")
    assert drawn(f"plots/cluster/{name}") == {"central-images.png", "classes.png"}


def test_of_scaled_codes_the_mean_of_the_members_codes_is_decoded(workspace, only, drawings):
    only("whitened")
    cluster.main(SIMPLE)
    found, training = clusters("digits-simple", *SPLITS["training"]), codes(SIMPLE, "training")
    means = np.array([training[found == number].mean(axis=0) for number in range(10)])
    network = storage.load(Path("models/digits-simple"))
    decoded = network.get_layer("reconstruction")(means).numpy().reshape(-1, 28, 28, 1)
    (shown,) = drawings["image_rows"]
    np.testing.assert_allclose([row[0] for row in shown["rows"].values()], decoded, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["photos-pca", "digits-pixels-spectral"])
def test_without_a_network_the_images_are_shown_alone(workspace, only, drawings, name):
    only("kmeans")
    cluster.main(name)
    (shown,) = drawings["image_rows"]
    assert shown["captions"] == ["nearest images"]
    sizes = np.bincount(clusters(name, *SPLITS["training"]))
    assert [len(row) for row in shown["rows"].values()] == np.minimum(sizes, SHOWN).tolist()
    assert {row.shape[1:] for row in shown["rows"].values()} <= {(32, 32, 3), (28, 28, 1)}


def test_the_parameters_decide_the_clusters_and_the_images_shown(change, drawings):
    change("cluster", n_clusters=3, central_images=2)
    cluster.main(SIMPLE)
    assert set(clusters("digits-simple", *SPLITS["training"])) == {0, 1, 2}
    assert centres("digits-simple").shape == (3, 100)
    (shown,) = drawings["image_rows"]
    assert [len(row) for row in shown["rows"].values()] == [3, 3, 3]


def test_a_network_is_clustered_as_it_was_trained_whatever_the_parameters_now_say(workspace):
    before = assignments("digits-simple"), metrics("digits-simple")
    values = load(Path("params.yaml"))
    del values["autoencoders"]["digits-simple"]
    values["generate"]["networks"].pop("digits-simple", None)
    write_parameters(Path(), {**values, "protocol": "together"})
    cluster.main(SIMPLE)
    assert assignments("digits-simple").equals(before[0]) and metrics("digits-simple") == before[1]


@pytest.mark.parametrize("form", FORMS)
def test_a_network_that_gives_every_image_the_same_code_is_scored_for_what_it_is(workspace, only, form, capsys):
    for split in ("train", "validation", "test"):
        file = f"data/codes/digits-simple/{split}.npy"
        np.save(file, np.zeros_like(np.load(file)))
    only(form)
    cluster.main(SIMPLE)
    said = capsys.readouterr().err.splitlines()
    assert all(line.startswith(f"digits-simple: {form}: ") for line in said) and len(said) == len(set(said))
    assert any("Number of distinct clusters (1)" in line for line in said)
    found, table = metrics("digits-simple")[form], scores("digits-simple")
    assert found["ari"] == found["nmi"] == 0
    assert (table["inertia"] == 0).all() and table["silhouette"].isna().all()
    largest = np.bincount(labels(SIMPLE, "held_out")).max()
    assert found["accuracy"] == pytest.approx(largest / 18, rel=1e-5)


def test_a_mixture_that_breaks_down_is_one_sentence_and_leaves_nothing_half_written(workspace, only, change):
    only("mixture", pca=None)
    change("cluster.gaussian_mixture", reg_covar=0)
    with pytest.raises(InputError, match="^cluster.gaussian_mixture cannot be fitted to 72 vectors of 100 numbers "):
        cluster.main(SIMPLE)
    assert list(workspace.rglob(".partial-*")) == []


@pytest.mark.parametrize(
    "missing",
    [
        "data/prepared/digits/dataset.json",
        "data/prepared/digits/listing.csv",
        "data/codes/digits-simple/test.npy",
        "data/codes/digits-simple/code.json",
        "models/digits-simple/decoder.onnx",
    ],
)
def test_a_missing_input_is_one_sentence_and_leaves_nothing_half_written(workspace, only, missing):
    only("kmeans")
    Path(missing).unlink()
    named = str(Path(missing).parent) if "models" in Path(missing).parts else missing
    with pytest.raises(InputError, match=f"^{named} "):
        cluster.main(SIMPLE)
    assert list(workspace.rglob(".partial-*")) == []


def test_a_cluster_that_no_image_is_in_has_an_empty_row(workspace, only, drawings):
    name = "digits-pixels"
    for split in ("train", "validation", "test"):
        file = f"data/codes/{name}/{split}.npy"
        np.save(file, np.zeros_like(np.load(file)))
    only("kmeans")
    cluster.main(name)
    (shown,) = drawings["image_rows"]
    assert sorted(len(row) for row in shown["rows"].values()) == [0] * 9 + [SHOWN]
