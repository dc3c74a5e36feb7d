"""Every refusal is one sentence with the right status."""

import io
import socket
import threading
import zlib

import httpx
import numpy as np
import pytest
from PIL import Image

pytest.importorskip("fastapi")

from serving import served  # noqa: E402

from applied.serve import Limits  # noqa: E402

PNG = {"Content-Type": "image/png"}


def refused(answer: httpx.Response, status: int) -> str:
    assert answer.status_code == status, answer.text[:300]
    (sentence,) = answer.json().values()
    assert sentence.endswith(".") and "\n" not in sentence and len(sentence) < 300
    return sentence


def blank(width: int, height: int) -> bytes:
    """Return a PNG of one colour, whose bytes are a thousandth of its pixels."""
    file = io.BytesIO()
    Image.new("L", (width, height)).save(file, "PNG")
    return file.getvalue()


def form(*parts: str, end: str = "--b--\r\n") -> dict:
    content = "".join(f"--b\r\n{part}\r\n" for part in parts) + end
    return {"content": content.encode(), "headers": {"Content-Type": "multipart/form-data; boundary=b"}}


@pytest.fixture(scope="module")
def strict(encoder):
    limits = Limits(max_bytes=20_000, max_pixels=10_000, max_images=3, max_neighbours=5, max_generated=4, threads=1)
    with served(encoder, limits) as client:
        yield client


def test_too_many_bytes(strict):
    assert "20,000 bytes" in refused(strict.post("/encode", content=bytes(20_001), headers=PNG), 413)


def test_too_many_bytes_without_a_length(strict):
    chunks = (bytes(1000) for _ in range(100))
    assert "20,000 bytes" in refused(strict.post("/encode", content=chunks, headers=PNG), 413)


def test_a_far_larger_body_is_refused_and_the_connection_goes_on(strict, sent):
    chunks = (bytes(2**20) for _ in range(40))
    refused(strict.post("/encode", content=chunks, headers=PNG), 413)
    assert strict.post("/encode", content=sent[0], headers=PNG).status_code == 200


def test_too_many_pixels(strict):
    sentence = refused(strict.post("/encode", content=blank(200, 51), headers=PNG), 413)
    assert "200x51" in sentence and "10000" in sentence
    assert strict.post("/encode", content=blank(200, 50), headers=PNG).status_code == 200


def test_too_many_pictures(strict, sent):
    assert "3 pictures" in refused(strict.post("/encode", files=[("images", each) for each in sent[:4]]), 413)


def test_a_picture_of_several_is_named_by_its_place(strict, sent):
    pictures = [("images", each) for each in (sent[0], sent[1][:60], sent[2])]
    assert refused(strict.post("/encode", files=pictures), 422).startswith("Picture 2 ")


@pytest.mark.parametrize(
    ("content", "status"),
    [(b"%PDF-1.7 ...", 415), (b"<svg></svg>", 415), (b"hello", 415), (b"", 422), (blank(99, 99)[:-30], 422)],
)
def test_what_is_no_picture(strict, content, status):
    refused(strict.post("/encode", content=content, headers=PNG), status)


def test_a_path_is_no_picture(strict, export):
    for path in (export / "manifest.json", "/etc/passwd", "exports/../../etc/passwd"):
        refused(strict.post("/encode", content=str(path).encode(), headers=PNG), 415)
        part = f'Content-Disposition: form-data; name="images"; filename="{path}"\r\n\r\n{path}'
        refused(strict.post("/encode", **form(part)), 415)


@pytest.mark.parametrize("kind", ["application/json", "application/x-www-form-urlencoded", "text/plain"])
def test_a_body_of_another_type(strict, sent, kind):
    assert "image/" in refused(strict.post("/encode", content=sent[0], headers={"Content-Type": kind}), 415)


def test_a_field_of_another_name(strict, sent):
    assert "'picture'" in refused(strict.post("/encode", files=[("picture", sent[0])]), 422)


def test_a_form_without_pictures(strict):
    refused(strict.post("/encode", **form()), 422)
    refused(strict.post("/encode", **form('Content-Disposition: form-data; name="images"; filename=""\r\n\r\n')), 422)


@pytest.mark.parametrize(
    "broken",
    [
        form("no header", end=""),
        form('Content-Disposition: form-data; name="images"\r\n\r\nabc', end=""),
        {"content": b"junk", "headers": {"Content-Type": "multipart/form-data; boundary=b"}},
        {"content": b"junk", "headers": {"Content-Type": "multipart/form-data"}},
        {"content": b"--\r\n" * 900, "headers": {"Content-Type": "multipart/form-data; boundary="}},
        {"content": b"\r\n--b" * 3000, "headers": {"Content-Type": "multipart/form-data; boundary=b"}},
        {"content": b"junk", "headers": {"Content-Type": f"multipart/form-data; boundary={'b' * 5000}"}},
    ],
)
def test_a_malformed_form(strict, broken):
    answer = strict.post("/encode", **broken)
    refused(answer, answer.status_code)
    assert 400 <= answer.status_code < 500


@pytest.mark.parametrize(
    "asked", ["k=0", "k=6", "k=x", "k=-1", "k=1e3", "metric=manhattan", "k=99999999999999999999999"]
)
def test_an_argument_out_of_range(strict, sent, asked):
    name = asked.split("=")[0]
    assert refused(strict.post(f"/search?{asked}", content=sent[0], headers=PNG), 422).startswith(name)


