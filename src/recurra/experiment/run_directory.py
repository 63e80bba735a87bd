"""`RunDirectory`: one run and one process at a time; unfinished until `metrics.json` says complete."""

import fcntl
import os
import socket
import tomllib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import tomli_w

from recurra.errors import ConfigError, ModelFileError, RunDirectoryError
from recurra.experiment.settings import differences
from recurra.storage import loads_strict, write_atomic, write_json
from recurra.storage.atomic import TEMPORARY

CONFIG, DATA, METRICS, HISTORY = "config.toml", "data.npz", "metrics.json", "history.jsonl"
MODEL, FORECAST, REPORT, ENVIRONMENT, LOG = (
    "model.safetensors",
    "forecast.csv",
    "report.html",
    "env.json",
    "run.log",
)
CHECKPOINT, CHECKPOINTS = "checkpoint.safetensors", "checkpoint*.safetensors*"  # and those of members and searches
DIAGNOSIS, DIAGNOSED = "diagnosis.json", "diagnose.html"  # what `recurra diagnose` adds
PARTS = "part-*.json"  # what an unfinished example has done
LOCK = ".lock"
_ATTEMPTS = 100  # at opening the lock, while another process removes the directory
_RESULTS = (
    DATA,
    METRICS,
    HISTORY,
    MODEL,
    FORECAST,
    REPORT,
    ENVIRONMENT,
    DIAGNOSIS,
    DIAGNOSED,
)


class RunDirectory:
    """A directory locked for one run; a context manager.

    Args:
        path: the directory; made with its parents where it is missing.
        config: the resolved configuration, plain nested tables. A directory with another one is refused.
        force: throw away what an earlier run left and start anew.

    Raises:
        RunDirectoryError: busy (names process and host), not writable, full, damaged.
        ConfigError: it holds a run with another configuration (shows the difference), or other files.
    """

    def __init__(self, path: str | os.PathLike[str], config: Mapping[str, Any], *, force: bool = False):
        self.path = Path(path)
        self.config = dict(config)
        self._text = _written(self.config)
        self.force = force
        self.resumed = False
        self._lock: IO[str] | None = None

    def __enter__(self) -> Self:
        try:
            self._refuse_foreign()
            self._acquire()
            self._prepare()
        except (ConfigError, RunDirectoryError):
            self._release()
            raise
        except OSError as error:
            self._release()
            raise RunDirectoryError(
                f"{self.path} cannot be written: {error.strerror}. Choose another directory with --out"
            ) from error
        except BaseException:
            self._release()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._release()

    def file(self, name: str) -> Path:
        """The path of one of the run's files."""
        return self.path / name

    @property
    def finished(self) -> bool:
        """Whether the run is complete."""
        return is_finished(self.path)

    def log(self, message: str) -> None:
        """Append lines to `run.log`, with the time in UTC."""
        stamp = datetime.now(UTC).isoformat(timespec="seconds")
        try:
            with self.file(LOG).open("a", encoding="utf-8") as stream:
                stream.write(f"{stamp} {message}\n")
        except OSError as error:
            raise RunDirectoryError(f"cannot write {self.file(LOG)}: {error.strerror}") from error

    @property
    def results(self) -> dict[str, Any]:
        """The results of a finished run; `RunDirectoryError` where there are none."""
        return read_results(self.path)

    def finish(self, results: Mapping[str, Any], command: Sequence[str] = ()) -> None:
        """Mark the run complete, the last thing that happens to it; the checkpoints are no longer needed."""
        write_json(self.file(METRICS), {"complete": True, "command": list(command), "results": results})
        self._drop_unfinished()
        self.log("finished")

    def discard(self) -> None:
        """Remove a run that was refused before it began, and the directory if nothing else is in it."""
        self._clear()
        # The lock last: from then on, the directory may be another process's.
        for name in (CONFIG, LOG, LOCK):
            self.file(name).unlink(missing_ok=True)
        with suppress(OSError):
            self.path.rmdir()

    def _refuse_foreign(self) -> None:
        """A directory with files in it and no configuration is not ours, and nothing is written into it."""
        found = {entry.name for entry in self.path.iterdir()} if self.path.exists() else set()
        others = [name for name in found - {LOCK, LOG} if not name.startswith(TEMPORARY)]
        if CONFIG in found or not others:
            return
        raise ConfigError(
            f"{self.path} holds other files ({', '.join(sorted(others)[:3])}) and no run: choose another with --out"
        )

    def _acquire(self) -> None:
        self._lock = self._open_lock()
        while not self._try_lock(self._lock):
            self._lock.close()
            self._lock = self._open_lock()
        self._lock.truncate(0)
        self._lock.write(f"process {os.getpid()} on {socket.gethostname()}")
        self._lock.flush()

    def _open_lock(self) -> IO[str]:
        for _ in range(_ATTEMPTS):
            self.path.mkdir(parents=True, exist_ok=True)
            # Another process may remove the directory it made, between these two lines.
            with suppress(FileNotFoundError):
                return self.file(LOCK).open("a+", encoding="utf-8")
        raise RunDirectoryError(f"{self.path} is removed by another process again and again: choose another with --out")

    def _try_lock(self, lock: IO[str]) -> bool:
        """Lock it; False where the file that was locked is no longer the one that stands in the directory."""
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock.seek(0)
            holder = lock.read().strip() or "another process"
            raise RunDirectoryError(
                f"{self.path} is busy: {holder} is running in it. Wait for it, or choose another with --out"
            ) from error
        try:
            return os.path.samestat(os.fstat(lock.fileno()), os.stat(self.file(LOCK)))
        except FileNotFoundError:
            return False

    def _prepare(self) -> None:
        """Drop what a killed writer left, and compare or write the configuration."""
        for leftover in self.path.glob(f"{TEMPORARY}*.tmp"):
            leftover.unlink(missing_ok=True)
        if self.force:
            self._clear()
        elif self.file(CONFIG).exists():
            self._compare()
            self.resumed = True
            if self.finished:
                self._drop_unfinished()  # killed just after it was finished
            return
        write_atomic(self.file(CONFIG), self._text)

    def _compare(self) -> None:
        lines = differences(read_config(self.path), tomllib.loads(self._text.decode()))
        if lines:
            raise ConfigError(
                f"{self.path} holds a run with another configuration: choose another with --out, "
                "or replace it with --force\n" + "\n".join(f"  - {line}" for line in lines)
            )

    def _clear(self) -> None:
        for name in _RESULTS:
            self.file(name).unlink(missing_ok=True)
        self._drop_unfinished()

    def _drop_unfinished(self) -> None:
        """Remove what only an unfinished run needs."""
        for file in (*self.path.glob(CHECKPOINTS), *self.path.glob(PARTS)):
            file.unlink(missing_ok=True)

    def _release(self) -> None:
        if self._lock is not None:
            self._lock.close()  # which also unlocks
            self._lock = None


