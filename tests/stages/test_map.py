import base64
import io
import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from small import small_parameters

from autoencoders.core.errors import InputError
from stages import map as map_stage

AUTOENCODERS = small_parameters()["autoencoders"]
# Grey photos, colour photos and digits; flat codes, those of a convolution, and flat ones of convolutions.
FORMS = ["photos-simple", "photos-convolutional", "digits-simple", "digits-strided"]


def known(name: str) -> pd.DataFrame:
    """Return what the stages before know of the test images: row, class and cluster, by the image's number."""
    listing = pd.read_csv(f"data/prepared/{AUTOENCODERS[name]['dataset']}/listing.csv", dtype={"class": str})
    clusters = pd.read_csv(f"data/clusters/{name}/assignments.csv").set_index(["split", "row"])["cluster"]
    return listing.join(clusters, on=["split", "row"]).query("split == 'test'").set_index("image")


def page_data(name: str) -> dict:
    source = Path("data/maps", name, "map.html").read_text(encoding="utf-8")
    return json.loads(re.search('<script type="application/json" id="data">(.*?)</script>', source)[1])


@pytest.mark.parametrize("name", FORMS)
def test_the_page_shows_each_image_with_its_own_class_and_cluster(workspace, pixels, name):
    map_stage.main(name)
    page, test = page_data(name), known(name)
    found = test.loc[page["number"]]
    assert [page["classes"][label] for label in page["class"]] == found["class"].tolist()
    assert page["cluster"] == found["cluster"].tolist()
    images = pixels(AUTOENCODERS[name], "test")[found["row"]]
    sprite = Image.open(io.BytesIO(base64.b64decode(page["sprite"].partition(",")[2]))).convert("RGB")
    height, width = images.shape[1:3]
    assert (page["height"], page["width"]) == (height, width)
    for number, image in enumerate(images):
        row, column = divmod(number, page["columns"])
        top, left = row * height, column * width
        cell = np.asarray(sprite)[top : top + height, left : left + width] / 255
        np.testing.assert_allclose(cell, np.broadcast_to(image, cell.shape), atol=0.51 / 255)


def test_the_figures_colour_the_pages_points_by_class_and_by_cluster(workspace, monkeypatch, drawn):
    name, calls = "digits-simple", []
    scatter = map_stage.page.scatter
    monkeypatch.setattr(map_stage.page, "scatter", lambda *given: calls.append(given) or scatter(*given))
    map_stage.main(name)
    page = page_data(name)
    shown = known(name).loc[page["number"]]
    for (points, groups, names, by, _), column in zip(calls, ("class", "cluster"), strict=True):
        assert by == column
        assert [names[group] for group in groups] == shown[column].astype(str).tolist()
        assert np.corrcoef(points[:, 0], page["x"])[0, 1] == pytest.approx(1)
        assert np.corrcoef(points[:, 1], page["y"])[0, 1] == pytest.approx(-1)
    assert drawn(f"plots/map/{name}") == {"classes.png", "clusters.png"}


def test_all_outputs_are_there_and_nothing_else(workspace):
    map_stage.main("digits-simple")
    assert [path.name for path in (workspace / "data/maps/digits-simple").iterdir()] == ["map.html"]


def test_a_second_run_gives_the_same_bytes(workspace):
    def contents() -> dict[Path, bytes]:
        folders = (Path(folder, "photos-convolutional") for folder in ("data/maps", "plots/map"))
        return {path: path.read_bytes() for folder in folders for path in folder.rglob("*") if path.is_file()}

    map_stage.main("photos-convolutional")
    first = contents()
    map_stage.main("photos-convolutional")
    assert contents() == first


def test_a_network_is_shown_as_it_was_trained_whatever_the_parameters_now_say(workspace, change):
    before = page_data("photos-convolutional")
    change("autoencoders.photos-convolutional", colour="grey")
    map_stage.main("photos-convolutional")
    assert page_data("photos-convolutional") == before


@pytest.mark.slow
def test_the_seed_decides_which_test_images_are_on_the_map(change):
    samples = []
    for seed in (1, 1, 2):
        change("map", sample=7, seed=seed)
        map_stage.main("digits-simple")
        samples.append(page_data("digits-simple")["number"])
    assert samples[0] == samples[1] != samples[2]
    assert all(len(set(sample)) == 7 for sample in samples)


def test_a_sample_larger_than_the_test_images_takes_them_all(workspace):
    map_stage.main("digits-simple")
    assert page_data("digits-simple")["number"] == known("digits-simple").index.tolist()


@pytest.mark.parametrize(("setting", "value"), [("perplexity", 3), ("max_iter", 300)])
def test_the_parameters_of_the_layout_move_the_dots(change, setting, value):
    map_stage.main("digits-simple")
    before = page_data("digits-simple")["x"]
    change("map", **{setting: value})
    map_stage.main("digits-simple")
    assert page_data("digits-simple")["x"] != before


@pytest.mark.parametrize(
    "missing",
    [
        "data/prepared/digits/dataset.json",
        "data/prepared/digits/test/images.npy",
        "data/prepared/digits/listing.csv",
        "data/codes/digits-simple/test.npy",
        "data/codes/digits-simple/code.json",
        "data/clusters/digits-simple/assignments.csv",
    ],
)
def test_a_missing_input_is_one_sentence_that_names_it(workspace, missing):
    Path(missing).unlink()
    with pytest.raises(InputError, match=f"^{missing} "):
        map_stage.main("digits-simple")
    assert list(workspace.rglob(".partial-*")) == []
