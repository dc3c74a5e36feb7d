import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist
from sklearn import metrics as scoring
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning
from small import small_parameters, write_parameters
from threadpoolctl import threadpool_limits

from autoencoders.errors import InputError
from autoencoders.networks import storage
from stages import cluster, encode, train

AUTOENCODERS = small_parameters()["autoencoders"]
SPLITS = {"training": ["train", "validation"], "held_out": ["test"]}
SCORES = ["accuracy", "nmi", "ari", "homogeneity", "completeness", "silhouette", "inertia"]


def assignments(name: str) -> pd.DataFrame:
    return pd.read_csv(f"outputs/cluster/{name}/assignments.csv")


def scores(name: str) -> pd.DataFrame:
    return pd.read_csv(f"outputs/cluster/{name}/scores.csv").set_index(["features", "images"])


def metrics(name: str) -> dict:
    return json.loads(Path("metrics/cluster", f"{name}.json").read_text(encoding="utf-8"))


def codes(name: str, part: str) -> np.ndarray:
    return np.concatenate([np.load(f"outputs/encode/{name}/{split}.npy") for split in SPLITS[part]])


def labels(name: str, part: str) -> np.ndarray:
    folder = Path("outputs/preprocess", AUTOENCODERS[name]["dataset"])
    return np.concatenate([np.load(folder / split / "labels.npy") for split in SPLITS[part]])


def clusters(name: str, part: str) -> np.ndarray:
    found = assignments(name)
    return found["cluster"][found["split"].isin(SPLITS[part])].to_numpy()


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


@pytest.mark.parametrize("name", AUTOENCODERS)
def test_every_image_is_in_one_cluster(results, name):
    found = assignments(name)
    assert list(found) == ["split", "row", "image", "label", "cluster"]
    index = pd.read_csv(f"outputs/encode/{name}/index.csv")
    pd.testing.assert_frame_equal(found.drop(columns="cluster"), index.drop(columns="class"))
    assert set(clusters(name, "training")) == set(range(10)) >= set(clusters(name, "held_out"))


@pytest.mark.parametrize("name", AUTOENCODERS)
def test_each_image_is_in_the_cluster_of_the_nearest_centre(results, name):
    centres = np.load(f"outputs/cluster/{name}/centres.npy")
    assert centres.shape == (10, codes(name, "training").shape[1])
    assert centres.dtype == np.float32
    for part in SPLITS:
        nearest = cdist(codes(name, part), centres).argmin(axis=1)
        assert nearest.tolist() == clusters(name, part).tolist()


@pytest.mark.parametrize("name", AUTOENCODERS)
def test_the_codes_scores_are_those_of_the_assignments(results, name):
    centres = np.load(f"outputs/cluster/{name}/centres.npy")
    for part in SPLITS:
        features, found = codes(name, part), clusters(name, part)
        expected = against_classes(labels(name, part), found)
        expected["inertia"] = np.square(features.astype(np.float64) - centres[found]).sum()
        if part == "held_out":
            # All of these few images are in the silhouette's sample, so that the draw makes no difference.
            expected["silhouette"] = scoring.silhouette_score(features, found)
        assert dict(scores(name).loc["code", part][list(expected)]) == pytest.approx(expected, rel=1e-4, abs=1e-6)


@pytest.mark.parametrize("name", AUTOENCODERS)
def test_the_table_compares_three_kinds_of_features_and_the_metrics_are_its_held_out_rows(results, name):
    table = scores(name)
    assert list(table) == ["width", *SCORES]
    kinds = ["code", "pixels", "pca"]
    assert table.index.tolist() == [(kind, part) for kind in kinds for part in SPLITS]
    held_out = table.xs("held_out", level="images")
    kept = metrics(name)
    assert kept.pop("source") == "bundled"
    expected = dict(held_out.loc["code", SCORES])
    for kind in ("pixels", "pca"):
        expected |= {f"{kind}_{score}": held_out.loc[kind, score] for score in ("accuracy", "nmi", "ari")}
    assert kept == pytest.approx(expected, rel=1e-5)


def test_pixels_and_as_many_principal_components_as_the_code_has_numbers_are_clustered_alike(workspace, pixels):
    name = "digits-tiny"
    block = {**AUTOENCODERS["digits-simple"], "units": [8]}
    values = yaml.safe_load(Path("params.yaml").read_text(encoding="utf-8"))
    values["autoencoders"][name] = block
    write_parameters(workspace, values)
    train.main("autoencoders", name)
    encode.main(name)
    cluster.main(name)
    features, classes = {}, {}
    for part, splits in SPLITS.items():
        images = np.concatenate([pixels(block, split) for split in splits])
        features[part] = images.reshape(len(images), -1)
        classes[part] = labels("digits-simple", part)
    pca = PCA(8).fit(features["training"])
    kinds = {"pixels": features, "pca": {part: pca.transform(vectors) for part, vectors in features.items()}}
    table = scores(name)
    assert table["width"].groupby("features", sort=False).first().to_dict() == {"code": 8, "pixels": 784, "pca": 8}
    for kind, vectors in kinds.items():
        with threadpool_limits(1):
            kmeans = KMeans(10, n_init=1, max_iter=300, random_state=0).fit(vectors["training"])
        for part in SPLITS:
            found = kmeans.predict(vectors[part])
            expected = against_classes(classes[part], found)
            expected["inertia"] = -kmeans.score(vectors[part])
            assert dict(table.loc[kind, part][list(expected)]) == pytest.approx(expected, rel=1e-4, abs=1e-6)


