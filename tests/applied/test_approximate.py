"""Approximate search of an export's codes and of others, beside the exact one."""

import json
import sys

import example_export as example
import numpy as np
import pytest

from applied import approximate
from applied.__main__ import main
from applied.encoder import Encoder
from applied.index import Index
from autoencoders.core.errors import InputError
from autoencoders.uses.inverted_lists import METRICS

N_LISTS = 4


@pytest.fixture(autouse=True)
def faiss(request):
    if "without" not in request.node.name:
        return pytest.importorskip("faiss")
    return None


@pytest.fixture
def listed(own) -> example.Example:
    """An export whose codes stand in four lists, of which a query is compared with two."""
    write(own)
    return own


def arrays(made: example.Example) -> dict[str, np.ndarray]:
    found = {}
    for metric in METRICS:
        centres = made.codes[:N_LISTS]
        centres = centres / np.linalg.norm(centres, axis=1, keepdims=True) if metric == "cosine" else centres
        apart = np.square(made.codes[:, np.newaxis] - centres).sum(axis=2)
        found |= {f"{metric}_centres": centres, f"{metric}_lists": apart.argmin(axis=1).astype(np.int32)}
    return found


def write(made: example.Example, probed: object = 2, **changed: np.ndarray | None) -> None:
    stored = {name: array for name, array in (arrays(made) | changed).items() if array is not None}
    np.savez(made.export / "approximate.npz", **stored)
    about = json.loads((made.export / "manifest.json").read_text())
    about["approximate"] = {"queries": 4, "lists": N_LISTS, "probed": probed, "cosine_recall_at_10": 0.75}
    example.sign(made.export, about)


@pytest.mark.parametrize("metric", METRICS)
def test_what_is_found_has_the_distances_of_the_exact_search(listed, metric):
    encoder = Encoder.load(listed.export)
    images = sorted(listed.pictures.iterdir())
    found = encoder.search(images, 3, metric, approximate=True)
    exact = encoder.search(images, len(listed.codes), metric)
    every = [dict(zip(rows, distances, strict=True)) for rows, distances in zip(*exact, strict=True)]
    for rows, distances, known in zip(*found, every, strict=True):
        assert [known[row] for row in rows] == distances.tolist()
        assert len(set(rows)) == 3 and (np.diff(distances) >= 0).all()
    # The training images find themselves: they are in the list whose centre is nearest.
    assert (found.distances[: len(listed.codes), 0] == 0).all()
    assert not np.array_equal(found.rows, exact.rows[:, :3])


@pytest.mark.parametrize("metric", METRICS)
def test_a_query_has_the_same_neighbours_alone_and_in_a_batch(listed, metric):
    encoder = Encoder.load(listed.export)
    together = encoder.search_codes(listed.codes, 4, metric, approximate=True)
    for place, code in enumerate(listed.codes):
        alone = encoder.search_codes(code[np.newaxis], 4, metric, approximate=True)
        assert np.array_equal(alone.rows[0], together.rows[place])
        assert np.array_equal(alone.distances[0], together.distances[place])
    assert encoder.search_codes(listed.codes[:0], 4, metric, approximate=True).rows.shape == (0, 4)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("probed", [N_LISTS, 10**9])
def test_a_comparison_with_all_lists_is_the_exact_search(own, metric, probed):
    write(own, probed)
    encoder = Encoder.load(own.export)
    queries = np.concatenate([own.codes, np.zeros_like(own.codes[:1])])
    found, exact = (encoder.search_codes(queries, 7, metric, approximate=asked) for asked in (True, False))
    assert np.array_equal(found.rows, exact.rows) and np.array_equal(found.distances, exact.distances)


def test_more_neighbours_than_the_compared_lists_hold_are_found_all_the_same(listed):
    encoder, n = Encoder.load(listed.export), len(listed.codes)
    found = encoder.search_codes(listed.codes, n, approximate=True)
    assert np.array_equal(found.rows, encoder.search_codes(listed.codes, n).rows)
    with pytest.raises(InputError, match=f"k is {n + 1}, but is to lie in 1 to {n}"):
        encoder.search_codes(listed.codes, n + 1, approximate=True)
    with pytest.raises(InputError, match="metric is 'l1'; use cosine or euclidean"):
        encoder.search_codes(listed.codes, 1, "l1", approximate=True)


