"""An echo state network fitted to more rows than memory holds: blocks of rows come and go, their sums stay."""

import copy
import hashlib
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from recurra.data.check import warn
from recurra.errors import ConfigError, DataError, RecurraError
from recurra.estimators.baseline_set import PAST_ROWS, fit_baselines
from recurra.estimators.esn import ESN
from recurra.estimators.frame import Frame
from recurra.estimators.memory import refuse_beyond_memory
from recurra.estimators.saturation import warn_of_saturation
from recurra.estimators.trained import TrainedRows
from recurra.estimators.training_set import TrainingSet
from recurra.reservoirs.readout import QR_LIMIT
from recurra.series import Series
from recurra.sweeps.executor import Executor, InProcess, go_on
from recurra.sweeps.factors import Factor, columns_at, read_factor, tree
from recurra.sweeps.parts import Part, blank_training, file_of, frame_of
from recurra.sweeps.survey import Survey, moments_of, write_arrays
from recurra.sweeps.task import Pause, Task
from recurra.sweeps.zarr_rows import ZarrRows
from recurra.threads import one_blas_thread

_SAMPLE = 1024  # rows by which the model recognises what it was trained on, of all parts together
_TAIL = 2**16  # values of the last rows, for the baselines
_FLAT = 32 * np.finfo(np.float64).eps  # of the mean: below this a standard deviation is rounding noise
_HOME = "recurra.sweeps.parts"


@dataclass(frozen=True)
class Columns:
    """What the columns of the arrays are.

    Args:
        channels: names of those that are forecast; None for all that are no inputs.
        inputs: names of those that drive.
        dt: step between rows, in time units.
    """

    channels: Sequence[str] | None = None
    inputs: Sequence[str] = ()
    dt: float = 1.0

    def named(self, header: Sequence[str]) -> tuple[list[str], list[str]]:
        """Both, for columns of these names.

        Raises:
            ConfigError: a name that no column has.
        """
        inputs = list(self.inputs)
        channels = [name for name in header if name not in inputs] if self.channels is None else list(self.channels)
        strange = [name for name in [*channels, *inputs] if name not in header]
        if strange or not channels or set(channels) & set(inputs):
            raise ConfigError(f"channels {channels} and inputs {inputs} of columns {', '.join(header[:20])}")
        return channels, inputs


def fit_out_of_core(
    model: ESN,
    sources: Any,
    *,
    variable: str | None = None,
    rows: tuple[int, int] | None = None,
    columns: Columns = Columns(),
    executor: Executor | None = None,
    scratch: str | os.PathLike[str] | None = None,
    check: Pause = go_on,
) -> ESN:
    """Fit an echo state network to Zarr arrays that are larger than memory.

    Blocks of rows are read one at a time, twice: for mean and standard deviation, and to drive the reservoir, whose
    state is carried from block to block. The readout keeps a triangular factor (of more than 2,000 features, a Gram
    matrix). The weights are those of `ESN.fit` on the same rows, up to rounding; how the array is cut in chunks changes
    no bit of them. In memory are a block of rows, the reservoir, and a few matrices with a row for each feature.

    Several arrays are several trajectories, done at a time by an executor; their factors are merged in a tree that
    depends on their number alone. The baselines beside the model are fitted to the last rows, 10,000 or fewer.

    Args:
        model: parameters; with `readout="ridge"`, a `ridge`, one of `draws`, no `refine` and no plasticity.
        sources: directory of a Zarr store, or a list of them.
        variable: of the array in each; None where a store holds one array of two axes.
        rows: first row, and the one after the last, of every array; None for all.
        columns: names of channels and inputs, and the step.
        executor: for the parts; default: this process.
        scratch: directory for what is done, where the next attempt finds it; default: a temporary one.
        check: called between the blocks in this process; may raise to stop.

    Returns:
        The model, fitted: it forecasts, and `save` writes a file that `recurra.load` reads.

    Raises:
        ConfigError: parameters that need all rows at once; too little memory for the readout.
        DataError: values that are not finite, constant columns, too few rows; a part that failed.
    """
    given = [sources] if isinstance(sources, str | os.PathLike) else list(sources)
    opened = [ZarrRows.open(path, variable, rows) for path in map(Path, given)]
    parts = [
        Part(os.path.abspath(path), variable, (each.first, each.stop)) for path, each in zip(given, opened, strict=True)
    ]
    with _directory(scratch) as home:
        fit_parts(model, parts, opened, columns, Work(executor or InProcess(), home, check))
    return model


