"""What runs inside a worker of Dask."""

import ctypes
import json
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from recurra.errors import ConfigError, Interrupted
from recurra.sweeps.cores import pin
from recurra.sweeps.task import Outcome, Task, attempt

_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG
_LATE = 70  # exit code of a worker whose task is over its limit
_stopped: set[str] = set()  # runs that are to stop at their next pause
_own = False


def do(text: str, settings: dict[str, Any]) -> str:
    """Do a task, bound to one core.

    Args:
        text: the task as JSON.
        settings: `token` of the run; `limit` in seconds or None; `late`, the file that says that the task was over it;
            `own`, whether this worker is to end with the process that started it, and with no signal of its terminal;
            `here`, the directory in which that process runs, where paths begin.

    Returns:
        Its outcome as JSON; `refused`, where this worker is not as it has to be.
    """
    task, late = Task.from_json(text), Path(settings["late"])
    try:
        if settings["own"]:
            _detach()
        _check_threads()
        pin()
        with _inside(settings["here"]):
            return json.dumps(_done(task, late, settings).as_dict())
    except ConfigError as error:
        return json.dumps({"refused": str(error)})


def _done(task: Task, late: Path, settings: dict[str, Any]) -> Outcome:
    """The outcome of a task, within its time."""
    if late.exists():
        late.unlink()
        return Outcome(task, None, "stopped at the time limit")

    def pause() -> None:
        if settings["token"] in _stopped:
            raise Interrupted("stopped with the run", signal_number=signal.SIGTERM)

    watchdog = threading.Timer(settings["limit"] or 0, _give_up, [late])
    watchdog.daemon = True
    if settings["limit"]:
        watchdog.start()
    try:
        pause()
        return attempt(task, pause)
    except Interrupted as stopped:
        return Outcome(task, None, str(stopped))
    finally:
        watchdog.cancel()


@contextmanager
def _inside(directory: str) -> Iterator[None]:
    """Work in a directory of the file system that all workers share."""
    before = os.getcwd()
    try:
        os.chdir(directory)
    except OSError as error:
        raise ConfigError(
            f"a worker cannot work in {directory} ({error.strerror}): all workers need the file system of this process"
        ) from error
    try:
        yield
    finally:
        os.chdir(before)


def stop(token: str) -> None:
    """Ask what runs here for a run to stop at its next pause."""
    _stopped.add(token)


def _give_up(late: Path) -> None:
    """End this worker; the file tells the next one why."""
    late.touch()
    os._exit(_LATE)


def _check_threads() -> None:
    from distributed import get_worker

    count = get_worker().state.nthreads
    if count != 1:
        raise ConfigError(f"a worker has {count} threads: start it with `dask worker --nthreads 1`")


def _detach() -> None:
    """Leave the group of the terminal, whose Ctrl-C is for the process that waits; and end with it."""
    global _own
    if _own:
        return
    os.setpgid(0, 0)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
    _own = True
