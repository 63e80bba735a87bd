"""The contract of a suite, its rows and its tables; and that every suite keeps the contract."""

import json
import warnings

import numpy as np
import pytest

from recurra.errors import ConfigError, DataError, RecurraWarning
from recurra.estimators import LEARNERS
from recurra.suites import Case, Entry, Measure, Published, Suite, markdown, measure_rows, read_rows, suites, summarise

MEASURED = []


def measure(case):
    MEASURED.append(case.key)
    if case.entry.name == "b":
        warnings.warn("runs away", RecurraWarning, stacklevel=1)
    return {"error": [case.seed + 1.0, 4.0], "extra": np.float64("inf"), "settings": {"ridge": 1e-8}}


def toy(**changes):
    options = {
        "name": "toy",
        "title": "a toy",
        "protocol": "none",
        "source": "none",
        "measures": (Measure("error", "error, m", "lower", "rms"), Measure("extra", "extra")),
        "entries": (Entry("a", "esn", {"units": 5}, {"dt": 0.1}), Entry("b", "linear", seeded=False)),
        "published": (Published("somebody", "error", 0.5, "a paper"),),
        "measure": measure,
        "seeds": 2,
    }
    return Suite(**{**options, **changes})


def rows_of(path, suite=None, **options):
    suite = suite or toy()
    MEASURED.clear()
    return measure_rows(suite, suite.cases(suite.entries), path, command="recurra bench toy", **options)


def test_rows_are_measured_once_and_hold_what_they_were_made_with(tmp_path):
    path = tmp_path / "rows.jsonl"
    told = []
    first = rows_of(path, told=told.append)
    assert MEASURED == [("a", 0, ""), ("a", 1, ""), ("b", 0, "")]
    assert told == first == read_rows(path, toy())
    assert first[0]["given"] == {"dt": 0.1, "units": 5}
    assert first[0]["settings"] == {"ridge": 1e-8}
    assert first[0]["error"] == [1.0, 4.0]
    assert first[0]["extra"] is None  # infinity is no JSON
    assert (first[0]["learner"], first[0]["command"]) == ("esn", "recurra bench toy")
    assert {"cpu", "seconds", "made", "versions"} <= set(first[0])
    assert "warnings" not in first[0]
    assert first[2]["warnings"] == ["runs away"]
    assert rows_of(path) == first
    assert MEASURED == []


def test_a_line_that_was_cut_off_is_measured_again(tmp_path):
    path = tmp_path / "rows.jsonl"
    whole = rows_of(path)
    text = path.read_text()
    path.write_text(text[:-20])
    assert [row["name"] for row in read_rows(path, toy())] == ["a", "a"]
    again = rows_of(path)
    assert MEASURED == [("b", 0, "")]
    assert [row["error"] for row in again] == [row["error"] for row in whole]
    assert path.read_text().count("\n") == 3


def test_rows_of_other_settings_are_refused_and_replaced_on_request(tmp_path):
    path = tmp_path / "rows.jsonl"
    rows_of(path)
    other = toy(entries=(Entry("a", "esn", {"units": 6}, {"dt": 0.1}),))
    with pytest.raises(ConfigError, match="measure it anew with --force"):
        rows_of(path, other)
    rows = rows_of(path, other, again=True)
    assert [(row["name"], row["given"].get("units")) for row in rows] == [("b", None), ("a", 6), ("a", 6)]


@pytest.mark.parametrize("line", ["{", '{"suite": "other", "name": "a", "seed": 0, "given": {}}', "[1]", '{"a": NaN}'])
def test_a_foreign_file_is_refused(tmp_path, line):
    path = tmp_path / "rows.jsonl"
    path.write_text(line + "\n")
    with pytest.raises(DataError, match="line 1"):
        rows_of(path)
    assert path.read_text() == line + "\n"