def fit_parts(
    model: ESN, parts: Sequence[Part], opened: Sequence[ZarrRows], columns: Columns, work: "Work"
) -> list[Survey]:
    """What `fit_out_of_core` does, for parts that are open; returns what was found out about their rows."""
    _refuse(model)
    names = _names(opened, columns)
    features = len(names[0]) + len(names[1])
    refuse_beyond_memory(5 * 8 * (model._seen(features) + len(names[0])) ** 2, "the readout", "take fewer `units`")
    _check_length(model, opened)
    surveys = _surveyed(model, parts, opened, work)
    arguments = {
        "channels": names[0],
        "inputs": names[1],
        "dt": float(columns.dt),
        "moments": _moments_file(surveys, opened[0].header, [*names[0], *names[1]], work.home),
    }
    frame = frame_of(opened[0].header, arguments)
    _solve(model, frame, parts, arguments, work)
    _complete(model, frame, opened, surveys)
    return surveys


@dataclass(frozen=True)
class Work:
    """Where tasks are done, and what they leave."""

    executor: Executor
    home: Path
    check: Pause

    def paths(self, entry: str, arguments: Sequence[Mapping[str, Any]]) -> list[Path]:
        """The files of a function of `parts` for each of these arguments."""
        tasks = [
            Task(f"{entry}-{k}", f"{_HOME}:{entry}", {**each, "scratch": str(self.home)})
            for k, each in enumerate(arguments)
        ]
        found: dict[str, Path] = {}
        for outcome in self.executor.run(tasks, self.check):
            if outcome.reason:
                raise _failure(outcome.reason)
            found[outcome.task.name] = Path(outcome.value)
        return [found[task.name] for task in tasks]


def _failure(reason: str) -> RecurraError:
    kind, _, text = reason.partition(": ")
    return {"ConfigError": ConfigError, "DataError": DataError}.get(kind, DataError)(text or reason)


def _refuse(model: ESN) -> None:
    """Refuse what needs all rows at once."""
    model.check()
    if model.readout != "ridge" or model.ridge is None:
        raise ConfigError("out of core the readout is a ridge regression: set `ridge`, the readout being 'ridge'")
    if model.tune is not None:
        raise ConfigError("`tune` tries many fits to all rows in memory: tune on some of them, and set what it chose")
    if model.plasticity:
        raise ConfigError("`plasticity` passes over all rows in memory: set it to 0 for a fit out of core")
    if model.draws > 1:
        raise ConfigError("`draws` passes over all rows for every reservoir: set it to 1 for a fit out of core")
    if model.refine:
        raise ConfigError("`refine` runs the network from rows in memory: set it to 0 for a fit out of core")


def _names(opened: Sequence[ZarrRows], columns: Columns) -> tuple[list[str], list[str]]:
    headers = {rows.header for rows in opened}
    if len(headers) > 1:
        raise DataError(f"the arrays have different columns: {sorted(len(each) for each in headers)} of them")
    return columns.named(opened[0].header)


def _check_length(model: ESN, opened: Sequence[ZarrRows]) -> None:
    need, longest = model._warmup_rows() + 3, max(map(len, opened))
    if longest < need:
        raise ConfigError(f"the warm-up and the fit need {need} rows in one piece, and the longest array has {longest}")


