"""The page in a browser, as a reader visits it: with the mouse, the keyboard, in the dark and on a phone."""

import re

import pytest

pytest.importorskip("fastapi")

from chromium import browser  # noqa: E402
from serving import served  # noqa: E402

pytestmark = [pytest.mark.browser, pytest.mark.slow]
SHOWN = "!document.querySelector('#result').hidden && !document.querySelector('#status').textContent"


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    with browser(tmp_path_factory.mktemp("browser")) as page:
        yield page


@pytest.fixture
def address(client, page):
    """The server's address; at the end nothing has complained, and nothing was loaded from elsewhere."""
    page.requests.clear()
    page.complaints.clear()
    address = str(client.base_url).rstrip("/")
    yield address
    assert page.complaints == []
    assert [each for each in page.requests if not each.startswith((address, "data:", "blob:"))] == []


@pytest.fixture
def digit(tmp_path, sent):
    file = tmp_path / "digit.png"
    file.write_bytes(sent[3])
    return file


def started(page, address, **window):
    page.open("about:blank")
    page.open(f"{address}/", **window)
    page.until("document.title === 'digits-linear' && document.querySelector('#offered img')")


def text(page, selector):
    return page.value(f"document.querySelector({selector!r}).textContent")


def test_a_dropped_picture_is_shown_with_all_that_the_network_makes_of_it(page, address, digit, client, sent):
    started(page, address)
    page.drop("#drop", digit)
    page.until(SHOWN)
    about = client.post("/describe", content=sent[3], headers={"Content-Type": "image/png"}).json()
    assert text(page, "#title") == "digit.png"
    for name in ("picture", "reconstruction", "denoised"):
        assert page.value(f"document.querySelector('#{name}').src") == about[name]
    assert text(page, "#numbers").startswith("16 numbers from ")
    assert text(page, "#cluster") == f"Cluster {about['cluster']['cluster']}"
    rows = "[...document.querySelectorAll('{} button')].map(button => Number(button.dataset.row))"
    assert page.value(rows.format("#central")) == about["cluster"]["central"]
    assert page.value(rows.format("#nearest")) == [each["row"] for each in about["nearest"]]
    assert f"{100 * about['anomaly']['below']:.0f} %" in text(page, "#score")
    # Bars of the code are drawn.
    drawn = "(c => c.getContext('2d').getImageData(0, 0, c.width, c.height).data.some(v => v))"
    assert page.value(f"{drawn}(document.querySelector('#code'))")
    page.until("[...document.images].filter(i => i.offsetParent).every(i => i.complete && i.naturalWidth)")


def test_a_photograph_is_chosen_and_cut_to_what_the_network_takes(page, address, photograph):
    started(page, address)
    page.choose("#file", photograph)
    page.until(SHOWN)
    assert page.value("document.querySelector('#picture').naturalWidth") == 8
    assert text(page, "#below") in ("Usual", "Unusual", "Very unusual")


def test_what_is_no_picture_is_said_in_a_sentence(page, address, tmp_path):
    file = tmp_path / "notes.png"
    file.write_text("no picture")
    started(page, address)
    page.choose("#file", file)
    page.until("document.querySelector('#status.wrong')")
    assert text(page, "#status").startswith("The picture is no JPEG, PNG")
    # The browser itself notes the status of such an answer.
    assert all("415" in each for each in page.complaints)
    page.complaints.clear()


def test_clicks_lead_from_image_to_image_and_back(page, address, digit):
    started(page, address)
    page.drop("#drop", digit)
    page.until(SHOWN)
    first = page.value("Number(document.querySelector('#nearest button').dataset.row)")
    page.click("#nearest button")
    page.until(f"document.querySelector('#title').textContent.startsWith('Image {first} of the index')")
    second = page.value("Number(document.querySelectorAll('#nearest button')[1].dataset.row)")
    page.click("#nearest li:nth-child(2) button")
    page.until(f"document.querySelector('#title').textContent.startsWith('Image {second} of')")
    page.value("history.back()")
    page.until(f"document.querySelector('#title').textContent.startsWith('Image {first} of')")
    page.value("history.back()")
    page.until("document.querySelector('#title').textContent === 'digit.png'")
    page.click("#central button")
    page.until("document.querySelector('#title').textContent.startsWith('Image ')")