def test_a_measure_that_is_not_given_is_refused(tmp_path):
    with pytest.raises(DataError, match="gives no error, extra"):
        rows_of(tmp_path / "rows.jsonl", toy(measure=lambda case: {}))


def test_entries_by_name_by_learner_and_any_learner():
    suite = toy()
    assert [entry.name for entry in suite.chosen()] == ["a", "b"]
    assert [entry.name for entry in suite.chosen(["esn", "a"])] == ["a"]
    (gru,) = suite.chosen(["gru"])
    assert (gru.name, gru.learner, gru.given, gru.seeded) == ("gru dt=0.1", "gru", {"dt": 0.1}, True)
    assert not suite.chosen(["seasonal"])[0].seeded
    with pytest.raises(ConfigError, match="did you mean 'lstm'"):
        suite.chosen(["lsmt"])
    with pytest.raises(ConfigError, match="unknown learner of toy 'gru'"):
        toy(any_learner=False).chosen(["gru"])


def test_cases_are_every_seed_and_part(tmp_path):
    suite = toy(parts=lambda data: ("x", "y"))
    keys = [case.key for case in suite.cases(suite.entries, seeds=2, first=3)]
    assert keys == [("a", 3, "x"), ("a", 3, "y"), ("a", 4, "x"), ("a", 4, "y"), ("b", 3, "x"), ("b", 3, "y")]
    with pytest.raises(ConfigError, match="`seeds` must be at least 1"):
        suite.cases(suite.entries, seeds=0)
    with pytest.raises(ConfigError, match="takes no file"):
        suite.cases(suite.entries, data=tmp_path / "a")
    with pytest.raises(ConfigError, match="needs a file, a table"):
        toy(needs="a table").cases(suite.entries)


def test_a_case_builds_its_learner():
    model = Case(Entry("a", "esn", {"units": 5}), seed=7).build(units=9, washout=3)
    assert (model.units, model.washout, model.seed) == (5, 3, 7)
    assert Case(Entry("b", "linear", seeded=False)).build(max_order=3).max_order == 3


def test_summary_over_seeds_and_starts(tmp_path):
    lines = summarise(toy(), rows_of(tmp_path / "rows.jsonl"))
    assert [(line["name"], line["measure"]) for line in lines] == [
        ("a", "error"), ("a", "extra"), ("b", "error"), ("b", "extra")
    ]  # fmt: skip
    error = lines[0]  # of 1, 4, 2, 4
    assert (error["median"], error["mean"]) == (3.0, np.sqrt(37 / 4))
    assert (error["low"], error["high"]) == pytest.approx((1.3, 4.0))
    assert (error["least"], error["greatest"], error["values"], error["lost"], error["rows"]) == (1.0, 4.0, 4, 0, 2)
    assert (lines[1]["median"], lines[1]["values"], lines[1]["lost"]) == (None, 0, 2)


def test_markdown_has_a_line_for_each_and_what_is_published(tmp_path):
    text = markdown(toy(), rows_of(tmp_path / "rows.jsonl")).splitlines()
    assert text[2].startswith("| a | error, m | 3 | 3.041 | 1.3 | 4 | 1 | 4 | 4 |")
    assert text[3].startswith("| a | extra | - | - |")
    assert text[-1] == "| somebody | error, m | 0.5 | a paper |"


@pytest.mark.parametrize("name", [*suites()])
def test_every_suite_keeps_the_contract(name):
    found = suites()[name]
    assert found.name == name
    assert found.title
    assert found.protocol.endswith(".")
    names = [entry.name for entry in found.entries]
    assert len(set(names)) == len(names) > 0
    measures = {each.name for each in found.measures}
    assert {each.measure for each in found.published} <= measures
    assert not measures & {"suite", "name", "learner", "seed", "part", "given", "cpu", "seconds", "settings"}
    for entry in found.entries:
        json.dumps(entry.given, allow_nan=False)
        if entry.learner in LEARNERS:
            Case(entry).build()  # knows all of its settings