def test_few_codes_are_compared_one_and_all_and_many_by_their_lists(listed, monkeypatch):
    encoder = Encoder.load(listed.export)
    exact, few = (encoder.search_codes(listed.codes, 5, approximate=asked).rows for asked in (False, True))
    assert not np.array_equal(exact, few)
    assert np.array_equal(encoder.search_codes(listed.codes, 5).rows, exact)
    monkeypatch.setattr(approximate, "EXACT_UP_TO", len(listed.codes) - 1)
    assert np.array_equal(encoder.search_codes(listed.codes, 5).rows, few)
    monkeypatch.setitem(sys.modules, "faiss", None)
    assert np.array_equal(encoder.search_codes(listed.codes, 5).rows, exact)


def test_anomalies_are_exact_distances_of_the_nearest_code(listed, monkeypatch):
    encoder = Encoder.load(listed.export)
    expected = encoder.anomaly(listed.pictures, by="index").score
    monkeypatch.setattr(approximate, "EXACT_UP_TO", 1)
    assert np.array_equal(encoder.anomaly(listed.pictures, by="index").score, expected)


def test_lists_of_other_codes_are_built_from_them(listed):
    encoder, random = Encoder.load(listed.export), np.random.default_rng(0)
    codes = random.normal(size=(900, listed.codes.shape[1])).astype(np.float32)
    built = Index(codes, {}).with_approximate()
    exact = encoder.search_codes(codes[:9], 4, index=codes)
    for index in (codes, built, built):
        found = encoder.search_codes(codes[:9], 4, index=index, approximate=True)
        # Three lists, of which up to 32 are compared.
        assert np.array_equal(found.rows, exact.rows) and np.array_equal(found.distances, exact.distances)
    assert built.with_approximate() is built


DAMAGED = {
    "no cosine": ({"cosine_lists": None}, "approximate.npz has no lists by cosine; search exactly, or export it again"),
    "floats": ({"cosine_lists": np.zeros(20)}, r"is damaged: lists are to be int32 \[codes\]; export it again"),
    "beyond": ({"cosine_lists": np.full(20, N_LISTS, np.int32)}, "is damaged: lists are to name the 4 centres from 0;"),
    "negative": ({"cosine_lists": np.full(20, -1, np.int32)}, "is damaged: lists are to name the 4 centres from 0;"),
    "few": ({"cosine_lists": np.zeros(19, np.int32)}, "is of 19 codes of 5 numbers, but the index has 20 of 5; export"),
    "wide": ({"cosine_centres": np.ones((4, 6), np.float32)}, "is of 20 codes of 6 numbers, but the index has 20 of 5"),
    "nan": ({"cosine_centres": np.full((4, 5), np.nan, np.float32)}, "is damaged: centres are to be finite float32"),
    "pickle": ({"cosine_centres": np.array([{}], object)}, "approximate.npz holds no arrays; export it again"),
}


@pytest.mark.parametrize("damage", DAMAGED)
def test_arrays_that_are_no_lists_of_the_index_are_one_sentence(own, damage):
    changed, sentence = DAMAGED[damage]
    write(own, **changed)
    encoder = Encoder.load(own.export)
    with pytest.raises(InputError, match=sentence):
        encoder.search_codes(own.codes, 3, approximate=True)
    assert encoder.search_codes(own.codes, 3).rows.shape == (20, 3)


@pytest.mark.parametrize("cut", [0, 1, 100, 600])
def test_a_file_that_is_cut_or_overwritten_is_one_sentence(listed, cut):
    file = listed.export / "approximate.npz"
    file.write_bytes(file.read_bytes()[:cut])
    with pytest.raises(InputError, match="approximate.npz has other content than is named in manifest.json"):
        Encoder.load(listed.export)
    encoder = Encoder.load(listed.export, verify=False)
    with pytest.raises(InputError, match="approximate.npz holds no arrays; export it again"):
        encoder.search_codes(listed.codes, 3, approximate=True)


@pytest.mark.parametrize("probed", [0, -1, True, 2.0, "2", None])
def test_a_manifest_that_does_not_say_how_many_lists_are_compared_is_one_sentence(own, probed):
    write(own, probed)
    with pytest.raises(InputError, match="manifest.json has no valid approximate; copy or export the folder again"):
        Encoder.load(own.export).search_codes(own.codes, 3)


@pytest.mark.parametrize("recall", [10**400, -1, float("nan"), "all", None])
def test_a_recall_that_is_no_share_is_measured_anew(own, search, recall):
    write(own)
    about = json.loads((own.export / "manifest.json").read_text())
    about["approximate"]["cosine_recall_at_10"] = recall
    example.sign(own.export, about)
    code, _, err = search(own.export, own.files[0], "--k", 2, "--approximate")
    assert code == 0 and "% of the 2 nearest codes of the first 1 images; --exact compares all codes." in err


