import json

import pytest

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


def test_the_table_replaces_what_stands_between_the_markers_and_nothing_else():
    before = "Above\n\n<!-- benchmarks -->\nold\n<!-- /benchmarks -->\n\nBelow\n"
    once = tables.insert(before, "| a \\1 |\n")
    assert once == "Above\n\n<!-- benchmarks -->\n\n| a \\1 |\n\n<!-- /benchmarks -->\n\nBelow\n"
    assert tables.insert(once, "| a \\1 |") == once


def test_empty_markers_are_filled():
    assert "\nnew\n" in tables.insert("<!-- benchmarks -->\n<!-- /benchmarks -->\n", "new")


def test_without_markers_a_text_stays_as_it_is(tmp_path):
    file = tmp_path / "README.md"
    file.write_text("<!-- benchmarks --> alone\n", encoding="utf-8")
    assert not tables.insert_into(file, "new")
    assert file.read_text(encoding="utf-8") == "<!-- benchmarks --> alone\n"
    assert not tables.insert_into(tmp_path / "none.md", "new")


@pytest.fixture
def parts(monkeypatch, tmp_path):
    """Three parts instead of the real ones, the second of which fails, and a README of their own."""
    (tmp_path / "README.md").write_text("<!-- benchmarks -->\n<!-- /benchmarks -->\n", encoding="utf-8")
    monkeypatch.setattr(command, "ROOT", tmp_path)
    monkeypatch.setattr(command, "PARTS", {"first": Part, "second": Broken, "third": Part})
    return tmp_path


def test_a_part_that_fails_loses_itself_alone(parts, capsys):
    assert command.main(["--output", str(parts / "out")]) == 1
    assert list(results.load(parts / "out")) == ["first", "third"]
    assert "second: not measured: there is no such thing." in capsys.readouterr().out
    assert (parts / "README.md").read_text(encoding="utf-8").count("It took 3 seconds.") == 2
    assert "It took 3 seconds." in (parts / "out/results.md").read_text(encoding="utf-8")


def test_only_the_parts_named_are_measured(parts):
    assert command.main(["third", "--repetitions", "1", "--output", str(parts / "out")]) == 0
    assert results.load(parts / "out")["third"]["result"] == {"seconds": 1}
    assert list(results.load(parts / "out")) == ["third"]


def test_a_quick_run_leaves_the_readme_alone(parts):
    assert command.main(["first", "--quick", "--output", str(parts / "out")]) == 0
    assert "It took" not in (parts / "README.md").read_text(encoding="utf-8")
    assert "With `--quick`" in (parts / "out/results.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("arguments", [["fourth"], ["--repetitions", "0"]])
def test_a_mistake_on_the_command_line_is_said(parts, arguments, capsys):
    with pytest.raises(SystemExit):
        command.main(arguments)
    assert "error:" in capsys.readouterr().err
