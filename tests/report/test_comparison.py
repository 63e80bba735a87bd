"""The sections of a comparison: medians as computed by hand, and a line for every run that learnt step by step."""

import pytest

from recurra.report.comparison import comparison_sections, learning_curves, verdict

METRICS = ("valid_time", "seconds")


def curve(*scores, start=1.0, validation=True):
    return [
        {"seconds": start + k, "passes": 2.0 * k + 2, "loss": 10 * v, "validation": v if validation else None}
        for k, v in enumerate(scores)
    ]


def test_tables_hold_medians_and_all_runs():
    rows = [
        {
            "learner": "lstm",
            "runs": 3,
            "failed": 1,
            "valid_time": {"median": 2.0, "low": 1.0, "high": 3.0},
            "seconds": {"median": 9.0, "low": 9.0, "high": 9.0},
        },
        {"learner": "mine", "runs": 1, "failed": 1, "valid_time": None, "seconds": None},
    ]
    runs = [
        {"learner": "lstm", "seed": 0, "reason": "", "valid_time": 1.0, "seconds": 8.0},
        {"learner": "lstm", "seed": 1, "reason": "dead\nmore", "valid_time": None, "seconds": None},
        {"learner": "mine", "seed": None, "reason": "", "valid_time": 0.5, "seconds": 2.0},
    ]
    results, every = comparison_sections(rows, runs, {}, METRICS)
    good, cost = results.tables
    assert good.rows == [["LSTM", "2.00 (1.00 – 3.00)"], ["mine", None]]
    assert cost.rows == [["LSTM", "9.00"], ["mine", None]]
    assert good.caption == "How good: medians of 3 seeds; 2 runs failed"
    assert every.tables[0].rows == [
        ["LSTM, seed 0", "finished", 1.0, 8.0],
        ["LSTM, seed 1", "dead", None, None],
        ["mine", "finished", 0.5, 2.0],
    ]
    assert every.tables[0].columns == ["Run", "how it ended", "valid time", "seconds"]
    assert every.tables[0].better == ["", "", "higher", ""]
    one = comparison_sections([{**rows[1], "failed": 1}], runs[2:], {}, METRICS)[0].tables[0]
    assert one.caption == "How good: 1 seed; 1 run failed"


def ranked(metric, **values):
    return [{"learner": name, metric: None if value is None else {"median": value}} for name, value in values.items()]


@pytest.mark.parametrize(
    ("metric", "values", "said"),
    [
        ("solved", {"esn": 1.0, "gru": 0.5, "lstm": 1.0}, "1, is that of esn and lstm."),
        ("solved", {"esn": 1.0, "gru": 1.0, "lstm": 1.0}, "1, is that of esn, gru and lstm."),
        ("solved", {"esn": 0.0, "gru": None}, "2 learners; no learner solved it."),
        ("solved", {"gru": None}, "No run has finished."),
        ("valid_time", {"esn": 6.5, "rnn": 0.5, "mean": None}, "longest median valid time, 6.5, is that of esn."),
    ],
)
def test_the_verdict_names_all_that_were_best(metric, values, said):
    assert verdict(ranked(metric, **values), metric).endswith(said)


def test_what_a_pass_is_depends_on_the_kind():
    rows = [{"learner": "lstm", "runs": 2, "failed": 0, "valid_time": None, "seconds": None}]
    texts = {}
    for kind in ("data", "task"):
        results, curves, _ = comparison_sections(rows, [], {"lstm": [curve(4, 1)]}, METRICS, kind=kind)
        texts[kind] = results.text, curves.figures[1]
    assert "Every run saw the same rows" in texts["data"][0]
    assert "same rows" not in texts["task"][0]
    assert "gradients over all training data" in texts["data"][1]
    assert "gradients of one sequence" in texts["task"][1]


def test_memory_is_told_in_mebibytes():
    run = {"learner": "lstm", "seed": 0, "reason": "", "peak_memory_bytes": 3 * 2**20}
    row = {
        "learner": "lstm",
        "runs": 1,
        "failed": 0,
        "peak_memory_bytes": {"median": 2**20, "low": 2**20, "high": 2**21},
    }
    results, every = comparison_sections([row], [run], {}, ["peak_memory_bytes"])
    assert results.tables[0].rows == [["LSTM", "1.00 (1.00 – 2.00)"]]
    assert every.tables[0].rows == [["LSTM, seed 0", "finished", 3.0]]


@pytest.mark.parametrize("x", ["seconds", "passes"])
def test_a_line_for_each_run_and_the_best_so_far(x):
    curves = {"lstm": [curve(4, 1, 2), curve(3, 2, 1.0)], "rnn": [curve(8.0, 8.0, 8.0)], "esn": [[]]}
    svg = learning_curves(curves, x)
    assert [f'-line-{k}"' in svg for k in range(4)] == [True, True, True, False]
    end = {"seconds": "3.00 seconds", "passes": "6.00 passes"}[x]
    assert f"median over the seeds: LSTM 1.00 after {end}; RNN 8.00 after {end}." in svg
    assert "The validation score against" in svg


def test_the_loss_where_one_of_them_has_no_validation():
    svg = learning_curves({"lstm": [curve(4, 1)], "rnn": [curve(8.0, 2, validation=False)]}, "passes")
    assert "The training loss against passes" in svg
    assert "LSTM 10.0 after 4.00 passes; RNN 20.0 after 4.00 passes." in svg


def test_no_curve_where_nothing_was_learnt_step_by_step():
    assert learning_curves({"esn": [[]]}, "seconds") == ""
    without = [{**point, "seconds": None} for point in curve(4, 1)]
    assert learning_curves({"lstm": [without]}, "seconds") == ""
    assert learning_curves({"lstm": [without]}, "passes") != ""
