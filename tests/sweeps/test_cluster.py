"""Dask: the same answers on any number of workers, and what dies, never ends or goes away is told."""

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

from recurra.cli import main
from recurra.errors import ConfigError, Interrupted
from recurra.sweeps import InProcess, OnDask, Processes, Task
from recurra.sweeps import cluster as dask

pytest.importorskip("distributed", reason="needs the dask extra")

CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
two_cores = pytest.mark.skipif(CORES < 2, reason="needs two cores")
PINS = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


def wait_for(found, seconds=60):
    end = time.monotonic() + seconds
    while not found():
        assert time.monotonic() < end, "nothing came"
        time.sleep(0.02)


@two_cores
def test_the_same_bytes_in_series_and_on_one_and_two_workers(tmp_path):
    ways = {
        "series": InProcess(),
        "processes": Processes(tmp_path / "p", 2),
        "one": OnDask(tmp_path / "d", 1),
        "two": OnDask(tmp_path / "d", 2),
    }
    found = {}
    for name, executor in ways.items():
        home = tmp_path / name
        home.mkdir()
        tasks = [Task(f"t{k}", "work:stored", {"seed": k, "path": str(home / f"{k}.json")}) for k in range(8)]
        outcomes = list(executor.run(tasks))
        assert {each.reason for each in outcomes} == {""}
        found[name] = {Path(each.value).name: Path(each.value).read_bytes() for each in outcomes}
    assert len(found["series"]) == 8
    assert all(each == found["series"] for each in found.values())


@two_cores
def test_threads_are_pinned_and_what_fails_dies_or_never_ends_is_an_outcome(tmp_path):
    tasks = [
        Task("first", "work:pins", {"seconds": 0.5}),
        Task("second", "work:pins", {"seconds": 0.5}),
        Task("exits", "work:die"),
        Task("never-ends", "work:hang", {"home": str(tmp_path)}),
        Task("fails", "work:fail"),
        Task("good", "work:double", {"of": 4}),
    ]
    outcomes = {each.task.name: each for each in OnDask(tmp_path / "d", 2, limit=12).run(tasks)}
    assert {name: each.reason for name, each in outcomes.items() if each.reason} == {
        "exits": "its worker died, and so did the one that tried again",
        "never-ends": "stopped at the time limit",
        "fails": "ValueError: no such thing",
    }
    assert outcomes["good"].value == 8
    pinned = [outcomes[name].value for name in ("first", "second")]
    for each in pinned:
        assert (len(each["affinity"]), each["threads"], each["jax_before"]) == (1, 1, False)
        assert each["environment"] == PINS
    assert pinned[0]["pid"] != pinned[1]["pid"]
    assert not list((tmp_path / "d").iterdir())


