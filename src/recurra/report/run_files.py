"""What a run directory holds, read for its report: a missing file is noted, a damaged one refused."""

import csv
import io
import json
import tomllib
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from recurra.errors import DataError, RunDirectoryError
from recurra.series import Series


@dataclass(frozen=True)
class RunFiles:
    """The contents of a run directory.

    Args:
        path: the directory.
        config: resolved configuration.
        command: the command, word by word.
        results: "results" of `metrics.json`.
        train: data before the forecast, or None.
        truth: data that the forecast is compared with, or None.
        forecasts: the forecast and those of the baselines, by name; "" is the learner of this run.
        history: one mapping an epoch.
        versions: from `env.json`, flat.
        notes: what is missing, one sentence each.
    """

    path: Path
    config: Mapping[str, Any]
    command: tuple[str, ...]
    results: Mapping[str, Any]
    train: Series | None
    truth: Series | None
    forecasts: Mapping[str, Series]
    history: tuple[Mapping[str, Any], ...]
    versions: Mapping[str, str]
    notes: tuple[str, ...]


def read_run(run_dir: str | Path) -> RunFiles:
    """Read the files of a run directory that a report shows.

    Raises:
        RunDirectoryError: there is no such directory.
        DataError: a file is there and cannot be read: which one, and why.
    """
    path = Path(run_dir)
    if not path.is_dir():
        raise RunDirectoryError(f"there is no run directory {str(path)!r}: name the directory that `recurra fit` wrote")
    notes: list[str] = []

    def read(name: str, parse: Callable[[bytes], Any], nothing: Any, what: str) -> Any:
        """`nothing`, with a note, where the file is missing."""
        if not (path / name).exists():
            notes.append(f"{name} is missing: {what}.")
            return nothing
        try:
            return parse((path / name).read_bytes())
        except (OSError, ValueError, KeyError, IndexError, TypeError, EOFError, zipfile.BadZipFile) as error:
            raise DataError(f"{path / name} is damaged and cannot be shown: {error}. Run the command again") from error

    config = read("config.toml", lambda raw: tomllib.loads(raw.decode()), {}, "the configuration is not known")
    metrics = read("metrics.json", _metrics, {}, "there are no scores, and the command is not known")
    results = metrics.get("results", {})
    unit = str(results.get("time_unit") or "")
    parts = read("data.npz", lambda raw: _data(raw, unit), (None, None), "there is no truth to draw")
    model = parts[1] or parts[0]
    forecasts = {}
    if model is not None:
        what = "there is no forecast to draw"
        forecasts = read("forecast.csv", lambda raw: _forecasts(raw, model), {}, what)
    history = read("history.jsonl", _history, (), "the training curve is not known")
    versions = read("env.json", lambda raw: dict(_flat(json.loads(raw))), {}, "versions are not known")
    command = tuple(str(word) for word in metrics.get("command", ()))
    return RunFiles(path, config, command, results, parts[0], parts[1], forecasts, history, versions, tuple(notes))


def _metrics(raw: bytes) -> dict[str, Any]:
    document = json.loads(raw)
    if not isinstance(document, dict) or not isinstance(document.get("results", {}), dict):
        raise ValueError("it holds no object with an object `results`")
    return document


def _data(raw: bytes, time_unit: str) -> tuple[Series | None, Series | None]:
    """Training and test part of `data.npz`; a part without rows is None."""
    with np.load(io.BytesIO(raw), allow_pickle=False) as arrays:
        parts = []
        for part in ("train", "test"):
            values = arrays[f"{part}_values"]
            series = Series(
                values,
                dt=float(arrays["dt"]),
                times=arrays[f"{part}_times"],
                channels=[str(name) for name in arrays["channels"]],
                units=[str(unit) for unit in arrays["units"]],
                provenance={"time_unit": time_unit} if time_unit else {},
            )
            parts.append(series if len(series) else None)
    return parts[0], parts[1]


def _forecasts(raw: bytes, like: Series) -> dict[str, Series]:
    """Columns time, one a channel, then `baseline:channel`; every set of columns becomes a series."""
    header, *rows = csv.reader(io.StringIO(raw.decode("utf-8")))
    uneven = [i for i, row in enumerate(rows) if len(row) != len(header)]
    if uneven:
        raise ValueError(f"row {uneven[0] + 1} has {len(rows[uneven[0]])} fields, the header {len(header)}")
    if not rows:
        return {}
    width = len(like.channels)
    if header[1 : 1 + width] != list(like.channels):
        raise ValueError(f"its columns are {header[1 : 1 + width]}, the channels of the data {list(like.channels)}")
    columns = list(zip(*rows, strict=True))
    times = np.array(columns[0], dtype="datetime64[ns]" if like.times.dtype.kind == "M" else np.float64)
    # Inputs stand between the channels and the baselines; a baseline repeats all channels, in order.
    starts = {"": 1}
    for at in range(1 + width, len(header) - width + 1):
        name, colon, _ = header[at].partition(":")
        if colon and header[at : at + width] == [f"{name}:{channel}" for channel in like.channels]:
            starts[name] = at
    found = {}
    for name, at in starts.items():
        table = np.array(columns[at : at + width], dtype=np.float64).T
        found[name] = Series(
            table, dt=like.dt, times=times, channels=like.channels, units=like.units, provenance=like.provenance
        )
    return found


def _history(raw: bytes) -> tuple[Mapping[str, Any], ...]:
    rows = tuple(json.loads(line) for line in raw.decode("utf-8").splitlines() if line.strip())
    for i, row in enumerate(rows):
        if "epoch" not in row or "loss" not in row:
            raise ValueError(f"line {i + 1} has no `epoch` or no `loss`")
    return rows


def _flat(document: Mapping[str, Any], before: str = "") -> list[tuple[str, str]]:
    """Nested names joined by spaces, {"cpu": {"cores": 2}} as ("cpu cores", "2"); versions without prefix."""
    found = []
    for name, value in document.items():
        key = "" if name in ("versions", "packages") else f"{before} {name}".strip()
        found += _flat(value, key) if isinstance(value, dict) else [(key, _plain(value))]
    return found


def _plain(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else "–" if value is None else str(value)
