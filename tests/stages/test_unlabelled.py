"""Images without labels, wider than high, through all that is done with codes."""

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import adjusted_rand_score
from small import small_parameters, write_parameters
from unlabelled import COUNTS, ODD, write_prepared

from autoencoders.core.errors import InputError
from stages import (
    cluster,
    denoise,
    embed,
    encode,
    evaluate,
    generate,
    learning_rates,
    report,
    represent,
    search,
    sequence,
    summarize,
    train,
)
from stages import map as map_stage

pytestmark = pytest.mark.slow
DENSE, CONVOLUTIONAL, PCA, SPECTRAL = "my-dense", "my-convolutional", "my-pca", "my-spectral"
NETWORKS, CODES = (DENSE, CONVOLUTIONAL), (DENSE, CONVOLUTIONAL, PCA, SPECTRAL)
NAMES = ["split", "row", "image", "file"]
FORMS = ["kmeans", "whitened", "mixture"]


def unlabelled_parameters() -> dict:
    """Return small parameters of one data set without labels, that of the colour images."""
    values = small_parameters()
    of = {"dataset": "photos", "colour": "rgb", "batch_size": 25}
    variational, convolutional = (values["autoencoders"][name] for name in ("digits-variational", "digits-denoising"))
    values["autoencoders"] = {DENSE: {**variational, **of}, CONVOLUTIONAL: {**convolutional, **of, "noise": 0.1}}
    values["representations"] = {PCA: {**values["representations"]["photos-pca"], "n_components": 12}}
    (spectral,) = (each for each in values["embeddings"].values() if each["of"] == "digits-pixels")
    values["embeddings"] = {SPECTRAL: {**spectral, "of": PCA, "dataset": "photos"}}
    values["classifiers"], values["generate"]["networks"] = {}, {}
    values["export"]["networks"] = {}
    values["generate"]["unjudged"] = {DENSE: {"dataset": "photos"}}
    values["denoise"]["networks"] = {CONVOLUTIONAL: {"dataset": "photos"}}
    values["cluster"]["n_clusters"] = 4
    values["sequence"] = {"my-rows": {**values["sequence"]["digits-rows"], "dataset": "photos", "colour": "rgb"}}
    return values


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder in which everything has run that needs no labels."""
    folder = tmp_path_factory.mktemp("unlabelled")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        write_parameters(folder, unlabelled_parameters())
        write_prepared("photos")
        write_prepared("digits", (28, 28, 1), {"train": 4, "validation": 2, "test": 2})
        for name in NETWORKS:
            train.main("autoencoders", name)
            encode.main(name)
        represent.main(PCA)
        embed.main(SPECTRAL)
        for name in CODES:
            cluster.main(name)
        for name in (*NETWORKS, PCA):
            search.main(name)
        for name in NETWORKS:
            map_stage.main(name)
        generate.main(DENSE)
        denoise.main(CONVOLUTIONAL)
        sequence.main("my-rows")
        summarize.main()
        report.main()
    return folder


@pytest.fixture(autouse=True)
def here(made, monkeypatch):
    monkeypatch.chdir(made)


def table(path: str | Path) -> pd.DataFrame:
    """Return a table in which an empty cell alone is a missing value."""
    return pd.read_csv(path, keep_default_na=False, na_values=[""])


def metrics(stage: str, name: str) -> dict:
    return json.loads(Path("metrics", stage, f"{name}.json").read_text(encoding="utf-8"))


def names(folder: str) -> set[str]:
    return {path.name for path in Path(folder).iterdir()}


def test_no_table_has_a_column_of_classes_or_an_empty_cell():
    tables = [
        path for what in ("clusters", "neighbours", "samples", "summary") for path in Path("data", what).rglob("*.csv")
    ]
    assert len(tables) > 15
    for path in tables:
        found = table(path)
        assert not found.isna().to_numpy().any(), path
        # Of what there is none of, a header is left.
        if len(found):
            assert not re.search("class|label|accuracy|nmi|ari(_|$)|precision", " ".join(found.columns)), path
    for path in Path("metrics").rglob("*.json"):
        assert not re.search("class|label|accuracy|nmi|precision|recognised|null", path.read_text(encoding="utf-8")), (
            path
        )


@pytest.mark.parametrize("name", CODES)
def test_a_clustering_has_the_scores_that_need_no_classes(name):
    found, scores = metrics("cluster", name), table(f"data/clusters/{name}/scores.csv")
    assert list(scores) == ["clustering", "width", "images", "run", "silhouette", "inertia"]
    assert list(found) == ["source", "scored", *FORMS]
    for form in FORMS:
        runs = scores[(scores["clustering"] == form) & (scores["images"] == "held_out")]
        keys = ["width", "silhouette", "silhouette_std", "inertia", "inertia_std", "stability"]
        assert list(found[form]) == keys
        assert found[form]["silhouette"] == pytest.approx(runs["silhouette"].mean(), rel=1e-4)
        assert found[form]["inertia"] == pytest.approx(runs["inertia"].mean(), rel=1e-4)
    assert names(f"plots/cluster/{name}") == {"central-images.png"}
    assigned = table(f"data/clusters/{name}/assignments.csv")
    assert list(assigned) == [*NAMES, "cluster"]
    assert assigned["file"].tolist()[: len(ODD)] == list(ODD)
    assert len(assigned) == sum(COUNTS.values())


@pytest.mark.parametrize("name", [*NETWORKS, PCA])
def test_a_search_says_how_far_the_nearest_images_are(name):
    found = table(f"data/neighbours/{name}/neighbours.csv")
    neighbour = [f"neighbour_{column}" for column in NAMES]
    assert list(found) == ["metric", *NAMES, "rank", *neighbour, "distance"]
    nearest = found[found["rank"] == 1].groupby("metric")["distance"].median()
    expected = {f"{metric}_nearest_distance": pytest.approx(nearest[metric], rel=1e-4) for metric in nearest.index}
    assert metrics("search", name) == {"source": "images", "queries": 15, **expected}


def test_a_map_is_coloured_by_cluster_and_names_the_files():
    source = Path("data/maps", DENSE, "map.html").read_text(encoding="utf-8")
    page = json.loads(re.search('<script type="application/json" id="data">(.*?)</script>', source)[1])
    assert not {"class", "classes"} & page.keys()
    assert page["file"][:2] == list(ODD[:2])
    assert (page["height"], page["width"]) == (24, 40)
    assert names(f"plots/map/{DENSE}") == {"clusters.png"}


def test_generated_images_are_compared_with_the_nearest_training_images_alone():
    kinds = ["test", "reconstruction", "density", "prior"]
    assert list(metrics("generate", DENSE)) == ["source", "n_components", *(f"{kind}_distance" for kind in kinds)]
    found = table(f"data/samples/{DENSE}/samples.csv")
    assert list(found) == ["kind", "row", "nearest_image", "distance"]
    assert names(f"plots/generate/{DENSE}") == {"bic.png", "density.png", "prior.png", "interpolations.png"}
    assert np.load(f"data/samples/{DENSE}/density.npy").shape == (30, 24, 40, 3)


def test_figures_name_images_by_shortened_files_and_have_no_frames(drawings):
    search.main(DENSE)
    generate.main(DENSE)
    cosine, _, density, _, lines = drawings["image_rows"]
    assert not cosine.get("frames") and "frame" not in cosine["title"] + density["title"]
    assert not any(any(row) for row in density["frames"].values())
    files = [row.split("\n")[0] for row in cosine["rows"]]
    assert len(files) == 3 and max(map(len, files)) <= 24
    for row in lines["rows"]:
        one, other = (re.search(r"\(image (\d+)\)", part)[1] for part in row.split("\nto "))
        assert one != other


def test_the_report_shows_no_classes():
    source = Path("report/index.html").read_text(encoding="utf-8")
    shown = re.sub("<script.*?</script>", "", source, flags=re.DOTALL)
    assert "Published figures" not in shown and "cifar" not in shown.lower()
    for caption in ("The data", "Autoencoders", "Clustering of photos", "Search of photos"):
        whole = re.search(f"<caption><span>{caption}</span>.*?</table>", shown, re.DOTALL)[0]
        heads = " ".join(re.findall("<button[^>]*>(.*?)</button>", whole))
        assert heads and not re.search("class|accuracy|NMI|ARI|precision", heads), caption
        cells = re.findall("<t[dh][ >].*?</t[dh]>", whole.partition("<tbody>")[2], re.DOTALL)
        assert cells and all(re.sub("<.*?>", "", cell).strip() for cell in cells), caption
    assert "Classifiers" not in shown
    assert names("plots/summarize") == {"losses.png", "psnr.png", "clustering-photos.png"}


@pytest.mark.parametrize(("classes", "lacks"), [([], "no labels"), (["one"], "only one class")])
def test_what_learns_classes_refuses_images_without(tmp_path, monkeypatch, classes, lacks):
    monkeypatch.chdir(tmp_path)
    values = small_parameters()
    write_parameters(tmp_path, values)
    write_prepared("photos", (32, 32, 3))
    described = Path("data/prepared/photos/dataset.json")
    described.write_text(json.dumps({**json.loads(described.read_text()), "classes": classes}))
    name = "photos-classifier"
    sentence = rf"dataset is photos, which has {lacks}; name a data set of two classes or more, or remove the entry\.$"
    with pytest.raises(InputError, match=rf"^classifiers\.{name}\.{sentence}"):
        train.main("classifiers", name)
    with pytest.raises(InputError, match=rf"^learning_rates\.photos-rates\.{sentence}"):
        learning_rates.main("photos-rates")
    Path("models", name).mkdir(parents=True)
    parameters = {**values["classifiers"][name], "recipe": "fast", "protocol": "held-out"}
    Path("models", name, "parameters.json").write_text(json.dumps(parameters))
    with pytest.raises(InputError, match=rf"^classifiers\.{name}\.{sentence}"):
        evaluate.main(name)


def test_one_seed_has_no_stability_to_show(tmp_path, monkeypatch, made):
    monkeypatch.chdir(tmp_path)
    for folder in ("data", "models"):
        (tmp_path / folder).mkdir()
    (tmp_path / "data/codes").symlink_to(made / "data/codes")
    (tmp_path / "data/prepared").symlink_to(made / "data/prepared")
    values = unlabelled_parameters()
    found = []
    for seeds, seed in ((1, 0), (1, 1)):
        values["cluster"] |= {"seeds": seeds, "seed": seed}
        write_parameters(tmp_path, values)
        cluster.main(PCA)
        assert "stability" not in metrics("cluster", PCA)["kmeans"]
        assigned = table(f"data/clusters/{PCA}/assignments.csv")
        found.append(assigned.loc[assigned["split"] == "test", "cluster"])
    together = json.loads((made / "metrics/cluster" / f"{PCA}.json").read_text(encoding="utf-8"))
    # That of two seeds is the agreement of what each finds alone.
    assert together["kmeans"]["stability"] == pytest.approx(adjusted_rand_score(*found), abs=1e-6)
