"""The report of a run, where the extra that draws it is installed."""

from pathlib import Path
from typing import Any

from recurra.cli.console import Console


def write_run_report(directory: Any, console: Console) -> Path | None:
    """Write `report.html` of an open run unless it is there; without matplotlib, say so and go on."""
    from recurra.experiment.run_directory import REPORT

    path = directory.file(REPORT)
    if path.exists():
        return path
    try:
        from recurra.report import run_report, write_report
    except ImportError as error:
        if (error.name or "").startswith("recurra"):
            raise
        message = f"no {REPORT}: it needs matplotlib, pip install 'recurra[report]'"
        console.say(message)
        directory.log(message)
        return None
    write_report(run_report(directory.path), path)
    return path
