"""SIGINT and SIGTERM in every stage of a run: the exit code says so, and the same command ends with the same bits."""

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
from recurra.experiment.run_directory import RunDirectory
from recurra.reservoirs import EchoState, Reservoir, RidgePath
from recurra.reservoirs.harvest import Harvest
from recurra.storage import read_checkpoint

ESN = ("fit", "wave.csv", "--learner=esn", "--set=units=30", "--set=washout=10", "--set=horizon=20", "--quiet")
RNN = ("fit", "wave.csv", "--learner", "rnn", "--set", "units=4", "--set", "epochs=40", "--set", "bptt_length=8")
SAME = ("model.safetensors", "forecast.csv", "metrics.json", "history.jsonl", "report.html", "data.npz")

# where a signal comes -> what is patched to send it, and what stands then
STAGES = {
    "reading": ("recurra.experiment.read_data", []),
    "opening the directory": ((RunDirectory, "_prepare"), []),
    "writing the data": ("recurra.experiment.fit.write_data", ["config.toml"]),
    "harvest": ((Harvest, "add"), ["data.npz"]),
    "decomposition": ("recurra.estimators.esn._told", ["data.npz"]),
    "ridge search": ((RidgePath, "solve"), ["data.npz"]),
    "validation": ((EchoState, "free_run"), ["data.npz"]),
    "baselines": ("recurra.estimators.base.fit_baselines", ["data.npz"]),
    "saving": ("recurra.estimators.model_file.write_model", ["data.npz"]),
    "warming up": ((EchoState, "run"), ["model.safetensors"]),
    "forecasting": ("recurra.experiment.fit._write_forecasts", ["model.safetensors"]),
    "scoring": ("recurra.estimators.base.score_runners", ["forecast.csv"]),
    "finishing": ((RunDirectory, "finish"), ["forecast.csv"]),
    "composing the report": ("recurra.report.run_report", ["metrics.json"]),
    "writing the report": ("recurra.report.page.render", ["metrics.json"]),
}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """What a run leaves that nobody stopped, by command."""
    kept = {}

    def run(words):
        if words not in kept:
            assert main([*words, "--out", "run"]) == 0
            kept[words] = {name: Path("run", name).read_bytes() for name in SAME}
            os.rename("run", tmp_path_factory.mktemp("kept") / "run")
        return kept[words]

    return run


def sending(monkeypatch, where, number):
    """Patch a function so that its first call sends a signal to this process before it does its work."""
    owner, name = where if isinstance(where, tuple) else (None, where)
    target = owner.__dict__[name] if owner else _resolve(name)
    sent = []

    def wrapped(*arguments, **options):
        if not sent:
            sent.append(True)
            os.kill(os.getpid(), number)
        return target(*arguments, **options)

    monkeypatch.setattr(*((owner, name) if owner else (name,)), wrapped)
    return sent


def _resolve(name):
    module, _, attribute = name.rpartition(".")
    __import__(module)
    return getattr(sys.modules[module], attribute)


@pytest.mark.bad_input(50)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("stage", STAGES)
def test_stopped_in_a_stage_and_repeated(stage, number, wave, undisturbed, monkeypatch):
    expected = undisturbed(ESN)
    where, there = STAGES[stage]
    with monkeypatch.context() as patch:
        sent = sending(patch, where, number)
        assert main([*ESN, "--out", "run"]) == 128 + number
    assert sent
    assert all(Path("run", name).exists() for name in there)
    assert not list(Path().glob("run/*.tmp"))
    assert main([*ESN, "--out", "run"]) == 0
    assert {name: Path("run", name).read_bytes() for name in SAME} == expected


@pytest.mark.bad_input(50)
def test_a_training_is_left_after_its_checkpoint(wave, undisturbed, monkeypatch, capsys):
    expected = undisturbed(RNN)
    with monkeypatch.context() as patch:
        sending(patch, "recurra.training.loop.run_stretch", signal.SIGTERM)
        assert main([*RNN, "--out", "run"]) == 143
    said = capsys.readouterr().err
    assert "stopping after a checkpoint; once more leaves at once" in said
    assert "stopped by SIGTERM after a checkpoint: the same command resumes" in said
    assert read_checkpoint(Path("run/checkpoint.safetensors"))[0]["epoch"] == 10
    assert "stopped by SIGTERM" in Path("run/run.log").read_text()
    assert main([*RNN, "--out", "run"]) == 0
    assert {name: Path("run", name).read_bytes() for name in SAME} == expected


@pytest.mark.bad_input(50)
def test_a_long_harvest_is_left_after_one_block(monkeypatch):
    rows, done = Reservoir.harvest, []

    def harvest(self, state, inputs):
        done.append(len(inputs))
        return rows(self, state, inputs)

    def stop(event):
        if done:
            raise KeyboardInterrupt

    monkeypatch.setattr(Reservoir, "harvest", harvest)
    with pytest.raises(KeyboardInterrupt):
        recurra.ESN(units=10, ridge=1e-6).fit(np.sin(0.1 * np.arange(20_000)), progress=stop)
    assert done == [1000]


STUCK = """
import sys, time
from recurra.cli import main
from recurra.training import loop

run, calls = loop.run_stretch, []

def stuck(*arguments):
    calls.append(1)
    if len(calls) == 3:
        time.sleep(600)
    return run(*arguments)

loop.run_stretch = stuck
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.bad_input(49)
def test_twice_leaves_at_once_and_the_last_checkpoint_is_valid(wave, undisturbed):
    expected = undisturbed(RNN)
    words = [sys.executable, "-c", STUCK, *RNN, "--out", "run"]
    checkpoint = Path("run/checkpoint.safetensors")
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True) as process:
        while not checkpoint.with_name(checkpoint.name + ".previous").exists() and process.poll() is None:
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        while "stopping after a checkpoint" not in process.stderr.readline():
            pass
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == -signal.SIGINT
    assert read_checkpoint(checkpoint)[0]["epoch"] == 20
    assert main([*RNN, "--out", "run"]) == 0
    assert {name: Path("run", name).read_bytes() for name in SAME} == expected
