"""The files of a run that hold data: written once, read back for reports, forecasts and scores."""

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from recurra._types import whole_number
from recurra.data.npz import Archive
from recurra.errors import ConfigError, DataError, ModelFileError, RunDirectoryError
from recurra.experiment import run_directory as names
from recurra.experiment.config import DataSpec, data_of
from recurra.experiment.run_directory import is_finished, read_config
from recurra.experiment.run_results import checked_metrics, no_numbers
from recurra.series import Series
from recurra.storage import loads_strict, write_atomic


@dataclass(frozen=True)
class Run:
    """A finished run, read back. What only a report shows is read when it is asked for.

    Args:
        path: its directory.
        config: the resolved configuration.
        spec: which data, from `config`.
        command: the words that started it.
        results: scores and sizes, from `metrics.json`.
        series: all rows.
        start: the first row of the test part; the rows before it are known to every forecast.
        trained: how many rows were trained on.
    """

    path: Path
    config: dict[str, Any]
    spec: DataSpec
    command: tuple[str, ...]
    results: dict[str, Any]
    series: Series
    start: int
    trained: int

    @property
    def train(self) -> Series:
        """The rows that were trained on."""
        return self.series[: self.trained]

    @property
    def known(self) -> Series:
        """The rows before the test part: the training part, and the rows left out after it."""
        return self.series[: self.start]

    @property
    def test(self) -> Series:
        """The rows that were held out."""
        return self.series[self.start :]

    @property
    def before(self) -> Series:
        """The unbroken rows that lead up to the forecast that was written out."""
        return self.series[slice(*self.results["forecast"]["before"])]

    @property
    def truth(self) -> Series:
        """The unbroken rows that were forecast and written out: the test part, or one segment of it."""
        return self.series[slice(*self.results["forecast"]["rows"])]

    @cached_property
    def forecasts(self) -> dict[str, Series]:
        """What the learner and its baselines forecast of the truth, by name, the learner first."""
        found = _read(self.path / names.FORECAST, lambda raw: _forecasts(raw, self.truth))
        return {name or self.results["learner"]: series for name, series in found.items()}

    @cached_property
    def history(self) -> list[dict[str, Any]]:
        """One entry an epoch; empty for a learner that is solved in one step."""
        return _read(self.path / names.HISTORY, _history)

    @cached_property
    def environment(self) -> dict[str, Any]:
        """Versions and machine."""
        return _read(self.path / names.ENVIRONMENT, lambda raw: _table(loads_strict(raw)))


def read_run(path: str | Path) -> Run:
    """Read a finished run.

    Raises:
        RunDirectoryError: not a run directory, not finished, or damaged.
    """
    path = Path(path)
    config = read_config(path)
    if not is_finished(path):
        raise RunDirectoryError(f"the run in {path} is not finished: repeat its command, and it resumes")
    if "example" in config:
        raise RunDirectoryError(f"{path} holds {config['example']!r}, which keeps no model: see its {names.REPORT}")
    metrics = checked_metrics(path)
    try:
        spec = data_of(config)
    except ConfigError as error:
        raise _damaged(path, f"{names.CONFIG}: {error}") from error
    results = metrics["results"]
    facts = {"time_unit": results["time_unit"]} if results["time_unit"] else {}
    series = _read(path / names.DATA, lambda raw: _series(raw, facts))
    problem = _misplaced(results, len(series))
    if problem:
        raise _damaged(path, f"{names.METRICS}: {problem}")
    trained, gap = results["rows"]["train"], results["rows"]["gap"]
    return Run(path, config, spec, tuple(map(str, metrics["command"])), results, series, trained + gap, trained)


def write_data(path: Path, series: Series) -> None:
    """Write all rows as one `.npz` that `read_series` reads back: values, times, dt, channels, units.

    A driven system adds inputs, input_channels and input_units; missing values a mask, missing rows breaks.
    """
    arrays = {
        "values": series.values,
        "times": series.times,
        "dt": np.array(series.dt),
        "channels": np.array(series.channels),
        "units": np.array(series.units),
    }
    if series.mask is not None:
        arrays["mask"] = series.mask
    if series.breaks:
        arrays["breaks"] = np.array(series.breaks)
    if series.inputs is not None:
        arrays["inputs"] = series.inputs.values
        arrays["input_channels"] = np.array(series.inputs.channels)
        arrays["input_units"] = np.array(series.inputs.units)
    stream = io.BytesIO()
    np.savez(stream, allow_pickle=False, **arrays)
    write_atomic(path, stream.getvalue())


