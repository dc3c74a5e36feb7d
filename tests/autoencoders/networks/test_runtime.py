"""Keras on TensorFlow as the library imports it."""

import subprocess
import sys

import pytest
from small import ROOT


def output_of(program: str) -> str:
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return done.stdout.strip()


@pytest.mark.slow
def test_the_import_is_quiet_hides_what_keras_does_not_need_and_threads_are_a_constant():
    program = "; ".join(
        [
            "import sys",
            "from autoencoders.networks import runtime",
            "print([name in sys.modules for name in ('matplotlib', 'sklearn')])",
            "import matplotlib, sklearn",
            "print(runtime.tf.config.threading.get_intra_op_parallelism_threads(), runtime.THREADS)",
        ]
    )
    assert output_of(program) == "[False, False]\n2 2"


@pytest.mark.slow
def test_a_network_that_is_built_before_does_not_make_the_number_of_cores_part_of_results():
    program = "; ".join(
        [
            "import os",
            "os.sched_setaffinity(0, {min(os.sched_getaffinity(0))}) if hasattr(os, 'sched_setaffinity') else None",
            "from autoencoders.networks import runtime",
            "float(runtime.tf.reduce_sum(runtime.tf.ones(3)))",
            "runtime.deterministic(0)",
            "print(runtime.tf.config.threading.get_intra_op_parallelism_threads())",
        ]
    )
    assert output_of(program) == "2"


@pytest.mark.slow
def test_what_was_imported_before_stays():
    program = "from sklearn import base; import autoencoders.networks.runtime, matplotlib.pyplot, sklearn; print({})"
    assert output_of(program.format("sklearn.base is base")) == "True"