def test_the_keyboard_alone_leads_from_image_to_image(page, address):
    started(page, address)
    page.value("document.querySelector('#offered button').focus()")
    page.press("ArrowRight", "ArrowRight", "Enter")
    chosen = page.value("Number(document.querySelectorAll('#offered button')[2].dataset.row)")
    page.until(f"location.hash === '#row={chosen}' && {SHOWN}")
    seen = set()
    for _ in range(80):
        page.press("Tab")
        seen.add(page.value("document.activeElement.closest('.thumbs')?.id ?? document.activeElement.id"))
        if "nearest" in seen:
            break
    assert {"others", "row", "copy", "central", "nearest"} <= seen
    outline = page.value("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"
    near = page.value("Number(document.activeElement.dataset.row)")
    page.press("Enter")
    page.until(f"document.querySelector('#title').textContent.startsWith('Image {near} of')")


def test_another_way_of_comparing_gives_other_neighbours(page, address, client):
    started(page, address)
    page.value("location.hash = 'row=7'")
    page.until(SHOWN)
    page.click("[value=euclidean]")
    expected = [each["row"] for each in client.get("/index/7/nearest?k=12&metric=euclidean").json()["neighbours"]]
    rows = "JSON.stringify([...document.querySelectorAll('#nearest button')].map(each => Number(each.dataset.row)))"
    page.until(f"{rows} === '{str(expected).replace(' ', '')}'")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [375, 1200])
def test_it_fits_the_window_and_follows_the_scheme(page, address, width, dark):
    started(page, address, width=width, dark=dark)
    page.value("location.hash = 'row=5'")
    page.until(SHOWN)
    assert page.value("document.documentElement.scrollWidth") <= width
    widths = page.value(
        "[...document.querySelectorAll('.panels > article:not([hidden])')].map(each => each.offsetWidth)"
    )
    # On a phone the panels stand one below another, all as wide as the page.
    assert width > 375 or len(set(widths)) == 1
    ground = "getComputedStyle(document.body).backgroundColor"
    before = page.value(ground)
    assert (max(map(int, re.findall(r"\d+", before)[:3])) < 60) == dark
    page.click("#scheme")
    after = page.value(ground)
    assert (max(map(int, re.findall(r"\d+", after)[:3])) < 60) != dark
    page.value("localStorage.clear()")


def test_the_description_of_the_interface_lists_every_address(page, address, client):
    page.open(f"{address}/docs", width=375)
    page.until("document.querySelector('article')")
    heads = page.value("[...document.querySelectorAll('article h3')].map(head => head.textContent)")
    paths = client.get("/openapi.json").json()["paths"]
    assert heads == [f"{method.upper()}{path}" for path, methods in paths.items() for method in methods]
    assert page.value("document.documentElement.scrollWidth") <= 375


def test_without_an_index_the_page_hides_what_needs_one(page, bare_client, digit):
    page.complaints.clear()
    page.open(f"{bare_client.base_url}")
    page.until("document.title === 'bare'")
    page.drop("#drop", digit)
    page.until(SHOWN)
    hidden = "[...document.querySelectorAll('#shelf, #near, #clustered, #restored')].every(part => part.hidden)"
    assert page.value(hidden)
    assert page.complaints == []


def test_an_answer_that_comes_late_does_not_replace_a_later_one(page, encoder, address):
    started(page, address)
    page.value("visit(3), visit(4), visit(5)")
    page.until(f"{SHOWN} && document.querySelector('#title').textContent.startsWith('Image 5 of')")


def test_a_server_that_is_gone_is_said(page, encoder):
    with served(encoder) as client:
        page.open(str(client.base_url))
        page.until("document.querySelector('#offered img')")
    page.value("visit(3)")
    page.until("document.querySelector('#status.wrong')")
    assert text(page, "#status") == "The server does not answer."
