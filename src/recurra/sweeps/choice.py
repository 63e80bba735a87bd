"""From options to an executor."""

from pathlib import Path

from recurra.errors import ConfigError
from recurra.sweeps.cluster import OnDask
from recurra.sweeps.executor import Executor, InProcess, Processes


def choose_executor(
    home: Path,
    *,
    workers: int | None = None,
    dask: int | None = None,
    scheduler_file: Path | None = None,
    limit: float | None = None,
) -> Executor:
    """The executor that options ask for: without any, this process.

    Args:
        home: directory for what tasks say; on a file system that all workers share.
        workers: processes at a time.
        dask: workers of a cluster of Dask that is started for this run on this machine.
        scheduler_file: where a scheduler of Dask that is running has written how to reach it.
        limit: seconds of wall time for each task; without workers, it means one process at a time.

    Raises:
        ConfigError: numbers that cannot be, more than one way at once.
        MissingExtraError: Dask is asked for and not installed.
    """
    ways = {"--workers": workers, "--dask": dask, "--scheduler-file": scheduler_file}
    given = [name for name, value in ways.items() if value is not None]
    if len(given) > 1:
        raise ConfigError(f"{' and '.join(given)} are ways to do the same: choose one")
    for name, number in (("--workers", workers), ("--dask", dask)):
        if number is not None and number < 1:
            raise ConfigError(f"`{name} {number}`: at least one is needed")
    if limit is not None and not limit > 0:
        raise ConfigError(f"`--limit {limit:g}`: give a positive number of seconds")
    if dask is not None or scheduler_file is not None:
        return OnDask(home, workers=dask, scheduler_file=scheduler_file, limit=limit)
    if workers is not None or limit is not None:
        return Processes(home, workers or 1, limit)
    return InProcess()
