"""The parts of the benchmark that are not timings: what is compared, how tables are written, its data."""

import json
import math
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.integrate import solve_ivp

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # the benchmark is no part of the package

from benchmarks.speed import __main__ as command  # noqa: E402
from benchmarks.speed import training  # noqa: E402
from benchmarks.speed.measure import Contender, difference, run_case  # noqa: E402
from benchmarks.speed.pool import AbsentError, FailedError  # noqa: E402
from benchmarks.speed.reservoir_cases import lorenz  # noqa: E402
from benchmarks.speed.tables import Table, best, digits, ratio, write  # noqa: E402
from benchmarks.speed.training_cases import batches, flops, rows  # noqa: E402


class FakePool:
    """Answers like the processes of the libraries: entries that take the seconds they are told to."""

    def __init__(self, seconds: dict[str, float], checks: dict[str, float]) -> None:
        self.seconds, self.checks, self.timed = seconds, checks, []

    def drop(self) -> None:
        self.timed.clear()

    def ask(self, library: str, request: dict) -> dict:
        name = request["entry"]
        if request["do"] == "build":
            if name not in self.checks:
                raise AbsentError("it is not there")
            return {"check": {"loss": [self.checks[name]]}, "first": None, "facts": {}}
        self.timed.append(name)
        return {"seconds": self.seconds[name], "cpus": 1.0}


def contender(name: str, *variants: dict) -> Contender:
    return Contender(name, name, "module:build", variants or ({},))


def test_the_best_variant_counts_and_a_slow_one_is_tried_once():
    pool = FakePool(
        {"ours default": 1.0, "peer threads 1": 4.0, "peer threads 2": 3.0},
        {"ours default": 2.0, "peer threads 1": 2.0, "peer threads 2": 2.0},
    )
    lines = [contender("ours"), contender("peer", {"threads": 1}, {"threads": 2})]
    found = run_case(pool, lines, {}, repeats=3, tolerances={"loss": 1e-5})  # type: ignore[arg-type]
    assert found["peer"]["variant"] == "threads 2"
    assert found["peer"]["seconds"] == 3.0
    assert pool.timed.count("peer threads 1") == 1
    assert pool.timed[-6:] == ["ours default", "peer threads 2"] * 3  # in turn


def test_an_entry_that_computes_something_else_is_not_timed():
    pool = FakePool({"ours default": 1.0, "peer default": 0.1}, {"ours default": 2.0, "peer default": 2.001})
    found = run_case(pool, [contender("ours"), contender("peer")], {}, repeats=2, tolerances={"loss": 1e-5})  # type: ignore[arg-type]
    assert "seconds" not in found["peer"]
    assert "computes something else: loss 5.0e-04" in found["peer"]["reason"]
    assert "peer default" not in pool.timed


def test_without_a_reference_nothing_is_timed_and_the_reason_is_said():
    pool = FakePool({"peer default": 1.0}, {"peer default": 2.0})
    found = run_case(pool, [contender("ours"), contender("peer")], {}, repeats=2, tolerances={"loss": 1e-5})  # type: ignore[arg-type]
    assert found["ours"]["reason"] == "it is not there"
    assert "it is not there" in found["peer"]["reason"]
    assert pool.timed == []


@pytest.mark.parametrize("values", [[1.0], [1.0, math.nan], [math.inf, 2.0]])
def test_no_number_of_another_kind_is_equal(values: list[float]):
    assert not difference(values, [1.0, 2.0]) <= 1e300


def test_differences_are_relative_to_the_largest_number():
    assert difference([1.0, 100.1], [1.0, 100.0]) == pytest.approx(1e-3)


def test_numbers_have_three_digits():
    assert [digits(x) for x in (0.0, 999.6, 0.0004567, 41.26)] == ["0", "1000", "0.000457", "41.3"]
    assert ratio({"seconds": 1.0}, {"reason": "absent"}) == "-"
    assert best({"a": {"seconds": 2.0}, "b": {"reason": "absent"}}, ["a", "b", "c"]) == {"seconds": 2.0}


