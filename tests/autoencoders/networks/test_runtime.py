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


@pytest.mark.parametrize(
    ("cores", "batch_size", "expected"), [(1, 128, 1), (2, 128, 2), (2, 8, 1), (16, 128, 4), (16, 20, 2)]
)
def test_a_batch_has_as_many_parts_as_cores_but_few_and_none_too_small(cores, batch_size, expected, monkeypatch):
    monkeypatch.setattr(runtime.os, "sched_getaffinity", lambda process: set(range(cores)), raising=False)
    monkeypatch.setattr(runtime.tf.config, "list_physical_devices", lambda kind: [])
    assert runtime.parts(batch_size) == expected


def test_parts_leave_an_operation_the_threads_that_are_left_for_it():
    program = "; ".join(
        [
            "import os",
            "os.sched_getaffinity = lambda process: set(range(8))",
            "from autoencoders.networks import runtime",
            "runtime.parts(16)",
            "print(runtime.tf.config.threading.get_intra_op_parallelism_threads())",
        ]
    )
    assert output_of(program) == "4"


def test_a_graphics_processor_takes_batches_whole_and_compiles_every_precision_whole(monkeypatch):
    monkeypatch.setattr(runtime.tf.config, "list_physical_devices", lambda kind: ["one"])
    assert runtime.parts(128) == 1
    assert runtime.compiles_whole("float32") and runtime.compiles_whole("bfloat16")


def test_a_processor_compiles_bfloat16_but_for_its_products(monkeypatch):
    monkeypatch.setattr(runtime.tf.config, "list_physical_devices", lambda kind: [])
    assert runtime.compiles_whole("float32") and not runtime.compiles_whole("bfloat16")


def test_fusing_compiles_activations_and_leaves_products():
    from tensorflow.python.eager import context

    tf = runtime.tf

    @tf.function
    def layers(inputs, weights):
        hidden = tf.sigmoid(tf.matmul(inputs, weights)) * 2 + tf.exp(inputs)
        return tf.matmul(hidden, weights)

    def operations() -> list[str]:
        tensors = tf.ones((8, 8)), tf.ones((8, 8))
        context.enable_run_metadata()
        try:
            layers(*tensors)
            graphs = context.export_run_metadata().partition_graphs
        finally:
            context.disable_run_metadata()
        return [node.op for graph in graphs for node in graph.node]

    with runtime.fusing():
        fused = operations()
    products = [name for name in fused if name.endswith("MatMul")]
    assert "_XlaRun" in fused and len(products) == 2 and "Sigmoid" not in fused


def test_fusing_ends_with_its_block_even_by_an_error():
    before = runtime.tf.config.optimizer.get_jit()
    with pytest.raises(ZeroDivisionError), runtime.fusing():
        assert runtime.tf.config.optimizer.get_jit() == "autoclustering"
        raise ZeroDivisionError
    assert runtime.tf.config.optimizer.get_jit() == before == ""


def test_flags_for_xla_of_the_users_own_are_kept_and_come_last():
    program = "; ".join(
        [
            "import os",
            "os.environ['TF_XLA_FLAGS'] = '--tf_xla_min_cluster_size=7'",
            "import autoencoders.networks.runtime",
            "print(os.environ['TF_XLA_FLAGS'])",
        ]
    )
    assert output_of(program) == f"{runtime.FUSING} --tf_xla_min_cluster_size=7"
