import importlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import recurra
from recurra.cli import main
from recurra.experiment import RunDirectory, make_config
from recurra.storage import read_checkpoint

FIT = ["fit", "wave.csv", "--learner", "esn", "--set", "units=30", "--set", "washout=10"]


def test_a_fit_prints_a_table_and_the_path_of_the_report(wave, capsys):
    assert main(FIT) == 0
    shown = capsys.readouterr()
    (run,) = (wave / "runs").iterdir()
    assert run.name.startswith("wave-esn-")
    assert shown.out.splitlines()[0] == "esn on wave.csv: trained on 192 rows, forecast 48"
    for name in ("esn", "persistence", "climatology", "linear"):
        assert any(line.startswith(name) for line in shown.out.splitlines()[2:])
    assert shown.out.splitlines()[-1] == f"runs/{run.name}/report.html"
    assert "running esn" in shown.err
    assert "<svg" in (run / "report.html").read_text()


def test_json_holds_the_scores_and_stderr_the_narration(wave, results, capsys):
    found = results(*FIT, "--out", "run")
    assert found["run"] == "run"
    assert (
        found["score"]["closed_loop"]["rmse"] < 1e-3 < found["score"]["closed_loop"]["baselines"]["persistence"]["rmse"]
    )
    assert found["score"]["one_step"]["baselines"].keys() == found["score"]["closed_loop"]["baselines"].keys()
    assert json.loads((wave / "run" / "metrics.json").read_text())["command"][:3] == [
        "recurra",
        "fit",
        "wave.csv",
    ]


@pytest.mark.parametrize(
    ("learner", "settings"),
    [("local-esn", ["units=20", "washout=10"]), ("local-ng-rc", ["degree=2", "lags=1"])],
)
def test_a_field_is_learnt_with_the_settings_of_its_grid(learner, settings, wave, results):
    t = np.arange(120)[:, None]
    np.savetxt("field.csv", np.sin(0.3 * t + np.arange(4)), delimiter=",", header="a,b,c,d", comments="")
    given = [*settings, "shape=[2, 2]", "group=[1, 2]", "halo=1", "shared=true", "boundary=periodic", "ridge=1e-6"]
    words = ["fit", "field.csv", "--learner", learner, *(word for each in given for word in ("--set", each))]
    assert results(*words)["channels"] == ["a", "b", "c", "d"]
    model = recurra.load(Path(results(*words)["run"]) / "model.safetensors")
    found = [model.get_params()[name] for name in ("shape", "group", "shared")]
    assert (model.kind, found) == (learner, [[2, 2], [1, 2], True])


def test_a_finished_run_is_shown_not_repeated(wave, results, monkeypatch):
    first = results(*FIT)
    monkeypatch.setattr("recurra.experiment.run_fit", None)  # calling it would fail
    assert results(*FIT) == first


def test_force_starts_anew(wave, results):
    results(*FIT, "--out", "run")
    (wave / "run" / "forecast.csv").write_text("spoilt")
    results(*FIT, "--out", "run", "--force")
    assert (wave / "run" / "forecast.csv").read_text() != "spoilt"


def test_an_unfinished_run_resumes(wave, results, capsys):
    results(*FIT, "--out", "run")
    (wave / "run" / "metrics.json").unlink()
    assert main([*FIT, "--out", "run"]) == 0
    assert "resuming esn" in capsys.readouterr().err


@pytest.mark.bad_input(42)
def test_another_configuration_in_the_same_directory(wave, results, capsys):
    results(*FIT, "--out", "run")
    assert main([*FIT, "--out", "run", "--seed", "1"]) == 2
    assert "seed: 0 there, 1 now" in capsys.readouterr().err


@pytest.mark.bad_input(42)
def test_changed_data_in_the_same_directory(wave, results, capsys):
    results(*FIT, "--out", "run")
    path = wave / "wave.csv"
    path.write_text(path.read_text().replace("1,0.", "1,1.", 1))
    path.write_text("\n".join(path.read_text().splitlines()[:-1]))
    assert main([*FIT, "--out", "run"]) == 2
    assert "data.sha256" in capsys.readouterr().err