def test_a_table_goes_between_its_markers_alone(tmp_path: Path):
    page = tmp_path / "page.md"
    page.write_text(
        "before\n<!-- bench: a -->\nold\n<!-- end: a -->\nafter\n<!-- bench: b -->\nkept\n<!-- end: b -->\n"
    )
    write(page, "a", Table(["x"], [["1"]]).markdown())
    write(page, "a", Table(["x"], [["2"]]).markdown())
    text = page.read_text()
    assert text.startswith("before\n<!-- bench: a -->\n\n| x |\n|---|\n| 2 |\n\n<!-- end: a -->\nafter\n")
    assert "old" not in text
    assert "kept" in text
    with pytest.raises(ValueError, match="0 pairs of markers for 'c'"):
        write(page, "c", "text")


def test_a_line_fits_its_head():
    with pytest.raises(ValueError, match="a line of 1 cells under a head of 2"):
        Table(["a", "b"], [["1"]]).markdown()


def test_batches_are_windows_and_the_rows_after():
    values = rows(4, 6, 2)
    found = batches(values, 4, 3)
    scaled = ((values - values.mean(axis=0)) / values.std(axis=0)).astype(np.float32)
    assert len(found) == 2
    np.testing.assert_array_equal(found[1][0][0], scaled[3:7])
    np.testing.assert_array_equal(found[1][1][0], scaled[4:8])


def test_operations_of_a_layer_of_one_unit():
    # one step: U x, W h, b (3 multiply-adds), V h (1): 8 operations forward, three times that for an update
    assert flops(1, 1, 1, 1, 1) == 24


def test_the_rows_of_lorenz_are_a_solution():
    found = lorenz(60)
    field = lambda t, v: [10 * (v[1] - v[0]), v[0] * (28 - v[2]) - v[1], v[0] * v[1] - 8 / 3 * v[2]]  # noqa: E731
    times = 0.02 * np.arange(60)
    exact = solve_ivp(field, (0, times[-1]), found[0], method="DOP853", t_eval=times, rtol=1e-11, atol=1e-11).y.T
    np.testing.assert_allclose(found, exact, atol=1e-3)


def test_every_bar_of_the_training_has_a_case():
    assert list(training.BARS) == [str(shape) for shape in training.SHAPES]


@pytest.mark.parametrize("name", command.GROUPS)
def test_the_page_has_a_place_for_every_group(name: str):
    text = command.PAGE.read_text(encoding="utf-8")
    assert text.count(f"<!-- bench: {name} -->") == 1
    assert text.count(f"<!-- end: {name} -->") == 1


@pytest.mark.parametrize("path", sorted(command.RESULTS.glob("*.json")), ids=lambda path: path.stem)
def test_results_say_how_they_were_measured(path: Path):
    found = json.loads(path.read_text(encoding="utf-8"))
    assert found["schema"] == "recurra-bench/1"
    assert {"machine", "limits", "versions", "options", "cases"} <= found.keys()
    for case in found["cases"]:
        for entry in case["entries"].values():
            assert ("seconds" in entry) != ("reason" in entry)


def test_a_failure_of_absence_is_a_failure():
    assert issubclass(AbsentError, FailedError)


def test_cases_that_are_measured_again_take_their_places():
    old = {"group": "g", "machine": {"cpus": 2}, "versions": {"a": {"x": "1"}, "b": {"y": "1"}}, "seconds": 5.0}
    old["cases"] = [{"case": "one", "entries": 1}, {"case": "two", "entries": 2}]
    new = {
        **old,
        "versions": {"a": {"x": "1"}},
        "cases": [{"case": "two", "entries": 3}, {"case": "three", "entries": 4}],
    }
    found = command.merged(old, new)
    assert [(case["case"], case["entries"]) for case in found["cases"]] == [("one", 1), ("two", 3), ("three", 4)]
    assert found["seconds"] == 10.0
    for other in ({"machine": {"cpus": 4}}, {"versions": {"a": {"x": "2"}}}):
        with pytest.raises(SystemExit, match="measure the whole group"):
            command.merged(old, {**new, **other})
