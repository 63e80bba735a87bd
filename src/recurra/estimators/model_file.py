"""A fitted estimator as a model file and back: parameters, frame, network, baselines and the last training rows."""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from recurra import __version__
from recurra.data import Scaler
from recurra.errors import ConfigError, ModelFileError
from recurra.estimators.baseline_set import (
    BASELINES,
    baseline_facts,
    baseline_layout,
    baseline_tensors,
    restore_baseline,
)
from recurra.estimators.frame import Frame
from recurra.estimators.learners import LEARNERS, Learner
from recurra.estimators.trained import TrainedRows
from recurra.series import Series
from recurra.storage import Layout, plain, read_model, write_model

if TYPE_CHECKING:
    from recurra.estimators.base import Estimator

Tensors = dict[str, np.ndarray]

_SEQUENCES = Learner("from a sequence to an answer, no forecaster", "recurra.estimators.sequences:Sequences")
_OBSERVER = Learner("from measured channels to the others, no forecaster", "recurra.estimators.observer:Observer")
_ALONE = {"sequences": _SEQUENCES, "observer": _OBSERVER}  # they know their own files
_KINDS = {**LEARNERS, **_ALONE}


def save(model: "Estimator", path: Path, *, overwrite: bool) -> None:
    """Write a fitted estimator."""
    frame, recent = model.frame_, model.recent_
    document = {
        "kind": model.kind,
        "recurra_version": __version__,
        "params": plain(model.acting._saved()),
        "facts": model.acting._facts(),
        "frame": plain(
            {name: getattr(frame, name) for name in ("channels", "units", "inputs", "input_units", "dt", "facts")}
        ),
        "baselines": {name: baseline_facts(network) for name, network in model.baselines_.items()},
        "recent": {
            "rows": len(recent),
            "dates": recent.times.dtype.kind == "M",
            "continues": model.continues_,
        },
        "history": model.history_,
        "trained": _trained_sizes(model.trained_),
    }
    tensors = {f"network/{name}": array for name, array in model.acting._tensors().items()}
    for name, network in model.baselines_.items():
        tensors |= {f"baseline/{name}/{key}": array for key, array in baseline_tensors(network).items()}
    for name, scaler in (("scaler", frame.scaler), ("drive_scaler", frame.drive_scaler)):
        tensors |= {f"{name}/mean": scaler.mean, f"{name}/std": scaler.std}
    tensors["recent/values"] = recent.values
    tensors["recent/times"] = recent.times.view(np.int64) if recent.times.dtype.kind == "M" else recent.times
    if recent.inputs is not None:
        tensors["recent/inputs"] = recent.inputs.values
    tensors |= _trained_tensors(model.trained_)
    write_model(path, tensors, document, overwrite=overwrite)


def load(path: Path, **handed: Any) -> Any:
    """Read a fitted estimator; `handed` are parameters that no file holds, such as a cell of one's own."""

    def expected(document: dict[str, Any]) -> Layout:
        model = _unfitted(document, path, handed)
        return model.layout(document) if document["kind"] in _ALONE else _layout(document, model)

    document, tensors = read_model(path, expected)
    model = _unfitted(document, path, handed)
    try:
        return model.restore(document, tensors) if model.kind in _ALONE else _fitted(model, document, tensors)
    except (KeyError, TypeError, ValueError, AttributeError) as error:  # values that no `save` of ours wrote
        raise ModelFileError(f"{path} is not a fitted model: {type(error).__name__}: {error}") from error


def _fitted(model: "Estimator", document: dict[str, Any], tensors: Tensors) -> "Estimator":
    frame, recent = _frame(document["frame"], tensors), document["recent"]
    times = tensors["recent/times"]
    model.frame_, model.history_, model.params_ = frame, document["history"], model.get_params()
    model.continues_, model.alarms_ = bool(recent["continues"]), []  # no file keeps the alarms of a fit
    model.recent_ = Series(
        tensors["recent/values"],
        dt=frame.dt,
        times=times.view("datetime64[ns]") if recent["dates"] else times,
        channels=frame.channels,
        units=frame.units,
        inputs=_inputs(tensors, times, frame, recent["dates"]),
        provenance=frame.facts,
    )
    sizes = len(frame.channels), frame.features
    model.network_ = model._restore(*sizes, document["facts"], _under("network", tensors))
    model.baselines_ = {
        name: restore_baseline(name, facts, *sizes, _under(f"baseline/{name}", tensors))
        for name, facts in _baselines(document).items()
    }
    model.trained_ = _trained(document, tensors)
    return model