def test_images_that_training_held_out_do_not_move_the_centres(change):
    name = "digits-simple"
    change(f"autoencoders.{name}", validation=True)
    cluster.main(name)
    centres = np.load(f"outputs/cluster/{name}/centres.npy")
    train_codes = np.load(f"outputs/encode/{name}/train.npy")
    found = assignments(name).query("split == 'train'")["cluster"]
    means = [train_codes[found == number].mean(axis=0) for number in range(10)]
    np.testing.assert_allclose(centres, means, rtol=1e-4, atol=1e-5)


def test_the_figures_show_decoded_centres_the_images_nearest_to_them_and_the_classes(
    workspace, pixels, drawings, drawn
):
    name = "photos-convolutional"
    cluster.main(name)
    (shown,) = drawings["image_rows"]
    assert shown["captions"] == ["decoded centre", "nearest images"]
    centres = np.load(f"outputs/cluster/{name}/centres.npy")
    network = storage.load(Path("outputs/train", name))
    decoded = centres.reshape(-1, 16, 16, 32)
    for layer in network.layers[network.layers.index(network.get_layer("code")) + 1 :]:
        decoded = layer(decoded)
    images = np.concatenate([pixels(AUTOENCODERS[name], split) for split in SPLITS["training"]])
    distances, found = cdist(codes(name, "training"), centres), clusters(name, "training")
    assert list(shown["rows"]) == [str(number) for number in range(10)]
    for number, row in enumerate(shown["rows"].values()):
        np.testing.assert_allclose(row[0], decoded[number], rtol=1e-4, atol=1e-5)
        # Compared by their distances: of a cluster of two, both are equally near.
        shown_members = [int(np.square(images - image).sum(axis=(1, 2, 3)).argmin()) for image in row[1:]]
        assert len(set(shown_members)) == len(shown_members) and set(found[shown_members]) == {number}
        np.testing.assert_allclose(images[shown_members], row[1:], atol=1e-6)
        nearest = np.sort(distances[found == number, number])[:8]
        np.testing.assert_allclose(distances[shown_members, number], nearest, rtol=1e-4)
    (matrix,) = drawings["matrix"]
    counts = np.zeros((10, 10), dtype=int)
    np.add.at(counts, (clusters(name, "held_out"), labels(name, "held_out")), 1)
    assert (matrix["counts"] == counts).all()
    assert (matrix["ylabel"], matrix["xlabel"]) == ("cluster", "class")
    assert drawn(f"plots/cluster/{name}") == {"central-images.png", "classes.png"}


def test_where_numpy_cannot_run_the_decoder_the_images_are_shown_alone(workspace, drawings):
    file = Path("outputs/train/digits-simple/network.json")
    architecture = file.read_text(encoding="utf-8")
    assert '"activation": "sigmoid"' in architecture
    file.write_text(architecture.replace('"activation": "sigmoid"', '"activation": "softplus"'), encoding="utf-8")
    cluster.main("digits-simple")
    (shown,) = drawings["image_rows"]
    assert shown["captions"] == ["nearest images"]
    sizes = np.bincount(clusters("digits-simple", "training"))
    assert [len(row) for row in shown["rows"].values()] == np.minimum(sizes, 8).tolist()


def test_the_parameters_decide_the_clusters_and_the_images_shown(change, drawings):
    change("cluster", n_clusters=3, central_images=2)
    cluster.main("digits-simple")
    assert set(clusters("digits-simple", "training")) == {0, 1, 2}
    assert np.load("outputs/cluster/digits-simple/centres.npy").shape == (3, 100)
    (shown,) = drawings["image_rows"]
    assert [len(row) for row in shown["rows"].values()] == [3, 3, 3]


def test_a_network_that_gives_every_image_the_same_code_is_scored_for_what_it_is(workspace):
    for split in ("train", "validation", "test"):
        file = f"outputs/encode/digits-simple/{split}.npy"
        np.save(file, np.zeros_like(np.load(file)))
    with pytest.warns(ConvergenceWarning):
        cluster.main("digits-simple")
    found = metrics("digits-simple")
    assert found["ari"] == found["nmi"] == found["inertia"] == 0
    assert found["silhouette"] is None
    largest = np.bincount(labels("digits-simple", "held_out")).max()
    assert found["accuracy"] == pytest.approx(largest / 18, rel=1e-5)


def test_more_clusters_than_images_are_one_sentence_and_leave_nothing_half_written(workspace, change):
    change("cluster", n_clusters=85)
    sentence = "^cluster.n_clusters is 85, more than the 72 training images; lower it.$"
    with pytest.raises(InputError, match=sentence):
        cluster.main("digits-simple")
    assert list(workspace.rglob(".partial-*")) == []


@pytest.mark.parametrize(
    "missing",
    [
        "outputs/preprocess/digits/dataset.json",
        "outputs/preprocess/digits/validation/labels.npy",
        "outputs/encode/digits-simple/test.npy",
        "outputs/encode/digits-simple/code.json",
        "outputs/train/digits-simple/network.json",
    ],
)
def test_a_missing_input_is_one_sentence_and_leaves_nothing_half_written(workspace, missing):
    Path(missing).unlink()
    named = str(Path(missing).parent) if "train" in Path(missing).parts else missing
    with pytest.raises(InputError, match=f"^{named} "):
        cluster.main("digits-simple")
    assert list(workspace.rglob(".partial-*")) == []