@pytest.mark.parametrize("asked", ["n=0", "n=5", "seed=-1", f"seed={2**63}", "source=noise", "format=gif"])
def test_what_cannot_be_generated(strict, asked):
    assert refused(strict.get(f"/generate?{asked}"), 422).startswith(asked.split("=")[0])


def test_what_the_network_lacks(strict):
    assert "prior" in refused(strict.get("/generate?source=prior"), 404)


@pytest.mark.parametrize("row", [-1, 1438, 10**30])
def test_a_row_that_the_index_lacks(strict, row):
    for part in ("", "/nearest", "/describe"):
        assert str(row) in refused(strict.get(f"/index/{row}{part}"), 404)


@pytest.mark.parametrize("row", ["abc", "1.5", "..%2f..%2fmanifest.json", "%00", "é"])
def test_a_row_that_is_no_number(strict, row):
    answer = strict.get(f"/index/{row}")
    refused(answer, answer.status_code)
    assert answer.status_code in (404, 422)


@pytest.mark.parametrize(
    "path", ["/page/page.html", "/../pyproject.toml", "/docs/", "/static/..%2f..%2fx", "//etc/passwd"]
)
def test_no_other_address_is_answered(strict, path):
    refused(strict.get(path), 404)


def test_a_wrong_method(strict):
    refused(strict.get("/search"), 405)
    refused(strict.delete("/encode"), 405)


@pytest.mark.parametrize(
    ("method", "address"),
    [
        ("POST", "/search"),
        ("POST", "/assign"),
        ("POST", "/denoise"),
        ("POST", "/anomaly?by=index"),
        ("GET", "/generate"),
        ("GET", "/index/0"),
        ("GET", "/index/0/nearest"),
        ("GET", "/index/0/describe"),
    ],
)
def test_an_export_without_index_clusters_and_the_rest_says_so(bare_client, sent, method, address):
    body = {"content": sent[0], "headers": PNG} if method == "POST" else {}
    assert "bare" in refused(bare_client.request(method, address, **body), 404)


def test_an_export_without_index_still_encodes_and_describes(bare_client, sent):
    about = bare_client.post("/describe", content=sent[0], headers=PNG).json()
    assert about["nearest"] is about["cluster"] is about["denoised"] is None
    assert len(about["code"]) == 16 and about["anomaly"]["below"] <= 1


def test_a_picture_of_a_jpeg_with_thousands_of_scans_is_not_unpacked(client):
    file = io.BytesIO()
    Image.new("L", (64, 64)).save(file, "JPEG", progressive=True)
    content = file.getvalue()
    scan = content.rindex(b"\xff\xda")
    many = content[:scan] + content[scan:-2] * 1000 + content[-2:]
    assert "scans" in refused(client.post("/encode", content=many, headers=PNG), 422)


def test_a_png_whose_text_unpacks_to_much_more(client):
    chunk = b"zTXtx\0\0" + zlib.compress(bytes(2**23), 9)
    chunk = (len(chunk) - 4).to_bytes(4, "big") + chunk + zlib.crc32(chunk).to_bytes(4, "big")
    head, rest = blank(8, 8)[:33], blank(8, 8)[33:]
    answer = client.post("/encode", content=head + chunk + rest, headers=PNG)
    assert answer.status_code in (200, 422)


def test_one_request_too_many_is_told_to_come_again_while_health_is_answered(encoder, sent):
    with served(encoder, Limits(max_requests=2, seconds=2)) as client:
        address = (client.base_url.host, client.base_url.port)
        head = b"POST /encode HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\nContent-Length: 1000\r\n\r\nabc"
        slow = [socket.create_connection(address) for _ in range(2)]
        for connection in slow:
            connection.sendall(head)
        while client.get("/health").json()["requests"] < 2:
            pass
        answer = client.post("/encode", content=sent[0], headers=PNG)
        refused(answer, 503)
        assert answer.headers["Retry-After"] == "1"
        # Who sends too slowly loses the place.
        assert b" 408 " in slow[0].recv(1000)
        assert client.post("/encode", content=sent[0], headers=PNG).status_code == 200
        for connection in slow:
            connection.close()


def test_requests_at_a_time_each_get_their_own_answer(client, encoder, sent, digits):
    expected = encoder.encode(digits[:24], prepared=True)
    found: dict[int, list] = {}

    def ask(place: int) -> None:
        found[place] = client.post("/encode", content=sent[place], headers=PNG).json()["codes"][0]

    threads = [threading.Thread(target=ask, args=(place,)) for place in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert np.array_equal(np.array([found[place] for place in range(24)], np.float32), expected)


def test_a_request_to_another_name_is_refused_where_names_are_given(encoder):
    with served(encoder, hosts=("localhost", "127.0.0.1", "::1")) as client:
        assert client.get("/health").status_code == 200
        assert client.get("/health", headers={"Host": "localhost:8000"}).status_code == 200
        assert client.get("/health", headers={"Host": "[::1]:8000"}).status_code == 200
        assert "evil.example" in refused(client.get("/manifest", headers={"Host": "evil.example"}), 421)


def test_no_answer_lets_a_browser_load_from_elsewhere(client):
    for path in ("/", "/docs", "/health", "/nothing", "/index/0"):
        headers = client.get(path).headers
        assert headers["Content-Security-Policy"].startswith("default-src 'none'; script-src 'self'")
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert "Access-Control-Allow-Origin" not in headers
