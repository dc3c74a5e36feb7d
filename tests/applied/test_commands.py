"""The command line: every command on pictures, arrays and tables, and how it ends where something is wrong."""

import csv
import io
import subprocess
import sys
from pathlib import Path

import example_export as example
import numpy as np
import pytest
from PIL import Image
from small import ROOT

from applied.__main__ import main
from applied.encoder import Encoder


@pytest.fixture
def command(capsys, monkeypatch, tmp_path):
    """A function that runs a command line in a folder of its own; returns exit code, output and messages."""
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)

    def run(*arguments):
        try:
            code = main([str(argument) for argument in arguments])
        except SystemExit as end:
            code = end.code
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return run


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def refused(result, sentence: str) -> None:
    """Check that a command ended with exit code 2, one sentence and nothing else."""
    code, out, err = result
    assert (code, out) == (2, ""), (code, out, err)
    assert err.startswith("error: ") and err.count("\n") == 1 and sentence in err, err


def given(dense, folder) -> dict:
    """The same images in every form in which a path may name them, of the same size so that arrays can hold them."""
    np.save(folder / "a.npy", dense.images)
    np.savez(folder / "a.npz", images=dense.images)
    np.save(folder / "floats.npy", dense.images / 255)
    (dense.pictures / "table.csv").write_text(
        "file_name,label\n" + "".join(f"{file.name},{n % 2}\n" for n, file in enumerate(dense.files))
    )
    return {
        "files": dense.files,
        "table": [dense.pictures / "table.csv"],
        "array": ["a.npy"],
        "arrays": ["a.npz"],
        "floats": ["floats.npy", "--range", "0", "1"],
        "several": [*dense.files[:4], "a.npy"],
    }


@pytest.mark.parametrize("form", ["files", "table", "array", "arrays", "floats", "several"])
def test_codes_of_every_form_of_images_are_those_of_the_index(own, command, tmp_path, form):
    made = own
    paths = given(made, tmp_path / "work")[form]
    assert command("encode", made.export, *paths, "--out", "codes.npy", "--quiet") == (0, "", "")
    expected = np.concatenate([made.codes[:4], made.codes]) if form == "several" else made.codes
    codes = np.load("codes.npy")
    assert codes.dtype == np.float32 and np.array_equal(codes, expected)
    listed = rows(Path("codes.csv").read_text())
    assert len(listed) == len(codes) and set(listed[0]) == {"file", "image"}
    if form in ("files", "table"):
        assert [row["file"] for row in listed] == [str(file) for file in made.files]
    if form == "array":
        assert listed[3] == {"file": "a.npy", "image": "3"}


def test_codes_in_csv_have_all_their_bits(dense, command):
    code, out, _ = command("encode", dense.export, dense.pictures)
    found = np.array([list(row.values())[2:] for row in rows(out)]).astype(np.float32)
    assert code == 0 and np.array_equal(found[: len(dense.codes)], dense.codes)
    assert command("encode", dense.export, dense.pictures, "--out", "codes.csv")[0] == 0
    assert Path("codes.csv").read_text() == out


def test_codes_in_parquet_are_the_same(dense, command):
    parquet = pytest.importorskip("pyarrow.parquet")
    assert command("encode", dense.export, *dense.files, "--out", "codes.parquet")[0] == 0
    table = parquet.read_table("codes.parquet")
    assert table.column_names[:3] == ["file", "image", "code_0"]
    assert np.array_equal(np.stack(list(table.columns[2:]), 1).astype(np.float32), dense.codes)


