"""`recurra data`: a look at a series before anything is learned from it."""

import json

import numpy as np
import pytest
from scipy.signal import lfilter

from recurra.cli import main


def test_the_autocorrelation_time_of_a_file(tmp_path, results):
    # AR(1) with 0.9: (1 + 0.9) / (1 - 0.9) = 19 steps
    noise = np.random.default_rng(0).standard_normal(101_000)
    np.savetxt(tmp_path / "ar.csv", lfilter([1.0], [1.0, -0.9], noise)[1000:], header="x", comments="")
    found = results("data", str(tmp_path / "ar.csv"), "--dt", "0.5")
    (channel,) = found["channels"]
    assert found["rows"] == 100_000
    assert channel["autocorrelation_time"] == pytest.approx(0.5 * 19, rel=0.15)
    assert channel["effective_samples"] == pytest.approx(100_000 / 19, rel=0.15)


def test_a_data_set_with_gaps(results):
    found = results("data", "dataset:co2")
    assert (found["rows"], found["missing_rows"], found["start"]) == (2284, 59, "1958-03-29")
    assert "Keeling" in found["provenance"]["citation"]


def test_text(capsys):
    assert main(["data", "dataset:co2"]) == 0
    text = capsys.readouterr().out
    assert text.startswith("dataset:co2: 2,284 rows, 1958-03-29 to 2001-12-29\nsampling: every 7 d\n")
    assert "missing: values in 59 rows, at most 18 in a row" in text
    assert "ppmv" in text


def test_breaks_and_traps_are_told(tmp_path, capsys):
    rows = [f"{t},{5 if t % 2 else -999},3" for t in [*range(10), *range(30, 40)]]
    (tmp_path / "gappy.csv").write_text("t,x,y\n" + "\n".join(rows) + "\n")
    assert main(["data", str(tmp_path / "gappy.csv")]) == 0
    text = capsys.readouterr().out
    assert "breaks: 1, the longest 21; segments of 10 to 10 rows" in text
    assert "y: constant (3)" in text


def test_a_simulation(results):
    found = results("data", "system:lorenz63", "--steps", "500")
    assert (found["rows"], [entry["name"] for entry in found["channels"]]) == (501, ["x", "y", "z"])


def test_out_and_refusals(wave, results, capsys):
    found = results("data", "wave.csv", "--out", "d.json")
    assert json.loads((wave / "d.json").read_text())["sha256"] == found["sha256"]
    assert main(["data", "wave.csv", "--out", "d.json"]) == 2
    assert main(["data", "absent.csv"]) == 3
    assert main(["data"]) == 2
    capsys.readouterr()