def _written(config: Mapping[str, Any]) -> bytes:
    try:
        return tomli_w.dumps(config).encode()
    except UnicodeEncodeError as error:
        raise ConfigError(
            f"{error.object[:200]!r} holds a name that is no text in this locale, and cannot be written down: rename "
            "the file, or set LANG to a UTF-8 locale"
        ) from error


def read_config(path: Path) -> dict[str, Any]:
    """The resolved configuration of a run directory."""
    try:
        return tomllib.loads((path / CONFIG).read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError) as error:
        raise RunDirectoryError(
            f"{path} is no run directory, it holds no {CONFIG}: `recurra fit DATA` makes one"
        ) from error
    except (OSError, ValueError, RecursionError) as error:  # tomllib raises the last two on hostile files
        raise RunDirectoryError(f"{path} is not a readable run directory: {CONFIG}: {error}") from error


def read_metrics(path: Path) -> dict[str, Any]:
    """The content of `metrics.json`, empty where there is none yet."""
    file = path / METRICS
    if not file.exists():
        return {}
    try:
        found = loads_strict(file.read_bytes(), what=str(file))
    except (OSError, ModelFileError) as error:
        raise RunDirectoryError(f"{error}. Start anew with --force") from error
    if not isinstance(found, dict):
        raise RunDirectoryError(f"{file} holds no table. Start anew with --force")
    return found


def read_results(path: Path) -> dict[str, Any]:
    """The results of a run."""
    found = read_metrics(path).get("results")
    if not isinstance(found, dict) or not found:
        raise RunDirectoryError(f"{path / METRICS} holds no results. Start anew with --force")
    return found


def is_finished(path: Path) -> bool:
    """Whether the run in a directory is complete."""
    return read_metrics(path).get("complete") is True