def test_parquet_without_pyarrow_is_said(dense, command, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    refused(command("encode", dense.export, dense.files[0], "--out", "c.parquet"), "which the package pyarrow writes")


def test_clusters_are_written_with_distance_and_share(dense, command):
    code, out, _ = command("assign", dense.export, *dense.files)
    expected = Encoder.load(dense.export).assign(dense.files)
    found = rows(out)
    assert code == 0 and [int(row["cluster"]) for row in found] == expected.cluster.tolist()
    assert np.array_equal(np.array([row["distance"] for row in found]).astype(np.float32), expected.distance)
    assert [float(row["farther"]) for row in found] == expected.farther.tolist()


def test_a_search_gives_what_the_index_says_of_the_nearest(dense, command):
    code, out, _ = command("search", dense.export, dense.files[4], "--k", 3, "--metric", "euclidean")
    first, *others = rows(out)
    assert code == 0 and len(others) == 2
    assert first["rank"] == "1" and first["distance"] == "0.0" and first["row"] == "4"
    assert (first["index_file"], first["index_class"]) == (dense.files[4].name, "a")
    assert first["index_cluster"] == str(Encoder.load(dense.export).assign(dense.files[4]).cluster[0])


def test_a_search_goes_through_other_pictures_and_codes(dense, command):
    assert command("encode", dense.export, dense.pictures, "--out", "codes.npy")[0] == 0
    answers = [
        command("search", dense.export, dense.files[4], "--k", 2, "--index", index)
        for index in (dense.pictures, "codes.npy")
    ]
    assert [code for code, _, _ in answers] == [0, 0]
    assert answers[0][1] == answers[1][1]
    assert rows(answers[0][1])[0]["index_file"] == str(dense.files[4])


@pytest.mark.parametrize(("name", "kind"), [("reconstruct", "strided"), ("denoise", "convolutional")])
def test_pictures_are_named_after_their_source(examples, command, name, kind):
    made = examples(kind)
    assert command(name, made.export, *made.files[:3], made.files[0], "--out", "new")[0] == 0
    listed = rows(Path("new/listing.csv").read_text())
    assert [row["picture"] for row in listed] == ["000.png", "001.png", "002.png", "000-2.png"]
    assert [row["file"] for row in listed[:3]] == [str(file) for file in made.files[:3]]
    encoder = Encoder.load(made.export)
    expected = getattr(encoder, {"denoise": "denoise", "reconstruct": "reconstruct"}[name])(made.files[1])
    with Image.open("new/001.png") as image:
        found = np.asarray(image).reshape(expected.shape[1:])
    assert np.array_equal(found, np.round(expected[0] * 255))


def test_images_of_an_array_are_named_by_their_number(dense, command):
    np.save("digits.npy", dense.images[:2])
    assert command("reconstruct", dense.export, "digits.npy", "--out", "new")[0] == 0
    assert [row["picture"] for row in rows(Path("new/listing.csv").read_text())] == [
        "digits-000000.png",
        "digits-000001.png",
    ]


def test_a_sheet_holds_all_pictures(dense, command):
    assert command("reconstruct", dense.export, *dense.files[:12], "--out", "sheet.png")[0] == 0
    with Image.open("sheet.png") as image:
        assert image.size == (10 * 10 - 2, 2 * 10 - 2)


def test_anomalies_are_ranked(dense, command):
    code, out, _ = command("anomaly", dense.export, dense.pictures)
    scores = [float(row["score"]) for row in rows(out)]
    assert code == 0 and scores == sorted(scores, reverse=True)
    assert {float(row["below"]) for row in rows(out)} >= {0.0, 1.0}
    by_index = rows(command("anomaly", dense.export, dense.pictures, "--by", "index")[1])
    assert float(by_index[-1]["score"]) == 0


def test_the_seed_decides_the_bytes_of_generated_pictures(dense, command):
    for out in ("first", "second"):
        assert command("generate", dense.export, "--n", 3, "--seed", 5, "--out", out)[0] == 0
    names = ["dense-5-000000.png", "dense-5-000001.png", "dense-5-000002.png", "listing.csv"]
    for name in names:
        assert Path(f"first/{name}").read_bytes() == Path(f"second/{name}").read_bytes()


def test_verify_says_whether_the_codes_are_the_manifests(own, command):
    code, out, err = command("verify", own.export)
    assert (code, out, err) == (
        0,
        "same: the 4 probe images have the codes of the manifest of dense, to the last bit.\n",
        "",
    )
    probes = dict(np.load(own.export / "probes.npz"))
    probes["codes"][2, 1] += 0.5
    np.savez(own.export / "probes.npz", **probes)
    file = own.export / "manifest.json"
    digest = example.hashlib.sha256(np.load(own.export / "probes.npz")["codes"][2].tobytes()).hexdigest()
    manifest = example.json.loads(file.read_text())
    manifest["probes"]["codes_sha256"][2] = digest
    example.sign(own.export, manifest)
    code, out, _ = command("verify", own.export)
    assert code == 1 and out.startswith("other codes: 1 of 4 probe images of dense") and "differ by up to 0.5," in out


def test_standard_input_is_a_picture_or_a_list_of_paths(dense, command, monkeypatch):
    def piped(content: bytes):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
        return command("encode", dense.export, "-", "--quiet")

    expected = command("encode", dense.export, *dense.files[:2], "--quiet")[1].splitlines()
    for file in dense.files[:7]:
        code, out, _ = piped(file.read_bytes())
        assert code == 0 and rows(out)[0]["file"] == "-"
    assert piped(dense.files[1].read_bytes())[1].splitlines()[1].split(",")[1:] == expected[2].split(",")[1:]
    assert piped("\n".join(map(str, dense.files[:2])).encode())[1].splitlines() == expected
    assert piped("\0".join(map(str, dense.files[:2])).encode() + b"\0")[1].splitlines() == expected
    refused(piped(b""), "Standard input is empty")
    refused(piped(b"\xff\xfe\xfd"), "neither a picture nor a list of paths")
    refused(piped(dense.files[0].read_bytes()[:60]), "The picture is damaged or cut off; give another one.")
    refused(command("encode", dense.export, "-", "-"), "name it once")


def test_what_cannot_be_read_stops_or_is_left_out(dense, command, tmp_path):
    mixed = tmp_path / "mixed"
    example.draw(mixed, 3)
    (mixed / "bad.png").write_bytes(b"no picture")
    refused(command("encode", dense.export, mixed, "--out", "c.csv"), "bad.png is no JPEG, PNG")
    code, out, err = command("encode", dense.export, mixed, "--unreadable", "skip")
    assert code == 0 and len(rows(out)) == 3
    assert "bad.png is no JPEG" in err and "1 of 4 images left out, which cannot be read." in err
    code, out, err = command("encode", dense.export, mixed, "--unreadable", "skip", "--quiet")
    assert (code, err) == (0, "")
    assert command("encode", dense.export, mixed / "bad.png", "--unreadable", "skip")[0] == 2


def test_a_changed_shape_is_said_and_another_size_of_the_same_is_not(dense, command):
    Image.new("L", (40, 40)).save("square.png")
    assert command("encode", dense.export, "square.png")[2] == ""
    np.save("wide.npy", np.zeros((3, 8, 16), np.uint8))
    assert command("encode", dense.export, "wide.npy")[2] == (
        "3 images have another shape than the network's 8x8: their middle is cut out (first: wide.npy, 16x8).\n"
    )


def test_folders_that_are_named_after_splits_are_folders_like_others(dense, command, tmp_path):
    example.draw(tmp_path / "deep" / "test", 2)
    Image.new("L", (8, 8)).save(tmp_path / "deep" / "beside.png")
    assert len(rows(command("encode", dense.export, tmp_path / "deep", "--quiet")[1])) == 3


def test_nothing_is_replaced_without_being_asked_and_nothing_is_left_of_what_fails(dense, command, tmp_path):
    work = tmp_path / "work"
    (work / "codes.csv").write_text("mine")
    refused(
        command("encode", dense.export, dense.pictures, "--out", "codes.csv"), "codes.csv exists; name another file"
    )
    refused(
        command("encode", dense.export, dense.pictures, "--out", "codes.npy"), "codes.csv exists; name another file"
    )
    assert [path.name for path in work.iterdir()] == ["codes.csv"] and (work / "codes.csv").read_text() == "mine"
    (work / "bad.png").write_bytes(b"no picture")
    for name, out in (("encode", "new.npy"), ("assign", "new.csv"), ("reconstruct", "new"), ("reconstruct", "new.png")):
        refused(command(name, dense.export, dense.files[0], "bad.png", "--out", out, "--quiet"), "bad.png is no JPEG")
    refused(command("assign", dense.export, "bad.png", "--out", "codes.csv", "--overwrite"), "bad.png is no JPEG")
    assert sorted(path.name for path in work.iterdir()) == ["bad.png", "codes.csv"]
    assert (work / "codes.csv").read_text() == "mine"
    assert command("encode", dense.export, dense.files[0], "--out", "codes.csv", "--overwrite")[0] == 0
    assert (work / "codes.csv").read_text().startswith("file,image,code_0")


def test_a_folder_of_pictures_is_replaced_only_if_it_was_written_here(dense, command, tmp_path):
    one = ("reconstruct", dense.export, dense.files[0], "--out", "new", "--quiet")
    assert command(*one)[0] == 0
    refused(command(*one), "new exists; name another folder")
    assert command(*one, "--overwrite")[0] == 0
    (tmp_path / "work" / "new" / "mine.txt").write_text("mine")
    refused(command(*one, "--overwrite"), "new holds other files (mine.txt)")
    (tmp_path / "work" / "empty").mkdir()
    assert command("reconstruct", dense.export, dense.files[0], "--out", "empty")[0] == 0


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("encode", "{export}", "{file}", "--out", "nowhere/codes.csv"), "there is no folder nowhere; make it."),
        (("encode", "{export}", "{file}", "--out", "codes.txt"), "but is to end in .csv, .parquet or .npy."),
        (("assign", "{export}", "{file}", "--out", "codes.npy"), "but is to end in .csv or .parquet."),
        (("encode", "{export}", "{file}", "--out", "/dev/null", "--overwrite"), "is to end in"),
        (("encode", "{export}", "absent.png"), "path is 'absent.png', which is not there"),
        (("encode", "{export}", "."), "holds no picture"),
        (("encode", "{export}"), "are required: PATH; see `autoencoder encode --help`."),
        (("encode", "absent", "{file}"), "absent is no export: it has no manifest.json"),
        (("search", "{export}", "{file}", "--k", "99"), "k is 99, but is to lie in 1 to 20"),
        (("search", "{export}", "{file}", "--metric", "l1"), "invalid choice: 'l1'"),
        (("generate", "{export}", "--n", "0", "--out", "new"), "n is 0; ask for at least one image."),
        (("reconstruct", "{export}", "{file}"), "are required: --out"),
        (("denoise", "{export}", "{file}", "--out", "new"), "was not trained to restore noisy images"),
        (("paint", "{export}"), "invalid choice: 'paint'"),
        ((), "are required: COMMAND"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_sentence(dense, command, tmp_path, arguments, sentence):
    named = [argument.format(export=dense.export, file=dense.files[0]) for argument in arguments]
    refused(command(*named), sentence)
    assert list((tmp_path / "work").iterdir()) == []


def test_each_command_has_an_example(command):
    code, out, _ = command("--help")
    assert code == 0
    names = ["encode", "assign", "search", "reconstruct", "denoise", "anomaly", "generate", "verify"]
    for name in names:
        assert name in out
        code, text, _ = command(name, "--help")
        assert code == 0 and f"autoencoder {name} exports/" in text


BLOCKED = """
import sys
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {blocked}:
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Blocker())
from applied.__main__ import main
for line in sys.stdin.read().splitlines():
    assert main(line.split("\\t")) == 0, line
"""
NOT_NEEDED = {
    "dvc", "faiss", "keras", "matplotlib", "onnx", "pandas", "pooch", "pyarrow", "pydantic", "scipy", "skimage",
    "sklearn", "stages", "tensorflow", "threadpoolctl", "tqdm", "umap", "yaml",
}  # fmt: skip


@pytest.mark.slow
def test_no_command_needs_more_than_three_packages(examples, tmp_path):
    dense, variational, noisy = (examples(kind) for kind in ("dense", "variational", "convolutional"))
    lines = [
        ["encode", dense.export, dense.pictures, "--out", tmp_path / "a.npy"],
        ["encode", variational.export, variational.pictures, "--out", tmp_path / "a.upright.csv"],
        ["assign", dense.export, dense.pictures, "--out", tmp_path / "b.csv"],
        ["assign", variational.export, variational.files[0], "--out", tmp_path / "c.csv"],
        ["search", dense.export, dense.files[0], "--index", dense.pictures, "--out", tmp_path / "d.csv"],
        ["reconstruct", dense.export, dense.files[0], "--out", tmp_path / "e"],
        ["denoise", noisy.export, noisy.files[0], "--out", tmp_path / "f.png"],
        ["anomaly", dense.export, dense.files[0], "--out", tmp_path / "g.csv"],
        ["generate", dense.export, "--out", tmp_path / "h.png"],
        ["generate", variational.export, "--source", "prior", "--out", tmp_path / "i.png"],
        ["verify", dense.export],
    ]
    given = "\n".join("\t".join(map(str, line)) for line in lines)
    script = BLOCKED.replace("{blocked}", repr(NOT_NEEDED))
    found = subprocess.run([sys.executable, "-c", script], input=given, text=True, capture_output=True, cwd=ROOT)
    assert found.returncode == 0, found.stderr
