"""A folder on a web server as a data set, by DVC: what changes there runs what depends on it."""

import os

import pytest
from checkouts import Checkout, stages_run
from PIL import Image
from small import ROOT, write_parameters

from stages.shared.parameters import load

pytestmark = pytest.mark.graph

READ = ["extract@mine", "preprocess@mine"]


def test_only_the_listing_runs_until_a_file_at_the_address_changes(tmp_path, serve, closed):
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(30):
        Image.new("RGB", (9, 9), (number, 0, 0)).save(folder / f"{number}.png")
    checkout = Checkout(tmp_path / "checkout")
    checkout.folder.mkdir()
    checkout.fill()
    values = load(ROOT / "examples/own-images/params.yaml")
    values["addresses"] = {"far": serve(folder)}
    values["datasets"]["mine"] |= {"path": "data/inventories/far.json", "test_share": 0.4}
    write_parameters(checkout.folder, values)

    def repro(check: bool = True):
        return checkout.run("dvc", "repro", "preprocess@mine", check=check)

    assert stages_run(repro().stdout) == ["fingerprints", "inventory@far", *READ]
    lock = (checkout.folder / "dvc.lock").read_bytes()
    assert stages_run(repro().stdout) == ["inventory@far"]
    assert (checkout.folder / "dvc.lock").read_bytes() == lock
    Image.new("RGB", (9, 9), (200, 0, 0)).save(folder / "0.png")
    os.utime(folder / "0.png", (10**9, 10**9))
    assert stages_run(repro().stdout) == ["inventory@far", *READ]
    values["addresses"]["far"] = closed
    write_parameters(checkout.folder, values)
    done = repro(check=False)
    assert done.returncode and f"error: addresses.far is '{closed}', which cannot be read (" in done.stderr
    assert "Traceback" not in done.stderr
