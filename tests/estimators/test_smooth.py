"""A one-step R2 that says nothing is said to say nothing, in the scores, in the table and in the report."""

import numpy as np
import pytest

import recurra as rc
from recurra import report
from recurra.cli import main
from recurra.cli.tables import score_table
from recurra.data.leakage import check_scaling
from recurra.errors import DataError, RecurraWarning


def _spiral(step):
    """A damped rotation, sampled every `step` radians."""
    t = step * np.arange(round(30 / step))
    return np.exp(-0.05 * t)[:, None] * np.stack([np.cos(t), np.sin(t)], axis=1)


@pytest.mark.parametrize("learner", [rc.Linear(order=1), rc.Persistence()])
def test_finely_sampled_data_carry_a_note_with_the_r2_of_persistence(learner):
    rows = _spiral(0.005)
    cut = 4000
    score = learner.fit(rows[:cut]).score(rows[cut:])["one_step"]
    errors, truth = np.diff(rows[cut - 1 :], axis=0), rows[cut:]
    r2 = np.mean(1 - (errors**2).sum(axis=0) / ((truth - truth.mean(axis=0)) ** 2).sum(axis=0))
    assert r2 > 0.999
    (note,) = score["notes"]
    assert f"R2 = {r2:.8g}" in note[:40]
    assert "one-step R2 says nothing about this series: judge the closed loop, or sample more coarsely" in note


def test_coarsely_sampled_data_carry_none():
    rows = _spiral(0.3)
    assert "notes" not in rc.Linear(order=1).fit(rows[:80]).score(rows[80:])["one_step"]


def test_the_note_stands_under_the_table():
    rows = _spiral(0.005)
    score = rc.Linear(order=1).fit(rows[:4000]).score(rows[4000:])
    assert score_table("linear", score).splitlines()[-1] == score["one_step"]["notes"][0]


def test_the_command_and_its_report_say_so(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    np.savetxt("spiral.csv", _spiral(0.005), delimiter=",", header="x,v", comments="", fmt="%.17g")
    assert main(["fit", "spiral.csv", "--learner", "linear", "--set", "order=1", "--out", "run"]) == 0
    (note,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("Persistence alone")]
    assert note in report.run_report("run").sections[0].text


def test_learning_from_a_slice_of_what_was_scaled_whole_warns():
    rows = _spiral(0.3)
    whole = (rows - rows.mean(axis=0)) / rows.std(axis=0)
    with pytest.warns(RecurraWarning, match="the whole series was standardised, not the training part"):
        rc.Linear(order=1).fit(whole[:80])
    with pytest.raises(DataError):
        check_scaling(whole[:80], whole[80:])
