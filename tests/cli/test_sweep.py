"""`recurra sweep`: rows side by side, failures among them, and going on where it stopped."""

import json
import os
import signal
import threading
import time
from pathlib import Path

import numpy as np
import pytest

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
    words = ["fit", "wave.csv", "--set", "units=30", "--set", "ridge=1e-8", "--set", "washout=20", "--json"]
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
    code, results = run(capsys, file)
    stop.set()
    killer.join()
    assert code == 7
    reasons = {row["settings"]["learner"]: row["reason"] for row in results["rows"]}
    assert reasons["persistence"] == ""
    assert reasons["linear"].startswith("killed by SIGKILL")
    assert results["failed"] == 1
    code, results = run(capsys, file)
    assert (code, results["failed"]) == (0, 0)


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
        (["--seed", "1"], "a sweep has its settings in its file"),
        (["--set", "units=3"], "a sweep has its settings in its file"),
    ],
)
def test_options_that_cannot_be(sweep, capsys, words, said):
    code, error = run(capsys, sweep('learner = "persistence"\n[grid]\nsplit = [0.7, 0.8]\n'), *words)
    assert code == 2
    assert said in error["message"]


def test_text(sweep, capsys):
    assert main(["sweep", sweep('learner = "persistence"\n[grid]\nsplit = [0.7, 0.8]\n'), "--out", "s", "--quiet"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["split", "valid", "time", "closed", "loop:", "NRMSE", "one", "step:", "NRMSE", "run"]
    assert lines[1].split()[0] == "0.7"
    assert lines[1].endswith("finished")
