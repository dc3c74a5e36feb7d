"""Keras on TensorFlow as the library imports it."""

import subprocess
import sys

from small import ROOT


def run(program: str) -> str:
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return done.stdout.strip()


def test_the_import_is_quiet_and_leaves_out_what_keras_needs_for_galleries_and_wrappers_only():
    program = "import sys, autoencoders.networks.runtime; print([name in sys.modules for name in {}])"
    assert run(program.format(("matplotlib", "sklearn"))) == "[False, False]"


def test_what_was_left_out_can_be_imported_afterwards_and_what_was_imported_before_stays():
    program = "from sklearn import base; import autoencoders.networks.runtime, matplotlib.pyplot, sklearn; print({})"
    assert run(program.format("sklearn.base is base")) == "True"
