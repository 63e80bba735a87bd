"""What is done for each part of data larger than memory: a survey of its rows, then the sums of the readout."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from recurra.data import Scaler
from recurra.estimators.esn import ESN
from recurra.estimators.frame import Frame
from recurra.estimators.training_set import TrainingSet
from recurra.reservoirs.harvest import Harvest, Saturation
from recurra.reservoirs.readout import QR_LIMIT, RowSum, empty_sum
from recurra.storage import canonical
from recurra.sweeps.factors import columns_at, write_factor
from recurra.sweeps.survey import Survey, read_arrays, unit_of
from recurra.sweeps.task import Pause
from recurra.sweeps.zarr_rows import ZarrRows
from recurra.threads import one_blas_thread


@dataclass(frozen=True)
class Part:
    """Rows of one array: a trajectory of its own.

    Args:
        path: of the Zarr store.
        variable: of the array in it; None where it holds one.
        rows: first row, and the one after the last.
    """

    path: str
    variable: str | None
    rows: tuple[int, int]

    def open(self) -> ZarrRows:
        """The rows."""
        return ZarrRows.open(self.path, self.variable, self.rows)

    def as_dict(self) -> dict[str, Any]:
        """As plain JSON, with what tells the store from a later one at its place: sizes and times of its files."""
        files = [entry.stat() for entry in Path(self.path).rglob("*") if entry.is_file()]
        stamp = [len(files), sum(each.st_size for each in files), max(each.st_mtime_ns for each in files)]
        return {"path": self.path, "variable": self.variable, "rows": list(self.rows), "stamp": stamp}

    @staticmethod
    def of(plain: Mapping[str, Any]) -> "Part":
        """From plain JSON."""
        return Part(plain["path"], plain["variable"], (plain["rows"][0], plain["rows"][1]))


def file_of(scratch: Path, arguments: Mapping[str, Any]) -> Path:
    """Where the result of these arguments is kept."""
    return scratch / f"part-{hashlib.sha256(canonical(arguments).encode()).hexdigest()[:24]}.npz"


def survey_part(arguments: Mapping[str, Any], pause: Pause) -> str:
    """Survey the rows of a part, unless that was done before.

    Args:
        arguments: `part`; `sampled`, which of its rows to keep; `tail`, how many of the last; `scratch`, the directory.
        pause: called between pieces of it.

    Returns:
        The path of the file.
    """
    path = file_of(Path(arguments["scratch"]), arguments)
    if not path.exists():
        rows = Part.of(arguments["part"]).open()
        Survey.of(rows, np.array(arguments["sampled"], np.int64), int(arguments["tail"]), pause).write(path)
    return str(path)


def sum_part(arguments: Mapping[str, Any], pause: Pause) -> str:
    """Drive the reservoir with the rows of a part and keep the sums of the readout, unless that was done before.

    Args:
        arguments: `params` of the network; `part`, and its `number`; `channels` and `inputs`, names of columns; `dt`;
            `moments`, the file with mean and standard deviation of all columns; `scratch`, the directory.
        pause: called between blocks of rows.

    Returns:
        The path of the file.
    """
    path = file_of(Path(arguments["scratch"]), arguments)
    if path.exists():
        return str(path)
    rows, saturation = Part.of(arguments["part"]).open(), Saturation()
    model, frame = ESN(**arguments["params"]), frame_of(rows.header, arguments)
    reservoir = model._reservoir(blank_training(frame, pause), [])
    seen = model._seen(frame.features)
    total: RowSum = empty_sum(seen, len(frame.channels))
    state, done = None, 0
    with one_blas_thread() if seen <= QR_LIMIT else nullcontext():
        for before, inputs, targets in _steps(model, frame, rows, int(arguments["number"])):
            offset = done - before
            washout = max(0, model.washout - offset)
            features = model.readout_features
            harvest = Harvest(reservoir, model.lags, model.increment, washout, features, pause, saturation)
            total, state = harvest.add(total, inputs, targets, range(before, len(inputs)), state)
            done += len(inputs) - before
    write_factor(path, total, states=saturation.states, full=saturation.full)
    return str(path)


def frame_of(header: Sequence[str], arguments: Mapping[str, Any]) -> Frame:
    """Names, step and scaling of the columns that the network is given."""
    moments = read_arrays(Path(arguments["moments"]))
    names = tuple(arguments["channels"]), tuple(arguments["inputs"])
    scaler, drive_scaler = (
        Scaler(*(moments[key][columns_at(header, each)] for key in ("mean", "std"))) for each in names
    )
    units = [("",) * len(each) for each in names]
    return Frame(names[0], units[0], names[1], units[1], float(arguments["dt"]), scaler, drive_scaler, {})


def blank_training(frame: Frame, pause: Pause) -> TrainingSet:
    """A training set without rows: what a reservoir is drawn for."""
    return TrainingSet(frame, [], None, None, lambda event: pause())


def _steps(model: ESN, frame: Frame, rows: ZarrRows, number: int) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
    """How many inputs of earlier steps are on top, `lags` - 1 at most; then scaled inputs and targets of the next ones.

    The noise of the teacher is that of `ESN.fit`, drawn a block at a time.
    """
    noise = np.random.default_rng([model.seed, number, 1])
    channels, drive = (columns_at(rows.header, names) for names in (frame.channels, frame.inputs))
    kept, before = max(0, model.lags - 1), np.empty((0, frame.features))
    for table in rows.steps(unit_of(rows.columns)):
        values, driven = frame.scaler.scale(table[:, channels]), frame.drive_scaler.scale(table[:, drive])
        inputs, targets = np.concatenate([values[:-1], driven[1:]], axis=1), values[1:]
        if model.teacher_noise > 0:
            inputs[:, : len(channels)] += model.teacher_noise * noise.standard_normal(targets.shape)
        inputs = np.concatenate([before, inputs])
        yield len(before), inputs, np.concatenate([np.zeros((len(before), len(channels))), targets])
        before = inputs[len(inputs) - kept :]