def test_a_worker_that_is_killed_loses_nothing(tmp_path):
    log = tmp_path / "log"
    tasks = [Task("twice", "work:twice", {"log": str(log)})]
    tasks += [Task(f"t{k}", "work:stored", {"seed": k, "path": str(tmp_path / f"{k}.json")}) for k in range(3)]

    def kill():
        wait_for(lambda: log.exists() and log.read_text().endswith("\n"))
        os.kill(int(log.read_text()), signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    outcomes = list(OnDask(tmp_path / "d", min(2, CORES)).run(tasks))
    killer.join()
    assert sorted((each.task.name, each.reason) for each in outcomes) == [
        *((f"t{k}", "") for k in range(3)),
        ("twice", ""),
    ]
    assert len(set(log.read_text().split())) == 2
    assert sorted(file.name for file in tmp_path.iterdir()) == ["0.json", "1.json", "2.json", "d", "log"]


def test_what_runs_is_asked_to_stop_and_waited_for(tmp_path):
    def check():
        if (tmp_path / "began").exists():
            raise Interrupted("stopped", signal_number=signal.SIGTERM)

    with pytest.raises(Interrupted):
        list(OnDask(tmp_path / "d", 1).run([Task("careful", "work:careful", {"home": str(tmp_path)})], check))
    assert (tmp_path / "ended").exists()


@pytest.fixture
def scheduler(tmp_path):
    """`dask scheduler` on the loopback interface, and workers for it."""
    file, elsewhere, running = tmp_path / "scheduler.json", tmp_path / "elsewhere", []
    elsewhere.mkdir()

    def start(*words, pins=PINS):
        command = [sys.executable, "-m", "distributed.cli.dask_worker", "--scheduler-file", str(file), *words]
        if "--no-dashboard" in words:
            command[2] = "distributed.cli.dask_scheduler"
        environment = {**{k: v for k, v in os.environ.items() if k not in PINS}, **pins}
        options = {"env": environment, "cwd": elsewhere, "start_new_session": True, "stderr": subprocess.DEVNULL}
        running.append(subprocess.Popen(command, **options))
        return running[-1]

    first = start("--host", "127.0.0.1", "--port", "0", "--no-dashboard")
    yield first, file, start
    for process in reversed(running):
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def test_a_cluster_that_runs_already_does_a_sweep_and_may_go_away(scheduler, tmp_path, monkeypatch, capsys):
    process, file, start = scheduler
    for _ in range(2):
        start("--nthreads", "1")
    monkeypatch.chdir(tmp_path)
    np.savetxt(tmp_path / "wave.csv", np.sin(0.2 * np.arange(200)), header="x", comments="")
    Path("sweep.toml").write_text('data.source = "wave.csv"\n[grid]\nlearner = ["persistence", "climatology"]\n')
    assert main(["sweep", "sweep.toml", "--scheduler-file", str(file), "--json", "--out", "s"]) == 0
    rows = json.loads(capsys.readouterr().out)["results"]["rows"]
    assert [(row["settings"]["learner"], row["reason"]) for row in rows] == [("persistence", ""), ("climatology", "")]

    def stop():
        wait_for(lambda: (tmp_path / "hangs").exists() and (tmp_path / "next.json").exists())
        time.sleep(1)
        process.kill()

    killer = threading.Thread(target=stop)
    killer.start()
    tasks = [
        Task("hangs", "work:hang", {"home": str(tmp_path)}),
        Task("next", "work:stored", {"seed": 1, "path": str(tmp_path / "next.json")}),
    ]
    tasks += [Task("last", "work:hang", {"home": str(tmp_path)})]
    began = time.monotonic()
    outcomes = {each.task.name: each.reason for each in OnDask(tmp_path / "d", scheduler_file=file).run(tasks)}
    killer.join()
    assert time.monotonic() - began < 60, time.monotonic() - began
    assert outcomes["next"] == ""
    assert outcomes["hangs"] == outcomes["last"]
    assert "is gone: start it again, and the same command does what is missing" in outcomes["hangs"]


@pytest.mark.parametrize(
    ("words", "pins", "said"),
    [
        (["--nthreads", "2"], PINS, "a worker has 2 threads"),
        (["--nthreads", "1", "--no-nanny"], {}, "start it with OMP_NUM_THREADS=1 "),
    ],
)
def test_workers_that_are_not_pinned_are_refused(scheduler, tmp_path, words, pins, said):
    _, file, start = scheduler
    start(*words, pins=pins)
    with pytest.raises(ConfigError, match=said):
        list(OnDask(tmp_path / "d", scheduler_file=file).run([Task("a", "work:double", {"of": 1})]))


def test_no_scheduler_and_no_worker(scheduler, tmp_path, monkeypatch):
    _, file, _ = scheduler
    task = [Task("a", "work:double", {"of": 1})]
    wait_for(file.exists)
    monkeypatch.setattr(dask, "_START", 0.5)
    monkeypatch.setattr(dask, "_ANSWER", 0.5)
    with pytest.raises(ConfigError, match=r"has had no worker for 0\.5 seconds: start some"):
        list(OnDask(tmp_path, scheduler_file=file).run(task))
    stale = tmp_path / "stale.json"
    stale.write_text(json.dumps({"address": "tcp://127.0.0.1:9"}))
    with pytest.raises(ConfigError, match=r"no scheduler answers at tcp://127\.0\.0\.1:9 within 0\.5 s"):
        list(OnDask(tmp_path, scheduler_file=stale).run(task))
    with pytest.raises(ConfigError, match="does not say where a scheduler is"):
        list(OnDask(tmp_path, scheduler_file=tmp_path / "none.json").run(task))
    with pytest.raises(ConfigError, match="each worker has a core of its own"):
        list(OnDask(tmp_path, workers=10_000).run(task))
