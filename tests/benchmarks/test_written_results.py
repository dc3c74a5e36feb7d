import json

import pytest
from small import ROOT

from benchmarks import __main__ as command
from benchmarks import results, tables
from benchmarks.measuring import BenchmarkError, summary

ORDER = ["first", "second", "third"]


class Part:
    TITLE = "A part"

    @staticmethod
    def lines(result):
        return [f"It took {result['seconds']} seconds."]

    @staticmethod
    def measure(options, log):
        return {"seconds": options.repetitions}


class Broken(Part):
    @staticmethod
    def measure(options, log):
        raise BenchmarkError("there is no such thing.")


def entry(result: dict, processor: str = "A processor", other_work: float = 0.0) -> dict:
    machine = {"processor": processor, "cores": 2, "memory_gib": 8.0, "versions": {"Python": "3.12"}}
    return {"machine": machine, "settings": {"quick": False, "other_work": other_work}, "result": result}


def test_a_part_joins_those_measured_before_in_the_order_of_all(tmp_path):
    results.merge(tmp_path, "third", entry({"seconds": 3}), ORDER)
    results.merge(tmp_path, "first", entry({"seconds": 1.23456789}), ORDER)
    found = results.merge(tmp_path, "third", entry({"seconds": 4}), ORDER)
    assert list(found) == ["first", "third"]
    assert found == json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))
    assert found["first"]["result"] == {"seconds": 1.2346}
    assert found["third"]["result"] == {"seconds": 4}


def test_a_damaged_file_is_not_overwritten(tmp_path):
    (tmp_path / "results.json").write_text("{", encoding="utf-8")
    with pytest.raises(BenchmarkError, match="no JSON"):
        results.merge(tmp_path, "first", entry({}), ORDER)
    assert (tmp_path / "results.json").read_text(encoding="utf-8") == "{"


def test_the_machine_stands_once_above_what_was_measured_on_it():
    measured = {"first": entry({"seconds": 1}), "second": entry({"seconds": 2}), "third": entry({"seconds": 3}, "B")}
    text = results.markdown(measured, dict.fromkeys(ORDER, Part))
    assert text.count("Measured on A processor, 2 cores, 8 GiB; Python 3.12.") == 1
    assert text.index("It took 2 seconds.") < text.index("Measured on B") < text.index("It took 3 seconds.")


def test_other_work_is_owned_up_to():
    assert "other programs" not in results.markdown({"first": entry({"seconds": 1})}, {"first": Part})
    busy = results.markdown({"first": entry({"seconds": 1}, other_work=0.37)}, {"first": Part})
    assert "Meanwhile other programs took 37 % of the processors." in busy


def test_what_was_skipped_says_why():
    text = results.markdown({"first": entry({"skipped": "it is too warm."})}, {"first": Part})
    assert "Skipped: it is too warm." in text


def test_a_table_is_markdown():
    assert tables.table(["a", "b"], [["1", "2"]]) == ["| a | b |", "|---|---|", "| 1 | 2 |"]


def test_figures_show_their_spread_where_there_is_one():
    assert tables.figure(summary([1234.5])) == "1,234.5"
    assert tables.figure(summary([1, 2, 4]), 2) == "2.00 (1.00 to 4.00)"
    assert tables.figure(summary([1e9, 3e9]), 0, " GB", 1e-9) == "2 GB (1 to 3)"
    assert tables.percent(summary([0.41])) == "41 %"
    assert tables.percent(summary([0.033])) == "3.3 %"


@pytest.fixture
def parts(monkeypatch, tmp_path):
    """Three parts instead of the real ones, the second of which fails, and a repository of their own."""
    monkeypatch.setattr(command, "ROOT", tmp_path)
    monkeypatch.setattr(command, "PARTS", {"first": Part, "second": Broken, "third": Part})
    return tmp_path


def test_a_part_that_fails_loses_itself_alone(parts, capsys):
    assert command.main(["--output", str(parts / "out")]) == 1
    assert list(results.load(parts / "out")) == ["first", "third"]
    assert "second: not measured: there is no such thing." in capsys.readouterr().out
    assert "It took 3 seconds." in (parts / "out/results.md").read_text(encoding="utf-8")


def test_a_part_that_is_stopped_leaves_what_it_yielded(parts, monkeypatch):
    def measure(options, log):
        yield {"seconds": 1}
        yield {"seconds": 2}
        raise BenchmarkError("there is no more.")

    monkeypatch.setattr(Part, "measure", staticmethod(measure))
    assert command.main(["first", "--output", str(parts / "out")]) == 1
    assert results.load(parts / "out")["first"]["result"] == {"seconds": 2}


def test_only_the_parts_named_are_measured(parts):
    assert command.main(["third", "--repetitions", "1", "--output", str(parts / "out")]) == 0
    assert results.load(parts / "out")["third"]["result"] == {"seconds": 1}
    assert list(results.load(parts / "out")) == ["third"]


def test_a_quick_run_writes_outside_the_repository_and_says_what_it_is(parts, monkeypatch, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    monkeypatch.setattr(command.tempfile, "gettempdir", lambda: str(elsewhere))
    assert command.main(["first", "--quick"]) == 0
    assert "With `--quick`" in (elsewhere / "benchmarks-quick/results.md").read_text(encoding="utf-8")
    assert not (parts / "benchmarks").exists()


def test_the_written_tables_are_those_of_the_written_measurements():
    measured = results.load(ROOT / "benchmarks")
    written = (ROOT / "benchmarks/results.md").read_text(encoding="utf-8")
    assert written == results.document(results.markdown(measured, command.PARTS))


@pytest.mark.parametrize("arguments", [["fourth"], ["--repetitions", "0"], ["--seeds", "-1"], ["--draws", "-1"]])
def test_a_mistake_on_the_command_line_is_said(parts, arguments, capsys):
    with pytest.raises(SystemExit):
        command.main(arguments)
    assert "error:" in capsys.readouterr().err
