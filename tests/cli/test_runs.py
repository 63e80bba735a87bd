import csv
import json
import shutil

import numpy as np
import pytest

import recurra
from recurra.cli import main

FIT = ["fit", "wave.csv", "--learner", "esn", "--set", "units=30", "--set", "washout=10", "--out", "run"]


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    path = tmp_path_factory.mktemp("finished")
    t = 0.1 * np.arange(240)
    table = np.stack([t, np.sin(t), np.cos(t)], axis=1)
    np.savetxt(path / "wave.csv", table, delimiter=",", header="t,x,v", comments="", fmt="%.17g")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(path)
        assert main(FIT) == 0
    return path


@pytest.fixture
def run(finished, tmp_path, monkeypatch):
    shutil.copytree(finished, tmp_path / "here")
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "here" / "run"


def test_forecast_is_the_models_own(run, capsys, results):
    assert main(["forecast", "run", "--steps", "5"]) == 0
    rows = list(csv.DictReader(capsys.readouterr().out.splitlines()))
    forecast = recurra.load(run / "model.safetensors").forecast(5)
    assert [[float(row["x"]), float(row["v"])] for row in rows] == forecast.values.tolist()
    found = results("forecast", "run", "--steps", "5")
    assert found["time"] == forecast.times.tolist()
    assert found["values"]["v"] == forecast.values[:, 1].tolist()
    assert len(results("forecast", "run")["time"]) == 48


def test_forecast_into_a_file_never_replaces_one_unasked(run, capsys):
    assert main(["forecast", "run", "--csv", "f.csv"]) == 0
    assert capsys.readouterr().out == "f.csv\n"
    assert (run.parent / "f.csv").read_text().count("\n") == 49
    assert main(["forecast", "run", "--steps", "3", "--out", "f.csv"]) == 2
    assert main(["forecast", "run", "--steps", "3", "--out", "f.csv", "--force"]) == 0
    assert (run.parent / "f.csv").read_text().count("\n") == 4
    assert main(["forecast", "run", "--csv", "a", "--out", "b"]) == 2


def test_a_driven_model_is_forecast_as_far_as_its_drive_is_known(run, capsys):
    words = ["fit", "wave.csv", "--learner", "linear", "--channels", "x", "--inputs", "v", "--out", "driven"]
    assert main(words) == 0
    capsys.readouterr()
    assert main(["forecast", "driven", "--steps", "10"]) == 0
    rows = list(csv.DictReader(capsys.readouterr().out.splitlines()))
    series = recurra.read_series("wave.csv", channels=["x"], inputs=["v"])
    drive = series.split(0.8)[1].inputs[:10]
    model = recurra.load("driven/model.safetensors")
    forecast = model.forecast(10, inputs=drive)
    assert [[float(row["x"])] for row in rows] == forecast.values.tolist()
    assert [float(row["v"]) for row in rows] == pytest.approx(drive.values[:, 0].tolist(), rel=1e-12)
    assert not np.array_equal(
        model.forecast(10, inputs=drive).values, model.forecast(10, inputs=0 * drive.values).values
    )
    assert main(["forecast", "driven", "--steps", "49"]) == 2
    assert "known for 48 rows" in capsys.readouterr().err


def test_forecast_from_other_rows(run, results, capsys):
    lines = (run.parent / "wave.csv").read_text().splitlines()
    (run.parent / "other.csv").write_text("\n".join([lines[0], *lines[61:101]]) + "\n")
    found = results("forecast", "run", "--history", "other.csv", "--steps", "6")
    forecast = recurra.load(run / "model.safetensors").forecast(6, history=recurra.read_series("other.csv"))
    assert found["values"]["x"] == forecast.values[:, 0].tolist()
    assert found["time"] == pytest.approx([10 + 0.1 * k for k in range(6)], abs=1e-9)
    assert main(["forecast", "run", "--drive", "other.csv"]) == 2
    assert "the model has no drive" in capsys.readouterr().err


