import os
import time

import pytest

from benchmarks import measuring
from benchmarks.measuring import BenchmarkError, OtherWork, json_lines, machine, ratios, run, summary


def test_a_summary_holds_median_range_and_every_measurement():
    assert summary([3, 1, 2, 10]) == {"median": 2.5, "min": 1, "max": 10, "values": [3.0, 1.0, 2.0, 10.0]}


def test_ratios_are_of_measurements_made_one_beside_the_other():
    assert ratios([10, 30], [5, 10])["values"] == [2, 3]


def test_ratios_reuse_what_was_measured_less_often():
    assert ratios([12], [3, 4, 6])["values"] == [4, 3, 2]
    assert ratios([12, 24, 36], [4, 6])["values"] == [3, 4, 9]


def test_json_is_found_among_what_libraries_print():
    assert json_lines('a greeting\n{"epoch": 1}\nepoch 1/2 {...\n{"epoch": 2}\n') == [{"epoch": 1}, {"epoch": 2}]


def test_a_run_tells_time_memory_and_output(tmp_path):
    script = "import os, time; held = b'x' * (100 << 20); time.sleep(0.1); print(os.getcwd())"
    child = run(["python", "-c", script], tmp_path)
    assert child.output.strip() == os.path.realpath(tmp_path)
    assert 0.1 < child.seconds < 30
    assert 100 << 20 < child.own_memory <= child.peak_memory < 500 << 20
    assert child.status == 0


def test_a_failure_is_one_sentence_with_the_last_line_that_it_printed(tmp_path):
    with pytest.raises(BenchmarkError, match=r"ended with 3: the reason$"):
        run(["python", "-c", "print('the reason'); raise SystemExit(3)"], tmp_path)


def test_a_run_is_killed_at_its_limit_with_what_it_started(tmp_path):
    began = time.perf_counter()
    child = run(["sh", "-c", "sleep 60 & sleep 60"], tmp_path, limit=0.2, check=False)
    assert child.status == -9
    assert time.perf_counter() - began < 5


def test_other_work_is_what_is_left_of_the_busy_time(monkeypatch):
    used = iter([(100.0, 10.0), (108.0, 13.0)])
    monkeypatch.setattr(OtherWork, "_used", staticmethod(lambda: next(used)))
    now = iter([0.0, 5.0])
    monkeypatch.setattr("time.perf_counter", lambda: next(now))
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    assert OtherWork().share() == (8 - 3) / 10


def test_busy_time_contains_ones_own():
    busy, own = OtherWork._used()
    assert busy > own > 0


def test_a_relative_data_home_holds_in_every_folder(monkeypatch):
    monkeypatch.setenv(measuring.HOME_VARIABLE, "data")
    assert measuring.environment()[measuring.HOME_VARIABLE] == os.path.abspath("data")


def test_the_machine_has_a_name_and_versions(monkeypatch):
    monkeypatch.setattr(measuring, "version", lambda *packages: None if "torch" in packages else "1.0")
    found = machine()
    assert found["processor"]
    assert found["cores"] == os.cpu_count()
    assert found["memory_gib"] > 0
    assert "PyTorch" not in found["versions"]
    assert found["versions"]["Keras"] == "1.0"
