"""A fitted estimator as a model file and back: parameters, frame, network, baselines and the last training rows."""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from recurra import __version__
from recurra.data import Scaler
from recurra.errors import ConfigError, ModelFileError
from recurra.estimators.baseline_set import BASELINES, baseline_layout, baseline_tensors, restore_baseline
from recurra.estimators.frame import Frame
from recurra.estimators.learners import LEARNERS
from recurra.series import Series
from recurra.storage import Layout, plain, read_model, write_model

if TYPE_CHECKING:
    from recurra.estimators.base import Estimator

Tensors = dict[str, np.ndarray]


def save(model: "Estimator", path: Path, *, overwrite: bool) -> None:
    """Write a fitted estimator."""
    frame, recent = model.frame_, model.recent_
    document = {
        "kind": model.kind,
        "recurra_version": __version__,
        "params": plain(model.get_params()),
        "facts": model._facts(),
        "frame": plain(
            {name: getattr(frame, name) for name in ("channels", "units", "inputs", "input_units", "dt", "facts")}
        ),
        "baselines": {name: network.order for name, network in model.baselines_.items()},
        "recent": {
            "rows": len(recent),
            "dates": recent.times.dtype.kind == "M",
            "continues": model.continues_,
        },
        "history": model.history_,
    }
    tensors = {f"network/{name}": array for name, array in model._tensors().items()}
    for name, network in model.baselines_.items():
        tensors |= {f"baseline/{name}/{key}": array for key, array in baseline_tensors(network).items()}
    for name, scaler in (("scaler", frame.scaler), ("drive_scaler", frame.drive_scaler)):
        tensors |= {f"{name}/mean": scaler.mean, f"{name}/std": scaler.std}
    tensors["recent/values"] = recent.values
    tensors["recent/times"] = recent.times.view(np.int64) if recent.times.dtype.kind == "M" else recent.times
    if recent.inputs is not None:
        tensors["recent/inputs"] = recent.inputs.values
    write_model(path, tensors, document, overwrite=overwrite)


def load(path: Path) -> "Estimator":
    """Read a fitted estimator."""

    def expected(document: dict[str, Any]) -> Layout:
        return _layout(document, _unfitted(document, path))

    document, tensors = read_model(path, expected)
    model = _unfitted(document, path)
    try:
        return _fitted(model, document, tensors)
    except (KeyError, TypeError, ValueError, AttributeError) as error:  # values that no `save` of ours wrote
        raise ModelFileError(f"{path} is not a fitted model: {type(error).__name__}: {error}") from error


def _fitted(model: "Estimator", document: dict[str, Any], tensors: Tensors) -> "Estimator":
    frame, recent = _frame(document["frame"], tensors), document["recent"]
    times = tensors["recent/times"]
    model.frame_, model.history_, model.params_ = frame, document["history"], model.get_params()
    model.continues_ = bool(recent["continues"])
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
        name: restore_baseline(name, *sizes, _under(f"baseline/{name}", tensors)) for name in document["baselines"]
    }
    return model


def _unfitted(document: dict[str, Any], path: Path) -> "Estimator":
    kind, params = document["kind"], document["params"]
    if kind not in LEARNERS:
        raise ModelFileError(f"{path} holds a model of kind {kind!r}; this recurra knows {', '.join(LEARNERS)}")
    learner = LEARNERS[kind].estimator()
    known = {field.name for field in dataclasses.fields(learner)}
    if set(params) != known:
        raise ModelFileError(f"{path}: its parameters {sorted(set(params) ^ known)} do not belong to a {kind}")
    model = learner(**params)
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
    for name, order in document["baselines"].items():
        if name not in BASELINES:
            raise ModelFileError(f"{name!r} is not a baseline of this recurra")
        layout |= {f"baseline/{name}/{k}": v for k, v in baseline_layout(int(order), channels, features).items()}
    for name, size in (("scaler", channels), ("drive_scaler", inputs)):
        layout |= {f"{name}/mean": ("float64", (size,)), f"{name}/std": ("float64", (size,))}
    layout["recent/values"] = ("float64", (rows, channels))
    layout["recent/times"] = ("int64" if document["recent"]["dates"] else "float64", (rows,))
    if inputs:
        layout["recent/inputs"] = ("float64", (rows, inputs))
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
