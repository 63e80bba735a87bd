"""The files of a run that hold data: written once, read back for reports, forecasts and scores."""

import io
import json
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy

from recurra.errors import RunDirectoryError
from recurra.experiment.run_directory import (
    CONFIG,
    DATA,
    is_finished,
    read_config,
    read_metrics,
)
from recurra.series import Series
from recurra.storage import write_atomic


@dataclass(frozen=True)
class Run:
    """A finished run, read back.

    Args:
        path: its directory.
        config: the resolved configuration.
        results: scores and sizes, from `metrics.json`.
        train, test: the two parts of the data.
    """

    path: Path
    config: dict[str, Any]
    results: dict[str, Any]
    train: Series
    test: Series


def read_run(path: str | Path) -> Run:
    """Read a finished run.

    Raises:
        RunDirectoryError: not a run directory, not finished, or damaged.
    """
    path = Path(path)
    if not (path / CONFIG).is_file():
        raise RunDirectoryError(f"{path} is no run directory, it holds no {CONFIG}: `recurra fit DATA` makes one")
    config = read_config(path)
    if not is_finished(path):
        raise RunDirectoryError(f"the run in {path} is not finished: repeat its command, and it resumes")
    try:
        arrays = _read_arrays(path / DATA)
        parts = {part: _series(part, arrays) for part in ("train", "test")}
    except (OSError, KeyError, ValueError, zipfile.BadZipFile, EOFError) as error:
        raise RunDirectoryError(f"the run in {path} is damaged: {error}. Repeat its command with --force") from error
    return Run(path, config, read_metrics(path)["results"], parts["train"], parts["test"])


def write_data(path: Path, train: Series, test: Series) -> None:
    """Write both parts as one `.npz`: `train_values`, `train_times`, `test_values`, `test_times`, dt, names.

    Driven systems add `train_inputs`, `test_inputs`, `input_channels` and `input_units`.
    """
    arrays = {"dt": np.array(train.dt), "channels": np.array(train.channels), "units": np.array(train.units)}
    for name, part in (("train", train), ("test", test)):
        arrays[f"{name}_values"], arrays[f"{name}_times"] = part.values, part.times
        if part.inputs is not None:
            arrays[f"{name}_inputs"] = part.inputs.values
            arrays["input_channels"] = np.array(part.inputs.channels)
            arrays["input_units"] = np.array(part.inputs.units)
    stream = io.BytesIO()
    np.savez(stream, allow_pickle=False, **arrays)
    write_atomic(path, stream.getvalue())


def write_history(path: Path, history: Sequence[dict[str, Any]]) -> None:
    """Write one JSON object a line."""
    write_atomic(path, "".join(json.dumps(entry, allow_nan=False, sort_keys=True) + "\n" for entry in history).encode())


def _read_arrays(path: Path) -> dict[str, np.ndarray]:
    with zipfile.ZipFile(path) as archive:
        return {entry.filename.removesuffix(".npy"): _read_array(archive, entry) for entry in archive.infolist()}


def _read_array(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> np.ndarray:
    """One member: stored as it is, no objects, its header true to its size before anything is allocated."""
    if entry.compress_type != zipfile.ZIP_STORED:
        raise ValueError(f"{entry.filename} is compressed, which recurra does not do")
    stream = io.BytesIO(archive.read(entry))
    major, _ = npy.read_magic(stream)
    shape, fortran, dtype = (npy.read_array_header_1_0 if major == 1 else npy.read_array_header_2_0)(stream)
    if dtype.hasobject or dtype.itemsize * int(np.prod(shape, dtype=object)) != entry.file_size - stream.tell():
        raise ValueError(f"{entry.filename} does not hold what its header says")
    return np.frombuffer(stream.read(), dtype=dtype).reshape(shape, order="F" if fortran else "C")


def _series(part: str, arrays: dict[str, np.ndarray]) -> Series:
    frame = {"dt": float(arrays["dt"]), "times": arrays[f"{part}_times"]}
    inputs = None
    if f"{part}_inputs" in arrays:
        names, units = arrays["input_channels"].tolist(), arrays["input_units"].tolist()
        inputs = Series(arrays[f"{part}_inputs"], channels=names, units=units, **frame)
    channels, units = arrays["channels"].tolist(), arrays["units"].tolist()
    return Series(arrays[f"{part}_values"], channels=channels, units=units, inputs=inputs, **frame)
