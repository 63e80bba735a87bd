"""Jobs in processes of their own: some at a time, each with a limit of wall time; what dies is a result."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

_POLL = 0.05  # seconds
_GRACE = 30.0  # seconds that a job has to write its checkpoint
# A job that asks Linux to be killed with its parent (PR_SET_PDEATHSIG), and then becomes the command. In Python between
# fork and exec this could hang, beside the threads of JAX.
_LAUNCH = "import ctypes, os, sys; ctypes.CDLL(None).prctl(1, 9); os.execvp(sys.argv[1], sys.argv[1:])"
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")


@dataclass(frozen=True)
class Job:
    """A command to run.

    Args:
        name: to report it by.
        command: program and arguments.
        output: file that takes its stdout.
        errors: file that takes its stderr.
    """

    name: str
    command: Sequence[str]
    output: Path
    errors: Path


@dataclass(frozen=True)
class Ended:
    """How a job ended.

    Args:
        job: which.
        code: its exit code; minus the signal's number where a signal ended it, None where the limit did.
    """

    job: Job
    code: int | None

    @property
    def reason(self) -> str:
        """In words, "" for a job that succeeded."""
        if self.code is None:
            return "stopped at the time limit"
        if self.code < 0:
            return f"killed by {signal.Signals(-self.code).name}"
        return f"ended with code {self.code}" if self.code else ""


def run_jobs(
    jobs: Sequence[Job],
    *,
    workers: int = 1,
    limit: float | None = None,
    check: Callable[[], None] = lambda: None,
) -> Iterator[Ended]:
    """Run commands, `workers` at a time, and yield each as it ends.

    A job that dies or is over its limit has ended like any other. Where this process dies, its jobs die with it
    (on Linux); where it is stopped, they get SIGTERM and time to write their checkpoints.

    Args:
        jobs: what to run, in this order.
        workers: processes at a time; the threads of each are bounded so that together they fit the machine.
        limit: seconds of wall time for each job; None for no limit.
        check: called while jobs run; may raise to stop them all.
    """
    waiting, running = list(jobs), dict[subprocess.Popen, tuple[Job, float]]()
    environment = {**os.environ, **dict.fromkeys(_THREADS, str(max(1, cores() // workers)))}
    try:
        while waiting or running:
            while waiting and len(running) < workers:
                job = waiting.pop(0)
                running[_start(job, environment)] = job, time.monotonic()
            check()
            for process, (job, started) in list(running.items()):
                late = limit is not None and time.monotonic() - started > limit
                if process.poll() is None and not late:
                    continue
                del running[process]
                over = process.poll() is None
                if over:
                    _kill(process)
                yield Ended(job, None if over else process.returncode)
            time.sleep(_POLL)
    finally:
        _stop(list(running))


def _start(job: Job, environment: dict[str, str]) -> subprocess.Popen:
    with job.output.open("wb") as output, job.errors.open("wb") as errors:
        return subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _LAUNCH, *job.command] if sys.platform == "linux" else job.command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=errors,
            env=environment,
            start_new_session=True,
        )


def _kill(process: subprocess.Popen) -> None:
    """The job and everything that it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _stop(processes: list[subprocess.Popen]) -> None:
    for process in processes:
        process.terminate()
    end = time.monotonic() + _GRACE
    for process in processes:
        try:
            process.wait(max(0.0, end - time.monotonic()))
        except subprocess.TimeoutExpired:
            _kill(process)


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
