"""Where tasks are done: in this process, or each in a process of its own."""

import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from recurra.errors import ConfigError
from recurra.storage import write_atomic
from recurra.sweeps.jobs import Ended, Job, run_jobs
from recurra.sweeps.task import Outcome, Task, attempt


class Executor(Protocol):
    """Does tasks, and tells how each ended."""

    def run(self, tasks: Sequence[Task], check: Callable[[], None] = ...) -> Iterator[Outcome]:
        """Do tasks and yield each as it ends: one that fails, dies or never ends is an outcome like any other.

        Args:
            tasks: what to do; no two of one name.
            check: called again and again; may raise to stop everything. Tasks that run are then asked to stop at their
                next pause, and waited for.
        """
        ...


def go_on() -> None:
    """What a run that nobody can stop asks."""


@dataclass(frozen=True)
class InProcess:
    """Does one task after the other, in this process: compiled programs are used again, and what dies takes all."""

    def run(self, tasks: Sequence[Task], check: Callable[[], None] = go_on) -> Iterator[Outcome]:
        """See `Executor.run`."""
        refuse_twins(tasks)
        for task in tasks:
            check()
            yield attempt(task, check)


@dataclass(frozen=True)
class Processes:
    """Does each task in a new process of its own, started anew, never forked from this one.

    Args:
        home: directory for what the processes say, `<name>.log`; and for tasks on their way.
        workers: processes at a time; each may use its share of the cores.
        limit: seconds of wall time for each task; None for no limit.
    """

    home: Path
    workers: int = 1
    limit: float | None = None

    def run(self, tasks: Sequence[Task], check: Callable[[], None] = go_on) -> Iterator[Outcome]:
        """See `Executor.run`."""
        refuse_twins(tasks)
        self.home.mkdir(parents=True, exist_ok=True)
        self._sweep_up()  # after a run that was killed
        by_name = {task.name: task for task in tasks}
        jobs = [self._job(task) for task in tasks]
        try:
            for ended in run_jobs(jobs, workers=self.workers, limit=self.limit, check=check):
                yield self._outcome(by_name[ended.job.name], ended)
        finally:
            self._sweep_up()

    def _sweep_up(self) -> None:
        """Remove what was on its way."""
        for file in (*self.home.glob("*.task"), *self.home.glob("*.answer")):
            file.unlink(missing_ok=True)

    def _file(self, task: Task) -> Path:
        return self.home / f"{task.name}.task"

    def _answer(self, task: Task) -> Path:
        return self.home / f"{task.name}.answer"

    def _job(self, task: Task) -> Job:
        write_atomic(self._file(task), task.as_json().encode())
        self._answer(task).unlink(missing_ok=True)
        command = [sys.executable, "-m", "recurra.sweeps.child", str(self._file(task)), str(self._answer(task))]
        return Job(task.name, command, Path(os.devnull), self.home / f"{task.name}.log")

    def _outcome(self, task: Task, ended: Ended) -> Outcome:
        answer = self._answer(task)
        said = ended.job.errors.read_text(encoding="utf-8", errors="replace").strip()
        if not said:
            ended.job.errors.unlink()
        if answer.exists() and ended.code is not None:
            return Outcome(task, **json.loads(answer.read_text(encoding="utf-8")))
        reason = ended.reason or "ended without an answer"
        return Outcome(task, None, f"{reason}: {said.splitlines()[-1]}" if said else reason, said)


def refuse_twins(tasks: Sequence[Task]) -> None:
    """Refuse two tasks of one name: they would write the same files.

    Raises:
        ConfigError: with the name.
    """
    names = [task.name for task in tasks]
    twins = sorted({name for name in names if names.count(name) > 1}) if len(set(names)) < len(names) else []
    if twins:
        raise ConfigError(f"{len(twins)} names of tasks are given twice, the first is {twins[0]!r}")
