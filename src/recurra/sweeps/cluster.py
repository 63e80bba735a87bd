"""Tasks on the workers of Dask: a cluster on this machine for one run, or one whose scheduler is running already."""

import json
import logging
import os
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recurra.errors import ConfigError, MissingExtraError
from recurra.sweeps.cores import PINS
from recurra.sweeps.executor import go_on, refuse_twins
from recurra.sweeps.jobs import cores
from recurra.sweeps.task import Outcome, Task

_POLL = 0.05  # seconds between looks at what is done
_ASK = 2.0  # seconds between questions to the scheduler
_ANSWER = 10.0  # seconds in which it has to answer
_START = 30.0  # seconds in which the first worker has to be there
_ALONE = 60.0  # seconds that a run waits for a worker once all have gone
_GRACE = 30.0  # seconds that tasks have to write their checkpoints
_SETTINGS = {
    "distributed.scheduler.allowed-failures": 1,  # a task that kills two workers is to blame itself
    "distributed.worker.multiprocessing-method": "spawn",
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
}
_LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class OnDask:
    """Does each task on a worker of Dask, one at a time on each, all bound to one core.

    Whoever reaches a scheduler can run code: a cluster that is started here listens on the loopback interface alone and
    shows no dashboard; one of your own is reached with the TLS settings of its configuration. A task whose worker dies
    is done once more elsewhere.

    Args:
        home: directory on a file system that all workers share.
        workers: of a cluster on this machine that lives as long as the run; None to use `scheduler_file`.
        scheduler_file: as `dask scheduler --scheduler-file` writes it. Its workers are started with `--nthreads 1`, and
            with OMP_NUM_THREADS=1, OPENBLAS_NUM_THREADS=1 and MKL_NUM_THREADS=1 in their environment.
        limit: seconds of wall time for each task; the worker of one that is over it is ended.
    """

    home: Path
    workers: int | None = None
    scheduler_file: Path | None = None
    limit: float | None = None

    def run(self, tasks: Sequence[Task], check: Callable[[], None] = go_on) -> Iterator[Outcome]:
        """See `Executor.run`. Where the scheduler goes away, what is not done has failed, with a hint.

        Raises:
            MissingExtraError: Dask is not installed.
            ConfigError: no scheduler or no worker answers; workers with more than one thread.
        """
        refuse_twins(tasks)
        if not tasks:
            return
        dask, distributed = _packages()
        self.home.mkdir(parents=True, exist_ok=True)
        with ExitStack() as stack:
            stack.enter_context(dask.config.set(_SETTINGS))
            stack.enter_context(_quiet())
            run = _Run(self._client(distributed, stack), self, list(tasks))
            try:
                yield from run.outcomes(check)
            finally:
                run.stop()

    def _client(self, distributed: Any, stack: ExitStack) -> Any:
        if self.scheduler_file is not None:
            client = _connected(distributed, self.scheduler_file)
            stack.callback(_closed, client)
            return client
        count = self.workers or 1
        if count > cores():
            raise ConfigError(f"`--dask {count}`: each worker has a core of its own, and there are {cores()}")
        cluster = distributed.LocalCluster(
            n_workers=count,
            threads_per_worker=1,
            processes=True,
            host=_LOOPBACK,
            dashboard_address=f"{_LOOPBACK}:0",
            scheduler_kwargs={"dashboard": False},
            silence_logs=logging.CRITICAL,
            env=PINS,
        )
        stack.callback(cluster.close, timeout=_ANSWER)
        client = distributed.Client(cluster, timeout=_START)
        stack.callback(_closed, client)
        return client