def test_forecast_with_a_drive_from_a_file(run, results, capsys):
    fit = ["fit", "wave.csv", "--learner", "linear", "--channels", "x", "--inputs", "v", "--out", "driven"]
    results(*fit)
    known, drive = recurra.read_series("wave.csv", channels=["x"], inputs=["v"]).split(0.8)
    (run.parent / "u.csv").write_text("t,v\n" + "".join(f"{t!r},0.5\n" for t in drive.times[:7].tolist()))
    found = results("forecast", "driven", "--drive", "u.csv")
    model = recurra.load("driven/model.safetensors")
    assert found["values"]["x"] == model.forecast(7, known, np.full((7, 1), 0.5)).values[:, 0].tolist()
    assert main(["forecast", "driven", "--drive", "u.csv", "--steps", "8"]) == 2
    assert "known for 7 rows: it cannot be run for 8 steps. Give `--drive` with more" in capsys.readouterr().err
    assert main(["forecast", "driven", "--history", "wave.csv"]) == 2
    assert "give its future with `--drive FILE`" in capsys.readouterr().err


def test_score_of_other_data(run, results):
    t = 0.1 * np.arange(90)
    table = np.stack([t, np.sin(t + 1), np.cos(t + 1)], axis=1)
    np.savetxt(run.parent / "new.csv", table, delimiter=",", header="t,x,v", comments="", fmt="%.17g")
    found = results("score", "run", "new.csv")
    expected = recurra.load(run / "model.safetensors").score(recurra.read_series("new.csv"))
    assert found["data"] == "new.csv"
    assert found["score"]["closed_loop"]["rmse"] == expected["closed_loop"]["rmse"]
    assert found["score"]["one_step"]["baselines"] == expected["one_step"]["baselines"]


def test_score_repeats_that_of_the_fit(run, results):
    kept = json.loads((run / "metrics.json").read_text())["results"]["score"]
    assert results("score", "run")["score"] == kept
    t = 40 + 0.1 * np.arange(100)
    table = np.stack([t, np.sin(t), np.cos(t)], axis=1)
    np.savetxt(run.parent / "later.csv", table, delimiter=",", header="t,x,v", comments="", fmt="%.17g")
    found = results("score", "run", "later.csv", "--out", "s.json")
    assert found["score"]["one_step"]["rmse"] < 1e-4
    assert json.loads((run.parent / "s.json").read_text()) == found


def test_score_of_other_data_that_do_not_fit(run, capsys):
    (run.parent / "other.csv").write_text("t,y\n0,1\n0.1,2\n")
    assert main(["score", "run", "other.csv"]) == 3
    assert "x" in capsys.readouterr().err


def test_report_is_written_anew(run, capsys):
    (run / "report.html").unlink()
    assert main(["report", "run"]) == 0
    assert capsys.readouterr().out == "run/report.html\n"
    assert "<svg" in (run / "report.html").read_text()
    assert main(["report", "run", "--out", "wave.csv"]) == 2


@pytest.mark.parametrize("command", ["forecast", "score", "report"])
def test_what_is_no_finished_run(run, capsys, command):
    assert main([command, "absent"]) == 6
    (run / "metrics.json").unlink()
    assert main([command, "run"]) == 6
    assert "not finished" in capsys.readouterr().err
    assert main([command, "run", "--set", "a=1"]) == 2


def test_a_damaged_model_is_refused(run, capsys):
    path = run / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-5])
    assert main(["forecast", "run", "--json"]) == 5
    shown = capsys.readouterr()
    assert json.loads(shown.out)["error"]["code"] == 5
    assert "truncated" in shown.err


@pytest.mark.parametrize("command", ["forecast", "score", "report"])
@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("metrics.json", '{"complete": true}'),
        ("config.toml", "x = 5"),
        ("data.npz", ""),
    ],
)
def test_a_damaged_run_is_refused(run, capsys, command, name, content):
    (run / name).write_text(content)
    assert main([command, "run", *(["wave.csv"] if command == "score" else [])]) == 6
    assert name in capsys.readouterr().err


def test_a_damaged_finished_run_is_not_shown(run, capsys):
    (run / "metrics.json").write_text('{"complete": true}')
    assert main(FIT) == 6
    assert "--force" in capsys.readouterr().err


def test_an_encrypted_member_is_refused(run, capsys):
    path = run / "data.npz"
    raw = bytearray(path.read_bytes())
    raw[raw.rindex(b"PK\x01\x02") + 8] |= 1  # the flag in the directory of the archive
    path.write_bytes(raw)
    assert main(["score", "run"]) == 6
    assert "encrypted" in capsys.readouterr().err


@pytest.mark.bad_input(39)
def test_names_that_are_too_long(run, capsys):
    name = "n" * 300
    for words in (["report", "run", "--out", name], ["forecast", "run", "--csv", name], ["systems", "--out", name]):
        assert main(words) == 6
        assert "File name too long" in capsys.readouterr().err
    assert main(["report", name]) == 6
