"""Jobs that end well, die, or never end: each is an outcome, and the others run on."""

import os
import signal
import subprocess
import sys
import time

import pytest

from recurra.errors import Interrupted
from recurra.sweeps.jobs import Job, run_jobs


@pytest.fixture
def job(tmp_path):
    def make(name, code):
        return Job(name, [sys.executable, "-c", code], tmp_path / f"{name}.out", tmp_path / f"{name}.err")

    return make


def test_output_goes_to_files_and_threads_are_bounded(job):
    one = job("one", "import os, sys; print(os.environ['OMP_NUM_THREADS']); sys.exit('no')")
    (outcome,) = run_jobs([one], workers=64)
    assert (outcome.code, outcome.reason) == (1, "ended with code 1")
    assert (one.output.read_text(), one.errors.read_text()) == ("1\n", "no\n")


@pytest.mark.bad_input(59)
@pytest.mark.parametrize("workers", [1, 3])
def test_what_dies_or_never_ends_is_an_outcome_and_the_rest_runs(job, workers):
    jobs = [
        job("kills-itself", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"),
        job("never-ends", "import time; time.sleep(600)"),
        job("good", "print('done')"),
    ]
    outcomes = {outcome.job.name: outcome.reason for outcome in run_jobs(jobs, workers=workers, limit=3)}
    assert outcomes == {"kills-itself": "killed by SIGKILL", "never-ends": "stopped at the time limit", "good": ""}
    assert jobs[2].output.read_text() == "done\n"


def test_never_more_at_a_time_than_workers(job, tmp_path):
    code = (
        "import os, pathlib, sys, time\n"
        f"home = pathlib.Path({str(tmp_path)!r}) / 'running'\n"
        "home.mkdir(exist_ok=True)\n"
        "mine = home / str(os.getpid())\n"
        "mine.touch(); print(len(list(home.iterdir()))); time.sleep(0.3); mine.unlink()"
    )
    jobs = [job(f"job{k}", code) for k in range(5)]
    assert {outcome.reason for outcome in run_jobs(jobs, workers=2)} == {""}
    assert max(int(each.output.read_text()) for each in jobs) <= 2


def test_a_job_and_all_that_it_started_end_at_the_limit(job, tmp_path):
    code = (
        "import subprocess, sys, time, pathlib\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        f"pathlib.Path({str(tmp_path / 'pid')!r}).write_text(str(child.pid)); time.sleep(600)"
    )
    (outcome,) = run_jobs([job("parent", code)], limit=3)
    assert outcome.code is None
    child = int((tmp_path / "pid").read_text())
    for _ in range(100):
        if not is_running(child):
            break
        time.sleep(0.05)
    assert not is_running(child)


def test_stopping_gives_jobs_time_to_end_well(job, tmp_path):
    code = (
        "import signal, sys, time, pathlib\n"
        f"home = pathlib.Path({str(tmp_path)!r})\n"
        "def end(*_): (home / 'checkpoint').touch(); sys.exit(143)\n"
        "signal.signal(signal.SIGTERM, end); (home / 'ready').touch(); time.sleep(600)"
    )

    def check():
        if (tmp_path / "ready").exists():
            raise Interrupted("stopped", signal_number=signal.SIGTERM)

    with pytest.raises(Interrupted):
        list(run_jobs([job("careful", code)], check=check))
    assert (tmp_path / "checkpoint").exists()


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel ends orphans on Linux alone")
def test_jobs_die_with_the_process_that_runs_them(tmp_path):
    code = (
        "import pathlib, sys\n"
        "from recurra.sweeps.jobs import Job, run_jobs\n"
        f"home = pathlib.Path({str(tmp_path)!r})\n"
        'write = f\'import os, pathlib, time; pathlib.Path({str(home / "pid")!r}).write_text(str(os.getpid())); '
        "time.sleep(600)'\n"
        "list(run_jobs([Job('orphan', [sys.executable, '-c', write], home / 'o', home / 'e')]))"
    )
    parent = subprocess.Popen([sys.executable, "-c", code])
    for _ in range(600):
        if (tmp_path / "pid").exists() and (tmp_path / "pid").read_text():
            break
        time.sleep(0.05)
    parent.kill()
    parent.wait()
    orphan = int((tmp_path / "pid").read_text())
    for _ in range(100):
        if not is_running(orphan):
            break
        time.sleep(0.05)
    assert not is_running(orphan)


def is_running(pid):
    """Whether a process is there and no zombie."""
    try:
        os.kill(pid, 0)
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False
