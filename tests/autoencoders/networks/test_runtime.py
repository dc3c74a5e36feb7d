"""Keras on TensorFlow as the library imports it."""

import subprocess
import sys

import pytest
from small import ROOT

from autoencoders.networks import runtime


def output_of(program: str) -> str:
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return done.stdout.strip()


def test_the_import_is_quiet_and_leaves_out_what_keras_needs_for_galleries_and_wrappers_only():
    program = "import sys, autoencoders.networks.runtime; print([name in sys.modules for name in {}])"
    assert output_of(program.format(("matplotlib", "sklearn"))) == "[False, False]"


def test_what_was_left_out_can_be_imported_afterwards_and_what_was_imported_before_stays():
    program = "from sklearn import base; import autoencoders.networks.runtime, matplotlib.pyplot, sklearn; print({})"
    assert output_of(program.format("sklearn.base is base")) == "True"


@pytest.mark.parametrize(
    ("flags", "expected"),
    [("fpu avx512_bf16", "bfloat16"), ("fpu amx_bf16", "bfloat16"), ("fpu avx2", "float32"), (None, "float32")],
)
def test_bfloat16_is_for_machines_that_have_it(flags, expected, tmp_path, monkeypatch):
    monkeypatch.setattr(runtime, "PROCESSOR", tmp_path / "cpuinfo")
    monkeypatch.setattr(runtime.tf.config, "list_physical_devices", lambda kind: [])
    if flags:
        (tmp_path / "cpuinfo").write_text(f"processor\t: 0\nflags\t\t: {flags}\n", encoding="utf-8")
    assert runtime.available_precision("bfloat16") == expected
    assert runtime.available_precision("float32") == "float32"