def _surveyed(model: ESN, parts: Sequence[Part], opened: Sequence[ZarrRows], work: Work) -> list[Survey]:
    most, wide = max(2, _SAMPLE // len(parts)), opened[0].columns
    tail = max(min(PAST_ROWS, _TAIL // wide), model._warmup_rows() + 3)
    arguments = []
    for part, rows in zip(parts, opened, strict=True):
        sampled = np.unique(np.linspace(0, len(rows) - 1, min(most, len(rows))).round().astype(np.int64))
        arguments.append({"part": part.as_dict(), "sampled": sampled.tolist(), "tail": tail})
    return [Survey.read(path) for path in work.paths("survey_part", arguments)]


def _moments_file(surveys: Sequence[Survey], header: Sequence[str], used: Sequence[str], home: Path) -> str:
    """Mean and standard deviation of all columns, in a file; constant ones that are used are refused."""
    mean, std = moments_of(surveys)
    low = np.min([each.low for each in surveys], axis=0)
    high = np.max([each.high for each in surveys], axis=0)
    for name, k in zip(used, columns_at(header, used), strict=True):
        if not np.isfinite(std[k]):
            raise DataError(f"the variance of column {name!r} overflows: give it in a larger unit")
        if low[k] == high[k] or std[k] <= _FLAT * abs(mean[k]):
            raise DataError(f"column {name!r} is constant ({mean[k]:g}): there is nothing to learn in it. Leave it out")
    path = file_of(home, {"mean": mean.tolist(), "std": std.tolist()})
    write_arrays(path, mean=mean, std=std)
    return str(path)


def _solve(model: ESN, frame: Frame, parts: Sequence[Part], arguments: Mapping[str, Any], work: Work) -> None:
    """The network, from the sums of all parts."""
    shared = {**arguments, "params": model.get_params()}
    each = [{**shared, "part": part.as_dict(), "number": k} for k, part in enumerate(parts)]
    found, counts = work.paths("sum_part", each), {"states": 0, "full": 0}

    def read(k: int) -> Factor:
        total, beside = read_factor(found[k])
        for name in counts:
            counts[name] += int(beside[name])
        return total

    with one_blas_thread() if model._seen(frame.features) <= QR_LIMIT else nullcontext():
        total = tree(len(parts), read)
        if total.rows < 2:
            raise DataError("no training rows are left after the washout: give longer arrays or a shorter `washout`")
        coefficients = total.solve(float(model.ridge or 0))
    reservoir = model._reservoir(blank_training(frame, work.check), [])
    warn_of_saturation(model, counts["full"] / max(1, counts["states"]), warn)
    vars(model).pop("network_", None)
    model.network_ = model._network(reservoir, coefficients)


def _complete(model: ESN, frame: Frame, opened: Sequence[ZarrRows], surveys: Sequence[Survey]) -> None:
    """What `Estimator.fit` leaves beside the network."""
    tail = series_of(
        frame, opened[-1], surveys[-1].tail, np.arange(len(opened[-1]) - len(surveys[-1].tail), len(opened[-1]))
    )
    training = TrainingSet(frame, [frame.scaled(tail)], None, None, None)
    model.frame_, model.history_, model.alarms_ = frame, [], []
    with one_blas_thread():
        model.baselines_ = fit_baselines(training, leave_out=model.kind)
    model.recent_ = tail[-model.memory :]
    model.trained_ = _trained(frame, opened, surveys)
    model.continues_ = len(opened) == 1
    model.params_ = copy.deepcopy(model.get_params())


def series_of(frame: Frame, rows: ZarrRows, table: np.ndarray, at: np.ndarray) -> Series:
    """Some rows as a series, at their times in the array."""
    channels, inputs = (columns_at(rows.header, names) for names in (frame.channels, frame.inputs))
    times = (rows.first + at) * frame.dt
    drive = None
    if inputs:
        drive = Series(table[:, inputs], dt=frame.dt, times=times, channels=frame.inputs, units=frame.input_units)
    options: dict[str, Any] = {"channels": frame.channels, "units": frame.units, "inputs": drive}
    return Series(table[:, channels], dt=frame.dt, times=times, **options)


def _trained(frame: Frame, opened: Sequence[ZarrRows], surveys: Sequence[Survey]) -> TrainedRows:
    pairs = list(zip(opened, surveys, strict=True))
    columns = columns_at(opened[0].header, frame.channels)
    return TrainedRows(
        np.array([rows.first * frame.dt for rows in opened]),
        np.array([(rows.stop - 1) * frame.dt for rows in opened]),
        np.repeat(np.arange(len(surveys)), [len(each.sampled) for each in surveys]),
        np.concatenate([(rows.first + each.sampled) * frame.dt for rows, each in pairs]),
        np.concatenate([each.sample[:, columns] for each in surveys]),
        "",
    )


def content_hash(surveys: Sequence[Survey]) -> str:
    """SHA-256 over the hashes of the values of all parts."""
    return hashlib.sha256(b"".join(each.sha256.tobytes() for each in surveys)).hexdigest()


@contextmanager
def _directory(given: str | os.PathLike[str] | None) -> Iterator[Path]:
    """The directory that is given, or one that goes with the work."""
    if given is not None:
        path = Path(os.path.abspath(given))
        path.mkdir(parents=True, exist_ok=True)
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="recurra-") as home:
        yield Path(home)
