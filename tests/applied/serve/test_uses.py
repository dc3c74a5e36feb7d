"""What the server answers is what the encoder says."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("fastapi")

PNG = {"Content-Type": "image/png"}


def several(pictures):
    return [("images", ("picture", content)) for content in pictures]


def pixels(address: str) -> np.ndarray:
    kind, content = address.split(",")
    assert kind == "data:image/png;base64"
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(content))))


def as_bytes(images: np.ndarray) -> np.ndarray:
    return (images * 255).round().astype(np.uint8)[..., 0]


def test_codes_have_the_encoders_bits_alone_and_together(client, encoder, sent, digits):
    expected = encoder.encode(digits[:5], prepared=True)
    together = client.post("/encode", files=several(sent[:5])).json()
    alone = client.post("/encode", content=sent[3], headers=PNG).json()
    assert np.array_equal(np.array(together["codes"], np.float32), expected)
    assert alone == {"shape": [16], "codes": [together["codes"][3]]}


def test_a_photograph_is_prepared_as_the_encoder_prepares_it(client, encoder, photograph):
    content = photograph.read_bytes()
    answer = client.post("/encode", content=content, headers={"Content-Type": "image/jpeg"}).json()
    assert np.array_equal(np.array(answer["codes"], np.float32), encoder.encode(content))


def test_clusters_come_with_their_central_images(client, encoder, sent, digits):
    found = client.post("/assign", files=several(sent[:8])).json()["assignments"]
    expected = encoder.assign(digits[:8], prepared=True)
    assert [each["cluster"] for each in found] == expected.cluster.tolist()
    assert [each["farther"] for each in found] == expected.farther.tolist()
    listed = encoder.index.listing["cluster"]
    for each in found:
        assert each["images"] == listed.count(str(each["cluster"]))
        assert {listed[row] for row in each["central"]} == {str(each["cluster"])}


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_neighbours_are_the_encoders(client, encoder, sent, digits, metric):
    answer = client.post(f"/search?k=7&metric={metric}", files=several(sent[:8])).json()
    expected = encoder.search(digits[:8], 7, metric, prepared=True)
    found = answer["neighbours"]
    assert [[each["row"] for each in near] for near in found] == expected.rows.tolist()
    distances = np.array([[each["distance"] for each in near] for near in found], np.float32)
    assert np.array_equal(distances, expected.distances)
    first = found[0][0]
    assert first["class"] == encoder.index.listing["class"][first["row"]]


@pytest.mark.parametrize("use", ["reconstruct", "denoise"])
def test_pictures_are_the_encoders(client, encoder, sent, digits, use):
    answer = client.post(f"/{use}", files=several(sent[:3])).json()
    expected = as_bytes(getattr(encoder, use)(digits[:3], prepared=True))
    assert np.array_equal([pixels(image) for image in answer["images"]], expected)


def test_pictures_come_as_one_png_if_that_is_asked_for(client, encoder, sent, digits):
    answer = client.post("/reconstruct?format=png", files=several(sent[:3]))
    assert answer.headers["content-type"] == "image/png"
    sheet = np.asarray(Image.open(io.BytesIO(answer.content)))
    expected = as_bytes(encoder.reconstruct(digits[:3], prepared=True))
    assert np.array_equal(sheet, np.block([[expected[0], expected[1]], [expected[2], np.zeros_like(expected[0])]]))


@pytest.mark.parametrize("by", ["reconstruction", "index"])
def test_how_unusual_pictures_are_is_the_encoders(client, encoder, sent, digits, by):
    found = client.post(f"/anomaly?by={by}", files=several(sent[:4])).json()
    expected = encoder.anomaly(digits[:4], by=by, prepared=True)
    assert found["by"] == by
    assert [[each["score"], each["below"]] for each in found["anomalies"]] == np.column_stack(expected).tolist()


def test_generated_images_are_the_encoders_and_the_same_for_a_seed(client, encoder):
    first, again, other = (client.get(f"/generate?n=4&seed={seed}").json()["images"] for seed in (3, 3, 4))
    assert first == again != other
    assert np.array_equal([pixels(image) for image in first], as_bytes(encoder.generate(4, 3)))


def test_a_description_holds_all_of_it(client, sent, digits):
    about = client.post("/describe", content=sent[0], headers=PNG).json()
    one = {use: client.post(f"/{use}", content=sent[0], headers=PNG).json() for use in ("encode", "assign", "anomaly")}
    assert np.array_equal(pixels(about["picture"]), digits[0, ..., 0])
    assert about["row"] is None
    assert about["code"] == one["encode"]["codes"][0]
    assert about["cluster"] == one["assign"]["assignments"][0]
    assert about["anomaly"] == {"by": "reconstruction", **one["anomaly"]["anomalies"][0]}
    assert about["nearest"] == client.post("/search?k=12", content=sent[0], headers=PNG).json()["neighbours"][0]


def test_an_image_of_the_index_is_described_like_a_picture_but_is_not_its_own_neighbour(client, encoder):
    thumbnail = client.get("/index/5")
    assert thumbnail.headers["content-type"] == "image/png"
    posted = client.post("/describe", content=thumbnail.content, headers=PNG).json()
    about = client.get("/index/5/describe").json()
    for key in ("picture", "code", "reconstruction", "denoised", "cluster", "anomaly"):
        assert about[key] == posted[key], key
    assert about["row"] == 5 and about["class"] == encoder.index.listing["class"][5]
    assert posted["nearest"][0]["row"] == 5
    assert about["nearest"][:11] == posted["nearest"][1:]
    assert client.get("/index/5/nearest?k=12").json()["neighbours"] == about["nearest"]


def test_the_manifest_and_the_health(client, encoder):
    assert client.get("/manifest").json() == encoder.manifest
    health = client.get("/health").json()
    assert health == {"status": "ok", "network": "digits-linear", "images": len(encoder.index), "requests": 0}


def test_the_description_of_the_interface_names_every_use(client):
    told = client.get("/openapi.json").json()
    uses = {path for path, methods in told["paths"].items() if "post" in methods}
    assert uses == {"/encode", "/assign", "/search", "/reconstruct", "/denoise", "/anomaly", "/describe"}
    assert {"/generate", "/manifest", "/health", "/index/{row}", "/index/{row}/nearest"} < told["paths"].keys()
    for path in uses:
        assert "multipart/form-data" in told["paths"][path]["post"]["requestBody"]["content"]


@pytest.mark.parametrize("kind", ["strided", "convolutional", "variational"])
def test_other_kinds_of_networks_are_served(examples, kind):
    from serving import served

    from applied.encoder import Encoder

    example = examples(kind)
    encoder = Encoder.load(example.export)
    with served(encoder) as client:
        for file in example.files[:3]:
            about = client.post("/describe", content=file.read_bytes(), headers=PNG).json()
            assert np.array_equal(np.array(about["code"], np.float32), encoder.encode(file)[0])
            assert (about["cluster"] is None) == (encoder.manifest["clusters"]["by"] is None)
            assert (about["nearest"] is None) == (encoder.index is None)
