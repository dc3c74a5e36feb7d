import os
import pickle
import pickletools

import numpy as np
import pytest

from autoencoders.core.errors import InputError
from autoencoders.sources import pickles

DATA = np.arange(24, dtype=np.uint8).reshape(4, 6)
LABELS = [3, 0, 9, 3]


def read(content: bytes, shape=(6,)):
    return pickles.labelled_images(content, "some_file", "CIFAR-10 batch", "data", "labels", shape)


def dumped(protocol=4, **changes) -> bytes:
    return pickle.dumps({"data": DATA, "labels": LABELS} | changes, protocol)


class Call:
    """Pickles as a call, which an ordinary unpickler makes."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize("protocol", [3, 4, 5])
@pytest.mark.parametrize("labels", [LABELS, np.array(LABELS), np.array(LABELS, np.uint8)], ids=["list", "64", "8"])
def test_pickles_of_python_3_are_read(protocol, labels):
    data, numbers = read(dumped(protocol, labels=labels))
    assert np.array_equal(data, DATA) and data.dtype == np.uint8
    assert numbers.tolist() == LABELS and numbers.dtype == np.int64


def test_pickles_of_python_2_are_read(python2_batch):
    data, numbers = read(python2_batch(DATA, LABELS))
    assert np.array_equal(data, DATA) and data.dtype == np.uint8
    assert numbers.tolist() == LABELS


def test_the_old_name_of_numpys_core_is_understood():
    content = dumped(3).replace(b"numpy._core.", b"numpy.core.")
    assert content != dumped(3)
    assert np.array_equal(read(content)[0], DATA)


@pytest.mark.parametrize("protocol", [2, 4])
@pytest.mark.parametrize(
    ("function", "arguments", "name"),
    [(os.system, ["touch {}"], "system"), (eval, ["open({!r}, 'w')"], "eval"), (os.mkdir, ["{}"], "mkdir")],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_doctored_pickle_runs_nothing(tmp_path, protocol, function, arguments, name):
    trace = tmp_path / "trace"
    call = Call(function, *(argument.format(str(trace)) for argument in arguments))
    content = dumped(protocol, labels=call) if protocol > 2 else pickle.dumps(call, protocol)
    with pytest.raises(InputError, match=rf"^some_file is not a CIFAR-10 batch: its pickle asks for \w+\.{name}, "):
        read(content)
    assert not trace.exists()
    pickle.loads(content)
    assert trace.exists(), "an ordinary unpickler should have run it, or the test proves nothing"


def test_functions_of_admitted_modules_are_refused_too():
    for module, name in [("numpy", "load"), ("numpy._core.multiarray", "fromfile"), ("numpy", "ndarray.tofile")]:
        # Protocol 4 looks up dotted names.
        names = b"".join(b"\x8c" + bytes([len(text)]) + text.encode() for text in (module, name))
        content = b"\x80\x04" + names + b"\x93."
        assert [opcode.name for opcode, *_ in pickletools.genops(content)][-2:] == ["STACK_GLOBAL", "STOP"]
        with pytest.raises(InputError, match=f"asks for {module}.{name}, "):
            read(content)


def test_a_pickle_cut_anywhere_is_refused(python2_batch):
    for whole in (dumped(4), dumped(5), python2_batch(DATA, LABELS)):
        for length in range(len(whole)):
            with pytest.raises(InputError, match="^some_file is not a CIFAR-10 batch: its pickle is damaged"):
                read(whole[:length])


def test_what_is_no_pickle_is_refused():
    with pytest.raises(InputError, match="its pickle is damaged"):
        read(b"<!DOCTYPE html><title>404</title>")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"data": DATA.tolist()}, r"its 'data' is not an array of uint8 \[N, 6\]"),
        ({"data": DATA.astype(np.float32)}, r"its 'data' is not an array of uint8"),
        ({"data": DATA[:, :5]}, r"its 'data' is not an array of uint8"),
        ({"data": DATA.reshape(4, 3, 2)}, r"its 'data' is not an array of uint8"),
        ({"data": DATA[:0], "labels": []}, r"its 'data' is not an array of uint8"),
        ({"labels": LABELS[:3]}, "its 'labels' are not 4 whole numbers"),
        ({"labels": [0.0, 1.0, 2.0, 3.0]}, "its 'labels' are not 4 whole numbers"),
        ({"labels": [True, False, True, False]}, "its 'labels' are not 4 whole numbers"),
        ({"labels": [[1], [2, 3], [4], [5]]}, "its 'labels' are not 4 whole numbers"),
        ({"labels": None}, "its 'labels' are not 4 whole numbers"),
        ({"labels": [0, 1, 2, 10]}, "its 'labels' are not all between 0 and 9"),
        ({"labels": [0, 1, 2, -1]}, "its 'labels' are not all between 0 and 9"),
    ],
)
def test_other_content_is_refused(changes, message):
    with pytest.raises(InputError, match=f"^some_file is not a CIFAR-10 batch: {message}"):
        read(dumped(**changes))


def test_missing_keys_and_other_containers_are_refused():
    with pytest.raises(InputError, match="it has no 'labels'"):
        read(pickle.dumps({"data": DATA}))
    with pytest.raises(InputError, match="it does not hold a dictionary"):
        read(pickle.dumps([DATA, LABELS]))


def test_class_names_are_text():
    names = [f"class {number}" for number in range(10)]
    for given in (names, [name.encode() for name in names]):
        content = pickle.dumps({"label_names": given}, 4)
        assert pickles.class_names(content, "meta", "CIFAR-10 file", "label_names") == names


@pytest.mark.parametrize("content", [{"label_names": ["one"]}, {"label_names": "0123456789"}, {}])
def test_other_class_names_are_refused(content):
    with pytest.raises(InputError, match="^meta is not a CIFAR-10 file: its 'label_names' is not a list of 10 names"):
        pickles.class_names(pickle.dumps(content, 4), "meta", "CIFAR-10 file", "label_names")
