import json
import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from clusters import free_port
from small import ROOT

from autoencoders.core.rows import Rows
from autoencoders.images.preparation import Preparation, one_hot
from autoencoders.networks import architectures, runtime
from autoencoders.training import several
from autoencoders.training.fit import Diverged, Training, fit

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

# The last batch of 16 holds one image, so that a worker has none of it.
IMAGES = np.random.default_rng(0).integers(0, 256, (49, 8, 8, 3), dtype=np.uint8)
LABELS = one_hot(np.arange(49) % 3, 3)
SETTINGS = {"units": [16, 4], "filters": [4], "kernel_size": 3, "activation": "relu", "code_activation": "linear"}
SETTINGS |= {"output_activation": "sigmoid", "loss": "binary_crossentropy", "optimizer": "adam", "learning_rate": 0.01}
SETTINGS |= {"batch_size": 16, "epochs": 3, "seed": 3}
MUON = {"optimizer": "muon", "optimizer_options": {"ns_steps": 3, "weight_decay": 0.1}, "schedule": "cosine"}
ADAMW = {"optimizer": "adamw", "optimizer_options": {"weight_decay": 1.0}, "loss": "categorical_crossentropy"}
CASES = {
    "dense, Muon, a schedule": {"kind": "dense", **MUON},
    "convolutional with noise": {"kind": "convolutional", "noise": 0.1, "schedule": "cosine", "warmup": 0.1},
    "variational, with validation": {"kind": "strided", "kl_weight": 1.0, "early_stopping": {"patience": 9}},
    "stops early": {"kind": "dense", "epochs": 9, "early_stopping": {"patience": 1, "min_delta": 10.0}},
    "a classifier, AdamW": {"kind": "classifier", "n_classes": 3, **ADAMW, "early_stopping": {"patience": 2}},
    "Adadelta": {"kind": "dense", "optimizer": "adadelta", "learning_rate": 1.0},
    "Nadam, images from files": {"kind": "dense", "optimizer": "nadam", "rows": True},
    "Lion": {"kind": "dense", "optimizer": "lion", "learning_rate": 0.001},
    "RMSprop": {"kind": "dense", "optimizer": "rmsprop"},
    "diverges": {"kind": "dense", "activation": "linear", "optimizer": "sgd", "learning_rate": 1e30}
    | {"output_activation": "linear", "loss": "mean_squared_error", "epochs": 9},
}


def trained(case: dict, strategy=None) -> tuple[dict[str, list[float]], list[np.ndarray]]:
    """Return a history and weights; alone without a strategy."""
    settings = SETTINGS | case
    classifies = settings["kind"] == "classifier"
    preparation = Preparation("grey", flat=settings["kind"] in ("classifier", "dense"))
    images = Rows(IMAGES[:30], IMAGES[30:]) if "rows" in case else IMAGES
    validation = (IMAGES[:21], LABELS[:21] if classifies else None) if "early_stopping" in case else None
    arguments = (images, LABELS if classifies else None, preparation, Training.of(settings), validation)

    def built():
        runtime.deterministic(settings["seed"])
        return architectures.build(settings["kind"], "network", preparation.shape(IMAGES.shape[1:]), settings)

    try:
        if strategy is None:
            network = built()
            history = fit(network, *arguments)
        else:
            with strategy.scope():
                network = built()
            history = several.fit_part(strategy, network, *arguments)
    except Diverged as error:
        history = error.history
    return history, network.get_weights()


# Both workers train all the networks, since starting TensorFlow takes longer than these trainings.
PROGRAM = """
import importlib.util, json, pickle, sys
from autoencoders.networks import runtime
from autoencoders.training.several import strategy_of
runtime.deterministic(0)
strategy = strategy_of(json.loads(sys.argv[1]), int(sys.argv[2]))
sys.path.insert(0, "tests")
spec = importlib.util.spec_from_file_location("cases", "tests/autoencoders/training/test_several.py")
cases = importlib.util.module_from_spec(spec)
spec.loader.exec_module(cases)
with open(sys.argv[3], "wb") as file:
    pickle.dump({name: cases.trained(case, strategy) for name, case in cases.CASES.items()}, file)
"""


@pytest.fixture(scope="module")
def on_two(tmp_path_factory):
    """What each of two workers has trained, by case."""
    addresses = json.dumps([f"127.0.0.1:{free_port()}" for _ in range(2)])
    paths = [tmp_path_factory.mktemp("several") / "found" for _ in range(2)]

    def work(index: int) -> None:
        command = [sys.executable, "-c", PROGRAM, addresses, str(index), str(paths[index])]
        subprocess.run(command, cwd=ROOT, check=True, timeout=900, capture_output=True)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(work, range(2)))
    return [pickle.loads(path.read_bytes()) for path in paths]


def finite(values) -> np.ndarray:
    """Return the values with nan for infinity: which of the two a broken sum gives depends on its order."""
    return np.where(np.isfinite(values), values, np.nan)


@pytest.mark.parametrize("case", CASES)
def test_two_workers_train_as_one_process_does(case, on_two):
    (history, weights), (other_history, other_weights) = (worker[case] for worker in on_two)
    assert pickle.dumps(history) == pickle.dumps(other_history)
    assert [array.tobytes() for array in weights] == [array.tobytes() for array in other_weights]
    expected_history, expected_weights = trained(CASES[case])
    assert history.keys() == expected_history.keys()
    for key, values in expected_history.items():
        assert len(history[key]) == len(values)
        assert finite(history[key]) == pytest.approx(finite(values), abs=1e-5, nan_ok=True)
    for found, expected in zip(weights, expected_weights, strict=True):
        assert finite(found) == pytest.approx(finite(expected), abs=1e-4, nan_ok=True)