def test_an_export_without_lists_says_how_to_have_them(dense):
    sentence = "holds no approximate index; export it with export.networks.dense.approximate true, or search exactly"
    with pytest.raises(InputError, match=sentence):
        Encoder.load(dense.export).search(dense.files, 3, approximate=True)


def test_a_search_without_faiss_is_exact_or_one_sentence(own, monkeypatch):
    write(own)
    monkeypatch.setitem(sys.modules, "faiss", None)
    encoder = Encoder.load(own.export)
    assert encoder.search_codes(own.codes, 3).rows.shape == (20, 3)
    with pytest.raises(InputError, match="needs the package faiss-cpu, which is not installed; run `pip"):
        encoder.search_codes(own.codes, 3, approximate=True)


@pytest.fixture
def search(capsys, monkeypatch, tmp_path):
    """A function that searches by command line; returns exit code, output and messages on the search."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        code = main(["search", *map(str, arguments)])
        printed = capsys.readouterr()
        # The pictures are larger than the network's images.
        said = [line for line in printed.err.splitlines(keepends=True) if "another shape than the network" not in line]
        return code, printed.out, "".join(said)

    return run


def test_the_command_says_what_share_is_found_as_the_manifest_knows_it(listed, search):
    code, out, err = search(listed.export, listed.files[3], "--k", 2, "--approximate")
    assert code == 0 and len(out.splitlines()) == 3
    assert err == (
        "An approximate search: it finds 75.0 % of the 10 nearest codes of held-out images, as the manifest says; "
        "--exact compares all codes.\n"
    )
    assert search(listed.export, listed.files[3], "--k", 2, "--approximate", "--quiet")[1:] == (out, "")
    exact = search(listed.export, listed.files[3], "--k", 2, "--exact")
    assert exact == search(listed.export, listed.files[3], "--k", 2) and exact[2] == ""


def test_the_command_builds_lists_of_other_images_and_measures_what_they_find(dense, search):
    exact = search(dense.export, *dense.files, "--k", 3, "--index", dense.pictures)
    code, out, err = search(dense.export, *dense.files, "--k", 3, "--index", dense.pictures, "--approximate")
    assert (code, out) == exact[:2]
    assert err.splitlines() == [
        "24 codes are put into lists, for an approximate search; --exact does without.",
        "An approximate search: it finds 100.0 % of the 3 nearest codes of the first 20 images; --exact compares all "
        "codes.",
    ]


def test_beyond_a_million_codes_the_command_builds_lists_where_many_images_are_searched_for(dense, search, monkeypatch):
    for module in (approximate, sys.modules["applied.commands"]):
        monkeypatch.setattr(module, "EXACT_UP_TO", 23)
    monkeypatch.setattr("applied.commands.BUILDING_PAYS", 2)
    few = search(dense.export, dense.files[0], "--k", 3, "--index", dense.pictures)
    assert few[2] == "All 24 codes are compared; --approximate puts them into lists first, for many images.\n"
    many = search(dense.export, *dense.files[:2], "--k", 3, "--index", dense.pictures)
    assert many[2].startswith("24 codes are put into lists") and many[1].startswith(few[1])
    exact = search(dense.export, *dense.files[:2], "--k", 3, "--index", dense.pictures, "--exact")
    assert exact == (0, many[1], "")


def test_beyond_a_million_codes_the_command_says_what_its_own_index_lacks(dense, search, monkeypatch):
    monkeypatch.setattr("applied.commands.EXACT_UP_TO", 19)
    said = search(dense.export, dense.files[0])[2]
    assert said == "All 20 codes are compared; an export with `approximate: true` is searched faster.\n"
    monkeypatch.setitem(sys.modules, "faiss", None)
    said = search(dense.export, dense.files[0])[2]
    assert said.startswith("All 20 codes are compared; run `pip install faiss-cpu` for a faster, approximate search")


@pytest.mark.parametrize("metric", METRICS)
def test_a_server_searches_many_codes_by_their_lists(listed, monkeypatch, metric):
    pytest.importorskip("fastapi")
    from applied.serve.answers import Answers

    encoder = Encoder.load(listed.export)
    expected = encoder.search_codes(listed.codes, 5, metric, approximate=True).rows.tolist()
    monkeypatch.setattr(approximate, "EXACT_UP_TO", 19)
    found = Answers(encoder, 10**6).neighbours(listed.codes, 5, metric)["neighbours"]
    assert [[each["row"] for each in near] for near in found] == expected