def test_the_resolved_configuration_repeats_the_run(wave, results):
    first = results(*FIT, "--out", "run")
    second = results("fit", "--config", "run/config.toml", "--out", "again")
    assert second["score"] == first["score"]
    assert second["config_sha256"] == first["config_sha256"]


def test_options_of_the_data(wave, results):
    found = results(
        *FIT[:2], "--learner", "linear", "--channels", "x", "--inputs", "v", "--split", "0.5", "--name", "a b"
    )
    assert found["channels"] == ["x"]
    assert found["rows"] == {"train": 120, "gap": 0, "test": 120}
    assert found["run"].startswith("runs/a-b-")


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["--learner", "lsmt"], 2, "did you mean 'lstm'"),
        (["--set", "untis=3"], 2, "did you mean 'units'"),
        (["--set", "units"], 2, "key=value"),
        (["--set", "units=0"], 2, "units"),
        (["--seed", "1", "--set", "seed=2"], 2, "given twice"),
        (["--config", "absent.toml"], 2, "absent.toml"),
        (["--steps", "5"], 2, "no meaning for a file"),
        (["--channels", "y"], 2, "y"),
        (["--set", "washout=5000"], 2, "5000 + 3 = 5003 rows in one piece, and the longest series has 192"),
    ],
)
def test_refusals_leave_no_run_behind(wave, capsys, words, code, message):
    assert main(["fit", "wave.csv", "--learner", "esn", *words]) == code
    assert message in capsys.readouterr().err
    assert not any((wave / "runs").glob("*"))


def test_data_that_are_refused(wave, capsys):
    (wave / "bad.csv").write_text("t,x\n0,1\n1,nan\n2,3\n")
    assert main(["fit", "bad.csv"]) == 3
    assert main(["fit", "absent.csv"]) == 3
    assert main(["fit", "system:lorenz_63"]) == 2
    assert "did you mean 'lorenz63'" in capsys.readouterr().err


def test_a_system_as_data(wave, results):
    found = results(
        "fit", "system:Lorenz63", "--steps", "400", "--learner", "linear", "--set", "data.parameters.rho=20"
    )
    assert found["rows"] == {"train": 321, "gap": 0, "test": 80}


def test_missing_values_from_the_file_to_the_report(wave, results, capsys):
    lines = (wave / "wave.csv").read_text().splitlines()
    holed = [line if k % 17 else line.rpartition(",")[0] + ",-999" for k, line in enumerate(lines)]
    (wave / "holed.csv").write_text("\n".join([lines[0], *holed[1:]]) + "\n")
    words = ["fit", "holed.csv", "--missing=-999", "--learner=esn", "--set=units=30", "--set=washout=10", "--out=run"]
    assert main(words) == 3
    assert "14 missing values, the first in line 18, column 'v'" in capsys.readouterr().err
    found = results(*words, "--gaps", "mask")
    assert found["score"]["closed_loop"]["missing"] == sum(k % 17 == 0 for k in range(193, 241))
    assert found["score"]["closed_loop"]["rows"] == 48
    assert "Growth of the forecast error" in (wave / "run" / "report.html").read_text()


def test_a_gap_is_known_and_not_trained_on(wave, results):
    words = ["--learner", "linear", "--set", "order=2", "--gap", "8", "--out", "run"]
    found = results("fit", "wave.csv", *words)
    assert found["rows"] == {"train": 192, "gap": 8, "test": 40}
    series = recurra.read_series("wave.csv")
    model = recurra.Linear(order=2).fit(series[:192])
    forecast = model.forecast(40, history=series[:200])
    assert forecast.times.tolist() == pytest.approx(series.times[200:].tolist(), abs=1e-12)
    assert results("forecast", "run")["values"]["x"] == forecast.values[:, 0].tolist()
    rmse = np.sqrt(((forecast.values - series.values[200:]) ** 2).mean())
    assert found["score"]["closed_loop"]["rmse"] == pytest.approx(rmse, rel=1e-12)
    assert results("score", "run")["score"] == found["score"]
    assert main(["fit", "wave.csv", "--gap", "-1"]) == 2
    assert main(["fit", "wave.csv", "--gap", "48"]) == 3


