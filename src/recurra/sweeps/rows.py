"""One row of a sweep: what `recurra fit` does, as a task."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from recurra.errors import ConfigError, DataError
from recurra.experiment import RunDirectory, make_config, read_data, run_fit
from recurra.experiment.config import check_data_hash
from recurra.experiment.run_directory import CONFIG, REPORT
from recurra.sweeps.task import Pause


def fit_row(
    arguments: Mapping[str, Any],
    pause: Pause,
    *,
    report: bool = True,
    progress: Callable[[dict[str, Any]], None] | None = None,
) -> str:
    """Fit one configuration in a run directory of its own; what is finished there is left as it is.

    Args:
        arguments: `config`, as a file of `fit` holds it; `path` of the run directory; `force` to start anew.
        pause: may stop it after a checkpoint; the same row resumes from there.
        report: whether to write its `report.html`.
        progress: called by the training after each stretch and its checkpoint.

    Returns:
        The path.
    """

    def move(event: dict[str, Any]) -> None:
        if progress is not None:
            progress(event)
        pause()

    path = Path(arguments["path"])
    config = make_config(table=arguments["config"])
    series = read_data(config.data)
    config = check_data_hash(config, series.sha256)
    command = ["recurra", "fit", "--config", str(path / CONFIG), "--out", str(path)]
    with RunDirectory(path, config.as_dict(), force=bool(arguments["force"])) as directory:
        if not directory.finished:
            try:
                run_fit(config, directory, series, progress=move, stop=pause, command=command)
            except (ConfigError, DataError):
                if not directory.resumed:
                    directory.discard()
                raise
        if report:
            _report(directory)
    return str(path)


def _report(directory: RunDirectory) -> None:
    """`report.html`, where the extra that draws it is installed."""
    if directory.file(REPORT).exists():
        return
    try:
        from recurra.report import run_report, write_report
    except ImportError as error:
        if (error.name or "").startswith("recurra"):
            raise
        directory.log(f"no {REPORT}: it needs matplotlib, pip install 'recurra[report]'")
        return
    write_report(run_report(directory.path), directory.file(REPORT))