class _Run:
    """One run on a cluster: what waits, what is on its way."""

    def __init__(self, client: Any, options: OnDask, tasks: list[Task]):
        self.client, self.options, self.waiting = client, options, tasks
        self.token = secrets.token_hex(8)
        self.running: dict[Any, Task] = {}
        self.address = client.scheduler.address
        self.width = self.asked = self.alone = 0.0

    def outcomes(self, check: Callable[[], None]) -> Iterator[Outcome]:
        """Each as it ends; as many on their way as there are workers, so that one that dies takes no other with it."""
        self._await_workers()
        while self.waiting or self.running:
            check()
            why = self._trouble()
            if why:
                lost = [*self.running.values(), *self.waiting]
                self.running, self.waiting = {}, []
                yield from (Outcome(task, None, why) for task in lost)
                return
            while self.waiting and len(self.running) < self.width:
                self._submit(self.waiting.pop(0))
            ended = [future for future in self.running if future.status in ("finished", "error")]
            for future in ended:
                outcome = _outcome(future, self.running[future])
                if outcome is not None:
                    del self.running[future]
                    future.release()  # or the answer would be worked out again where its worker dies
                    yield outcome
            if not ended:
                time.sleep(_POLL)

    def stop(self) -> None:
        """Ask tasks that run to stop at their next pause, and wait for them."""
        if not self.running or self._trouble():
            return
        from recurra.sweeps.cluster_worker import stop

        self.client.run(stop, self.token, on_error="ignore")
        end = time.monotonic() + _GRACE
        while time.monotonic() < end and any(future.status == "pending" for future in self.running):
            time.sleep(_POLL)

    def _submit(self, task: Task) -> None:
        from recurra.sweeps.cluster_worker import do

        late = str(self.options.home / f"{task.name}.late")
        Path(late).unlink(missing_ok=True)
        own = self.options.scheduler_file is None
        settings = {"token": self.token, "limit": self.options.limit, "late": late, "own": own, "here": os.getcwd()}
        key = f"recurra-{self.token}-{task.name}"
        self.running[self.client.submit(do, task.as_json(), settings, key=key, pure=False)] = task

    def _await_workers(self) -> None:
        try:
            self.client.wait_for_workers(1, timeout=_START)
        except TimeoutError as error:
            raise ConfigError(
                f"the scheduler at {self.address} has had no worker for {_START:g} seconds: start some with "
                "`dask worker --nthreads 1 --scheduler-file FILE`"
            ) from error

    def _trouble(self) -> str:
        """Why nothing can be done any more; "" where all is well."""
        gone = (
            f"the scheduler at {self.address} is gone: start it again, and the same command does what is missing; "
            "without `--scheduler-file` it does so here"
        )
        if self.client.status != "running" or any(future.status == "cancelled" for future in self.running):
            return gone
        now = time.monotonic()
        if now - self.asked < _ASK and self.width:
            return ""
        try:
            found = self.client.sync(self.client.scheduler.identity, n_workers=0, callback_timeout=_ANSWER)
        except (OSError, TimeoutError, AttributeError):  # the last: it lost its connection between two looks
            return gone
        self.asked, self.width = now, found["n_workers"]
        self.alone = 0.0 if self.width else (self.alone or now)
        if self.alone and now - self.alone > _ALONE:
            return f"the scheduler at {self.address} has lost all of its workers: start some, and repeat the command"
        if not self.width:
            time.sleep(_POLL)
        return ""


def _outcome(future: Any, task: Task) -> Outcome | None:
    """How a task ended; None where its answer went with the worker that had it, and is on its way again."""
    if future.status == "error":
        error = future.exception(timeout=_ANSWER)
        if type(error).__name__ == "KilledWorker":
            return Outcome(task, None, "its worker died, and so did the one that tried again")
        return Outcome(task, None, f"{type(error).__name__}: {error}")
    try:
        found = json.loads(future.result(timeout=_ANSWER))
    except TimeoutError:
        return None
    if "refused" in found:
        raise ConfigError(found["refused"])
    return Outcome(task, **found)


def _address(file: Path) -> str:
    """Where a scheduler is, by the file that it writes; one that starts now has not written it yet."""
    end = time.monotonic() + _ANSWER
    while True:
        try:
            return str(json.loads(file.read_text(encoding="utf-8"))["address"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            if time.monotonic() > end:
                raise ConfigError(
                    f"{file} does not say where a scheduler is ({type(error).__name__}: {error}): start one with "
                    "`dask scheduler --scheduler-file FILE`"
                ) from error
        time.sleep(_POLL)


def _connected(distributed: Any, file: Path) -> Any:
    address = _address(file)
    try:
        client = distributed.Client(address, timeout=_ANSWER)
    except (OSError, TimeoutError) as error:
        raise ConfigError(
            f"no scheduler answers at {address} within {_ANSWER:g} seconds: start one with "
            f"`dask scheduler --scheduler-file {file}`"
        ) from error
    return client


@contextmanager
def _quiet() -> Iterator[None]:
    """Inside, Dask does not tell of a lost connection what the outcomes say already."""
    logger = logging.getLogger("distributed.client")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(before)


def _closed(client: Any) -> None:
    with suppress(OSError, TimeoutError):  # the scheduler may be gone, and then nothing is left to be told
        client.close(timeout=_ANSWER)


def _packages() -> tuple[Any, Any]:
    """Dask and its workers, loaded when they are asked for."""
    try:
        import dask.config
        import distributed
    except ImportError as error:
        raise MissingExtraError("workers of Dask need the dask extra: pip install 'recurra[dask]'") from error
    return dask, distributed