def test_seeds_of_a_learner_without_chance_name_one_run(wave, results):
    words = ["fit", "wave.csv", "--learner", "linear"]
    assert results(*words, "--seed", "5") == results(*words) == results(*words, "--seed", "6")
    assert results(*FIT, "--seed", "5")["run"] != results(*FIT)["run"]
    assert [entry["seed"] for entry in results(*FIT, "--seed", "5")["seeds"]] == [5]


def test_busy_and_unwritable_directories(wave, capsys):
    resolved = make_config(options={"data.source": "wave.csv", "learner": "esn"}).as_dict()
    with RunDirectory(wave / "run", resolved):
        assert main(["fit", "wave.csv", "--learner", "esn", "--out", "run"]) == 6
    assert f"process {os.getpid()}" in capsys.readouterr().err
    assert main(["fit", "wave.csv", "--out", "/proc/run"]) == 6
    assert main(["fit", "wave.csv", "--out", "."]) == 2
    assert "wave.csv" in capsys.readouterr().err


def test_a_full_disk_is_reported_and_the_same_command_finishes_later(wave, results):
    words = [sys.executable, "-m", "recurra.cli", *FIT, "--out", "run"]
    limited = ["bash", "-c", 'ulimit -f 4; exec "$@"', "bash", *words]  # a file may have 4 KiB, the data have more
    done = subprocess.run(limited, capture_output=True, text=True, check=False)
    assert done.returncode == 6
    assert "data.npz" in done.stderr
    assert not any(name.endswith(".tmp") for name in os.listdir("run"))
    assert results(*FIT, "--out", "run")["rows"]["test"] == 48


def test_without_matplotlib_the_run_still_finishes(wave, capsys, monkeypatch):
    report = importlib.import_module("recurra.report")
    monkeypatch.setattr(recurra, "report", report)  # the one that is imported below is not to stay in its place
    for name in [
        name for name in sys.modules if name.split(".")[0] == "matplotlib" or name.startswith("recurra.report")
    ]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert main([*FIT, "--out", "run"]) == 0
    shown = capsys.readouterr()
    assert "recurra[report]" in shown.err
    assert "recurra[report]" in (wave / "run" / "run.log").read_text()
    assert shown.out.splitlines()[-1] == "run"
    assert not (wave / "run" / "report.html").exists()


def test_a_bug_in_a_run_keeps_its_traceback_in_the_log(wave, capsys, monkeypatch):
    def fail(*_):
        raise ZeroDivisionError("nobody foresaw this")

    monkeypatch.setattr("recurra.experiment.fit.environment", fail)
    assert main([*FIT, "--out", "run"]) == 1
    assert "run.log" in capsys.readouterr().err
    assert "ZeroDivisionError: nobody foresaw this" in (wave / "run" / "run.log").read_text()


SLOWED = """
import sys, time
from recurra.cli import main
from recurra.cli.watch import Watch

check = Watch.check
Watch.check = lambda watch: (time.sleep(0.2), check(watch))  # so that the signal comes before the end
sys.exit(main(sys.argv[1:]))
"""
SETTINGS = ("units=8", "epochs=200", "bptt_length=8")
LONG = ["fit", "wave.csv", "--learner", "rnn", *(word for each in SETTINGS for word in ("--set", each))]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_stopped_by_a_signal_and_resumed(wave, results, number):
    whole = results(*LONG, "--out", "whole")
    words = [sys.executable, "-c", SLOWED, *LONG, "--out", "parts"]
    process = subprocess.Popen(words, stderr=subprocess.PIPE, text=True)
    checkpoint = Path("parts/checkpoint.safetensors")
    while not checkpoint.exists() and process.poll() is None:
        time.sleep(0.005)
    process.send_signal(number)
    _, narration = process.communicate()
    if number == signal.SIGKILL:
        assert process.returncode == -signal.SIGKILL
    else:
        assert process.returncode == 128 + number
        assert "the same command resumes" in narration
        assert read_checkpoint(checkpoint)[0]
    assert not Path("parts/metrics.json").exists()
    assert results(*LONG, "--out", "parts")["score"] == whole["score"]
    assert "resumed" in Path("parts/run.log").read_text()
    for name in ("model.safetensors", "forecast.csv", "history.jsonl"):
        assert Path("parts", name).read_bytes() == Path("whole", name).read_bytes()
