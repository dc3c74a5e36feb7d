import zipfile

import numpy as np
import pytest

from autoencoders.core.errors import InputError
from stages.shared import files


@pytest.fixture
def targets(tmp_path):
    return tmp_path / "data" / "folder", tmp_path / "metrics" / "file.json"


def test_targets_appear_only_at_the_end_and_whole(targets):
    with files.whole(*targets) as (folder, file):
        (folder / "a.txt").write_text("a")
        files.write_json(file, {"b": 1})
        assert not any(target.exists() for target in targets)
    assert (targets[0] / "a.txt").read_text() == "a"
    assert files.read_json(targets[1]) == {"b": 1}


def test_after_a_failure_neither_new_nor_old_targets_nor_stand_ins_are_there(targets, tmp_path):
    with files.whole(*targets) as (folder, file):
        (folder / "old.txt").write_text("old")
        file.write_text("{}")
    with pytest.raises(KeyboardInterrupt), files.whole(*targets) as (folder, file):
        (folder / "new.txt").write_text("new")
        raise KeyboardInterrupt
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_target_that_was_never_written_is_a_failure_of_them_all(targets):
    with pytest.raises(FileNotFoundError), files.whole(*targets):
        pass
    assert not any(target.exists() for target in targets)


def test_what_an_interrupted_run_left_is_cleared_away(targets):
    leftover = targets[0].with_name(".partial-folder")
    leftover.mkdir(parents=True)
    (leftover / "stale.txt").write_text("stale")
    with files.whole(targets[0]):
        pass
    assert list(targets[0].iterdir()) == []


def test_json_numbers_are_rounded_to_six_digits_and_null_stays(tmp_path):
    file = tmp_path / "scores.json"
    files.write_json(file, {"a": np.float32(1 / 3), "b": {"c": [np.int64(2), None]}})
    assert files.read_json(file) == {"a": 0.333333, "b": {"c": [2, None]}}


@pytest.mark.parametrize("content", [None, b"", b"\x93NUMPY", b"{"])
def test_a_missing_or_damaged_file_is_named(tmp_path, content):
    file = tmp_path / "file"
    if content is not None:
        file.write_bytes(content)
    for read in (files.read_array, files.read_json):
        with pytest.raises(InputError, match=f"{file} is missing or is no"):
            read(file)


def test_arrays_are_opened_memory_mapped_and_read_only(tmp_path):
    np.save(tmp_path / "a.npy", np.arange(3))
    array = files.read_array(tmp_path / "a.npy")
    assert isinstance(array, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        array[0] = 1


@pytest.mark.parametrize("shape", [(7,), (7, 3), (7, 2, 3, 1), (0, 4)])
@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.float32])
def test_an_array_written_in_blocks_is_the_file_that_numpy_saves(tmp_path, shape, dtype):
    array = np.arange(np.prod(shape)).reshape(shape).astype(dtype)
    np.save(tmp_path / "whole.npy", array)
    # A block may come as another type; it is written as the array's.
    blocks = (array[start : start + 3].astype(np.float64) for start in range(0, shape[0], 3))
    files.write_array(tmp_path / "blocks.npy", shape, dtype, blocks)
    assert (tmp_path / "blocks.npy").read_bytes() == (tmp_path / "whole.npy").read_bytes()


@pytest.mark.parametrize("wrong", [(4, 3), (6, 3), (5, 2)])
def test_blocks_that_do_not_add_up_to_the_array_are_refused(tmp_path, wrong):
    with pytest.raises(ValueError, match="instead of"):
        files.write_array(tmp_path / "array.npy", (5, 3), np.float32, [np.zeros(wrong)])


@pytest.mark.parametrize("shape", [(7,), (7, 3), (7, 2, 3, 1)])
def test_rows_of_a_stored_array_are_those_of_the_array_and_the_callers_own(tmp_path, shape):
    array = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    np.save(tmp_path / "a.npy", array)
    stored = files.StoredArray(tmp_path / "a.npy")
    assert (len(stored), stored.shape, stored.dtype) == (7, shape, np.float32)
    for key in (slice(None), slice(2, 5), slice(5, 99), slice(5, 2), slice(-2, None), np.array([6, 0, 0, 3])):
        found = stored[key]
        assert type(found) is np.ndarray and found.dtype == np.float32
        assert found.tolist() == array[key].tolist()
        found[:] = -1
    assert (stored[:] == array).all()


def test_a_stored_array_that_is_missing_or_cut_short_is_named(tmp_path):
    file = tmp_path / "a.npy"
    with pytest.raises(InputError, match=f"{file} is missing or is no NumPy file"):
        files.StoredArray(file)
    np.save(file, np.arange(1000))
    stored = files.StoredArray(file)
    file.write_bytes(file.read_bytes()[:-8])
    assert stored[998:999].tolist() == [998]
    for read in (lambda: stored[990:], lambda: stored[np.array([3, 999])], lambda: files.StoredArray(file)):
        with pytest.raises(InputError, match=f"{file} is missing or is no NumPy file"):
            read()


def test_only_an_empty_cell_of_a_table_is_missing(tmp_path):
    file = tmp_path / "a.csv"
    file.write_text("network,loss\nNA,1\nnull,\nnan,2\n")
    table = files.read_table(file)
    assert table["network"].tolist() == ["NA", "null", "nan"]
    assert table["loss"].isna().tolist() == [False, True, False]


def test_arrays_of_one_file_are_the_same_bytes_by_any_python(tmp_path):
    arrays = {"images": np.arange(6, dtype=np.uint8).reshape(2, 3), "scale": np.float32(0.5), "none": np.empty((0, 2))}
    files.write_arrays(tmp_path / "a.npz", arrays)
    with np.load(tmp_path / "a.npz") as found:
        assert list(found) == list(arrays)
        assert all(np.array_equal(found[name], array) for name, array in arrays.items())
        assert all(found[name].dtype == array.dtype for name, array in arrays.items())
    # `numpy.savez` writes the version 20 by Python 3.11.2 and 45 by 3.11.7, for sizes of 64 bits.
    with zipfile.ZipFile(tmp_path / "a.npz") as archive:
        assert {each.extract_version for each in archive.infolist()} == {20}
        assert {(each.date_time, each.extra) for each in archive.infolist()} == {((1980, 1, 1, 0, 0, 0), b"")}