def _baselines(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The sizes of each baseline; the first files kept the order alone."""
    entries = document["baselines"].items()
    return {name: entry if isinstance(entry, dict) else {"order": int(entry)} for name, entry in entries}


def _trained_sizes(trained: TrainedRows | None) -> dict[str, Any] | None:
    if trained is None:
        return None
    return {"series": len(trained.starts), "rows": len(trained.owners), "source": trained.source}


def _trained_tensors(trained: TrainedRows | None) -> Tensors:
    """How the training rows are recognised; no tensor of a model file holds NaN, so a mask stands beside the values."""
    if trained is None:
        return {}
    times = {"starts": trained.starts, "stops": trained.stops, "times": trained.times}
    values = {"owners": trained.owners, "values": np.nan_to_num(trained.values), "measured": ~np.isnan(trained.values)}
    times = {name: array.view(np.int64) if array.dtype.kind == "M" else array for name, array in times.items()}
    return {f"trained/{name}": array for name, array in {**times, **values}.items()}


def _trained(document: dict[str, Any], tensors: Tensors) -> TrainedRows | None:
    """How the training rows are recognised; None for a file that is older than that."""
    found = _under("trained", tensors)
    if not found:
        return None
    kind = "datetime64[ns]" if document["recent"]["dates"] else "float64"
    starts, stops, times = (found[name].view(kind) for name in ("starts", "stops", "times"))
    values = np.where(found["measured"], found["values"], np.nan)
    owners = found["owners"]
    if ((owners < 0) | (owners >= len(starts))).any():
        raise ModelFileError("the remembered training rows belong to series that are not there")
    return TrainedRows(starts, stops, owners, times, values, str(document["trained"]["source"]))


def _unfitted(document: dict[str, Any], path: Path, handed: dict[str, Any]) -> Any:
    kind, params = document["kind"], document["params"]
    if kind not in _KINDS:
        raise ModelFileError(f"{path} holds a model of kind {kind!r}; this recurra knows {', '.join(_KINDS)}")
    learner = _KINDS[kind].estimator()
    surplus = sorted(set(params) - {field.name for field in dataclasses.fields(learner)})
    if surplus:
        raise ModelFileError(
            f"{path}: this recurra ({__version__}) knows no parameters {surplus} of a {kind}: upgrade to the one that "
            f"made the file ({document.get('recurra_version')})"
        )
    unwanted = sorted(set(handed) - {name for name in learner.handed if params.get(name) is None})
    if unwanted:
        raise ModelFileError(f"{path} holds a {kind} that takes no {', '.join(map(repr, unwanted))} from outside")
    # A parameter that is younger than the file has its default: as before there was one.
    model = learner(**{**params, **handed})
    try:
        model.check()
    except ConfigError as error:
        raise ModelFileError(f"{path}: {error}") from error
    return model


def _layout(document: dict[str, Any], model: "Estimator") -> Layout:
    frame, rows = document["frame"], int(document["recent"]["rows"])
    channels, inputs = len(frame["channels"]), len(frame["inputs"])
    features = channels + inputs
    layout = {f"network/{k}": v for k, v in model._layout(channels, features, document["facts"]).items()}
    for name, facts in _baselines(document).items():
        if name not in BASELINES:
            raise ModelFileError(f"{name!r} is not a baseline of this recurra")
        layout |= {f"baseline/{name}/{k}": v for k, v in baseline_layout(name, facts, channels, features).items()}
    for name, size in (("scaler", channels), ("drive_scaler", inputs)):
        layout |= {f"{name}/mean": ("float64", (size,)), f"{name}/std": ("float64", (size,))}
    layout["recent/values"] = ("float64", (rows, channels))
    layout["recent/times"] = ("int64" if document["recent"]["dates"] else "float64", (rows,))
    if inputs:
        layout["recent/inputs"] = ("float64", (rows, inputs))
    if sizes := document.get("trained"):
        clock, series, sampled = layout["recent/times"][0], int(sizes["series"]), int(sizes["rows"])
        layout |= {f"trained/{name}": (clock, (series,)) for name in ("starts", "stops")}
        layout |= {"trained/owners": ("int64", (sampled,)), "trained/times": (clock, (sampled,))}
        layout |= {
            "trained/values": ("float64", (sampled, channels)),
            "trained/measured": ("bool", (sampled, channels)),
        }
    return layout


def _frame(document: dict[str, Any], tensors: Tensors) -> Frame:
    return Frame(
        tuple(document["channels"]),
        tuple(document["units"]),
        tuple(document["inputs"]),
        tuple(document["input_units"]),
        float(document["dt"]),
        Scaler(tensors["scaler/mean"], tensors["scaler/std"]),
        Scaler(tensors["drive_scaler/mean"], tensors["drive_scaler/std"]),
        document["facts"],
    )


def _inputs(tensors: Tensors, times: np.ndarray, frame: Frame, dates: bool) -> Series | None:
    if "recent/inputs" not in tensors:
        return None
    grid = times.view("datetime64[ns]") if dates else times
    return Series(tensors["recent/inputs"], dt=frame.dt, times=grid, channels=frame.inputs, units=frame.input_units)


def _under(prefix: str, tensors: Tensors) -> Tensors:
    return {name.removeprefix(prefix + "/"): t for name, t in tensors.items() if name.startswith(prefix + "/")}
