"""A run says how much noise its rows have and what was done about it, in its results, its text and its report."""

import numpy as np
import pytest

import recurra as rc
from recurra.cli import main
from recurra.experiment import read_run
from recurra.experiment.noise import noise_in_words, noise_met


def test_a_run_says_what_was_noticed_and_done(tmp_path, capsys):
    rows = np.sin(0.1 * np.arange(600)) + 0.05 * np.random.default_rng(0).standard_normal(600)
    np.savetxt(tmp_path / "wave.csv", rows, header="x", comments="")
    words = ["fit", str(tmp_path / "wave.csv"), "--learner", "denoised", "--out", str(tmp_path / "run")]
    words += ["--set", "parameters.settings.units=30", "--set", "parameters.settings.washout=30", "--quiet"]
    assert main(words) == 0
    noise = read_run(tmp_path / "run").results["noise"]
    assert noise["relative"]["x"] == pytest.approx(0.05 / np.sqrt(0.5 + 0.05**2), rel=0.2)
    assert noise["found"]["x"] is True
    said = noise_in_words(noise)
    assert said in capsys.readouterr().out
    assert "Is there noise?" in (tmp_path / "run" / "report.html").read_text()
    assert ("were filtered" in said) == (noise["gain"] < 1)


def test_of_a_learner_that_does_not_look_nothing_is_said():
    assert noise_met(rc.Persistence().fit(np.sin(np.arange(30.0)))) is None
