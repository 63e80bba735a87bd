"""`recurra sweep`: rows side by side, failures among them, and going on where it stopped."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

import recurra
from recurra.cli import main


@pytest.fixture
def sweep(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    t = 0.2 * np.arange(300)
    np.savetxt(tmp_path / "wave.csv", np.sin(t) + 0.3 * np.sin(1.7 * t), header="x", comments="")

    def write(text):
        file = tmp_path / "sweep.toml"
        file.write_text('data.source = "wave.csv"\n' + text)
        return str(file)

    return write


def run(capsys, *words):
    code = main(["sweep", *words, "--json", "--out", "s"])
    out = capsys.readouterr().out
    return code, json.loads(out)["results"] if code in (0, 7) else json.loads(out)["error"]


def test_rows_are_what_fit_gives_alone(sweep, capsys):
    file = sweep('learner = "esn"\n[parameters]\nridge = 1e-8\nwashout = 20\n[grid]\nunits = [20, 30]\n')
    code, results = run(capsys, file)
    assert (code, results["failed"]) == (0, 0)
    words = ["fit", "wave.csv", "--learner=esn", "--set=units=30", "--set=ridge=1e-8", "--set=washout=20", "--json"]
    assert main([*words, "--out", "alone"]) == 0
    alone = json.loads(capsys.readouterr().out)["results"]
    assert results["rows"][1]["settings"] == {"units": 30}
    assert results["rows"][1]["score"] == alone["score"]
    row = Path("s/rows") / results["rows"][1]["run"]
    assert (row / "model.safetensors").read_bytes() == Path("alone/model.safetensors").read_bytes()
    before = (row / "model.safetensors").stat().st_mtime_ns
    assert run(capsys, file)[1]["rows"] == results["rows"]
    assert (row / "model.safetensors").stat().st_mtime_ns == before


@pytest.mark.bad_input(59)
def test_a_row_that_is_killed_is_reported_and_tried_again(sweep, capsys):
    file = sweep('[parameters]\n[grid]\nlearner = ["persistence", "linear"]\n')
    stop = threading.Event()
    killer = threading.Thread(target=kill_first, args=("-linear-", stop))
    killer.start()
    code, results = run(capsys, file, "--workers", "1")
    stop.set()
    killer.join()
    assert code == 7
    reasons = {row["settings"]["learner"]: row["reason"] for row in results["rows"]}
    assert reasons["persistence"] == ""
    assert reasons["linear"].startswith("killed by SIGKILL")
    assert results["failed"] == 1
    code, results = run(capsys, file)
    assert (code, results["failed"]) == (0, 0)


def test_rows_that_fail_are_rows_with_a_reason(sweep, capsys):
    file = sweep('learner = "persistence"\n[grid]\n"data.dt" = [1.0, 2.0]\n"data.channels" = [["x"], ["y"]]\n')
    code, results = run(capsys, file)
    assert (code, results["failed"]) == (7, 2)
    failed = [row for row in results["rows"] if row["reason"]]
    assert {tuple(row["settings"]["data.channels"]) for row in failed} == {("y",)}
    assert all(row["reason"].startswith("ConfigError: ") and row["score"] is None for row in failed)
    log = Path("s/run.log").read_text()
    assert "Traceback" in log
    assert not list(Path("s/rows").glob("*/.recurra-*"))


RERUN = ["--out", "s", "--quiet"]


@pytest.mark.parametrize("ways", [[], ["--workers", "2"], ["--dask", "1"]])
def test_killed_at_a_row_and_repeated(sweep, capsys, ways):
    if "--dask" in ways:
        pytest.importorskip("distributed", reason="needs the dask extra")
    file = sweep('learner = "esn"\n[parameters]\nridge = 1e-8\nwashout = 20\n[grid]\nunits = [20, 30, 40]\n')
    words = [sys.executable, "-m", "recurra.cli", "sweep", file, *RERUN, *ways]
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not finished() and process.poll() is None:
        time.sleep(0.01)
    process.kill()
    process.wait()
    before = finished()
    assert before
    code, results = run(capsys, file, *ways)
    assert (code, results["failed"]) == (0, 0)
    assert all((path.stat().st_mtime_ns) == when for path, when in before.items())
    again = run(capsys, file)[1]["rows"]
    assert again == results["rows"]
    assert [row["settings"]["units"] for row in again] == [20, 30, 40]
    assert not list(Path("s").rglob(".recurra-*")) + list(Path("s").rglob("*.task"))


def finished():
    """The results of the rows that are finished, and when they were written."""
    files = [path for path in Path("s/rows").glob("*/metrics.json") if '"complete": true' in path.read_text()]
    return {path: path.stat().st_mtime_ns for path in files}


@pytest.mark.parametrize("ways", [[], ["--workers", "1"]])
def test_stopped_after_a_checkpoint_and_resumed(sweep, capsys, ways):
    settings = "units = 4\nepochs = 60\nbptt_length = 8\nvalidation = 0.0"
    file = sweep(f'learner = "rnn"\n[parameters]\n{settings}\n[grid]\nseed = [0, 1]\n')
    words = [sys.executable, "-m", "recurra.cli", "sweep", file, *RERUN, *ways]
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    while not list(Path().glob("s/rows/*/checkpoint.safetensors")) and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(signal.SIGTERM)
    said = process.communicate()[1]
    assert process.returncode == 143, said
    assert "the same command resumes" in said
    assert list(Path().glob("s/rows/*/checkpoint.safetensors"))
    code, results = run(capsys, file)
    assert (code, results["failed"]) == (0, 0)
    log = next(path for path in Path().glob("s/rows/*/run.log") if "resumed" in path.read_text()).read_text()
    assert "resumed" in log


def test_out_of_core(sweep, capsys):
    zarr = pytest.importorskip("zarr", reason="needs the io extra")
    t = 0.2 * np.arange(2400)[:, None]
    table = np.sin(t * [1.0, 1.7]) + 0.01 * np.random.default_rng(0).normal(size=(2400, 2))
    zarr.create_array("big.zarr", shape=table.shape, chunks=(500, 2), dtype="f8")[:] = table
    Path("out.toml").write_text(
        'out_of_core = true\nlearner = "esn"\ndata.source = "big.zarr"\ndata.dt = 0.2\n'
        "[parameters]\nridge = 1e-6\nwashout = 20\n[grid]\nunits = [20, 30]\n"
    )
    code, results = run(capsys, "out.toml")
    assert (code, results["failed"]) == (0, 0)
    words = ["fit", "big.zarr", "--dt=0.2", "--learner=esn", "--set=units=30", "--set=ridge=1e-6", "--set=washout=20"]
    assert main([*words, "--json", "--out", "alone"]) == 0
    alone = json.loads(capsys.readouterr().out)["results"]["score"]
    found = results["rows"][1]["score"]
    assert found["one_step"]["rmse"] == pytest.approx(alone["one_step"]["rmse"], rel=1e-9)
    assert found["closed_loop"]["valid_time"] == alone["closed_loop"]["valid_time"]
    row = Path("s/rows") / results["rows"][1]["run"]
    ours, theirs = recurra.load(row / "model.safetensors"), recurra.load("alone/model.safetensors")
    np.testing.assert_allclose(ours.network_.coefficients, theirs.network_.coefficients, rtol=1e-8)
    assert not (row / "parts").exists()


def kill_first(name, stop):
    """Kill the first process of ours whose command line holds a name."""
    while not stop.is_set():
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                words, stat = (entry / "cmdline").read_bytes(), (entry / "stat").read_text()
            except OSError:
                continue
            if name.encode() in words and stat.rpartition(")")[2].split()[1] == str(os.getpid()):
                os.kill(int(entry.name), signal.SIGKILL)
                return
        time.sleep(0.01)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--workers", "0"], "at least one is needed"),
        (["--limit", "0"], "positive number of seconds"),
        (["--dask", "0"], "at least one is needed"),
        (["--dask", "1", "--workers", "1"], "choose one"),
        (["--scheduler-file", "none.json"], "does not say where a scheduler is"),
        (["--seed", "1"], "a sweep has its settings in its file"),
        (["--set", "units=3"], "a sweep has its settings in its file"),
    ],
)
def test_options_that_cannot_be(sweep, capsys, monkeypatch, words, said):
    if "--scheduler-file" in words:
        pytest.importorskip("distributed", reason="needs the dask extra")
        monkeypatch.setattr("recurra.sweeps.cluster._ANSWER", 0.1)
    code, error = run(capsys, sweep('learner = "persistence"\n[grid]\nsplit = [0.7, 0.8]\n'), *words)
    assert code == 2
    assert said in error["message"]


def test_text(sweep, capsys):
    assert main(["sweep", sweep('learner = "persistence"\n[grid]\nsplit = [0.7, 0.8]\n'), "--out", "s", "--quiet"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["split", "valid", "time", "closed", "loop:", "NRMSE", "one", "step:", "NRMSE", "run"]
    assert lines[1].split()[0] == "0.7"
    assert lines[1].endswith("finished")