def write_history(path: Path, history: Sequence[dict[str, Any]]) -> None:
    """Write one JSON object a line."""
    write_atomic(path, "".join(json.dumps(entry, allow_nan=False, sort_keys=True) + "\n" for entry in history).encode())


def _damaged(path: Path, why: object) -> RunDirectoryError:
    return RunDirectoryError(f"the run in {path} is damaged: {why}. Repeat its command with --force")


def _read(file: Path, parse: Callable[[bytes], Any]) -> Any:
    try:
        return parse(file.read_bytes())
    except (OSError, ValueError, TypeError, csv.Error) as error:  # our own refusals are ValueErrors too
        raise _damaged(file.parent, f"{file.name}: {error}") from error


def _table(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ModelFileError("it holds no object")
    return value


def _series(raw: bytes, facts: Mapping[str, Any]) -> Series:
    # Nothing in it is compressed: it holds no more than the file has bytes.
    archive = Archive(raw, len(raw))
    breaks = archive.array("breaks").tolist() if "breaks" in archive.headers else ()
    frame = {"dt": archive.dt(), "times": archive.array("times"), "breaks": breaks}
    inputs = None
    if "inputs" in archive.headers:
        named, units = archive.array("input_channels").tolist(), archive.array("input_units").tolist()
        inputs = Series(archive.array("inputs"), channels=named, units=units, **frame)
    named, units = archive.array("channels").tolist(), archive.array("units").tolist()
    mask = archive.array("mask") if "mask" in archive.headers else None
    return Series(
        archive.array("values"), channels=named, units=units, inputs=inputs, mask=mask, provenance=facts, **frame
    )


def _misplaced(results: Mapping[str, Any], rows: int) -> str:
    """What is wrong with the row numbers of a run, "" where they fit its data."""
    counts = results["rows"]
    if sum(counts[part] for part in ("train", "gap", "test")) != rows or min(counts.values()) < 0:
        return f"rows {dict(counts)} are not the {rows} rows of {names.DATA}"
    before, truth = results["forecast"]["before"], results["forecast"]["rows"]
    good = all(len(part) == 2 and all(map(whole_number, part)) for part in (before, truth))
    if not good or not 0 <= before[0] < before[1] <= truth[0] < truth[1] <= rows:
        return f"forecast {before} {truth} are no rows of {names.DATA}"
    return ""


def _forecasts(raw: bytes, like: Series) -> dict[str, Series]:
    """Columns time, one a channel, then `baseline:channel`; every set of columns becomes a series."""
    header, *rows = csv.reader(io.StringIO(raw.decode("utf-8")))
    uneven = [i for i, row in enumerate(rows) if len(row) != len(header)]
    if uneven:
        raise DataError(f"row {uneven[0] + 1} has {len(rows[uneven[0]])} fields, the header {len(header)}")
    width = len(like.channels)
    if header[1 : 1 + width] != list(like.channels) or len(rows) != len(like):
        raise DataError(
            f"{len(rows)} rows of {header[1 : 1 + width]}, the test part has {len(like)} of {list(like.channels)}"
        )
    columns = list(zip(*rows, strict=True))
    # Inputs stand between the channels and the baselines; a baseline repeats all channels, in order.
    starts = {"": 1}
    for at in range(1 + width, len(header) - width + 1):
        name, colon, _ = header[at].partition(":")
        if colon and header[at : at + width] == [f"{name}:{channel}" for channel in like.channels]:
            starts[name] = at
    facts = {"dt": like.dt, "times": like.times, "channels": like.channels, "units": like.units}
    return {
        name: Series(np.array(columns[at : at + width], dtype=np.float64).T, provenance=dict(like.provenance), **facts)
        for name, at in starts.items()
    }


def _history(raw: bytes) -> list[dict[str, Any]]:
    rows = [_table(loads_strict(line)) for line in raw.splitlines() if line.strip()]
    for i, row in enumerate(rows):
        if not whole_number(row.get("epoch")) or "loss" not in row or no_numbers(row):
            raise DataError(f"line {i + 1} has no `epoch`, no `loss`, or something that is no number")
    return rows
