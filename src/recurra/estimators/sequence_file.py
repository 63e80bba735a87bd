"""A fitted `Sequences` as a model file and back: parameters, how both sides are coded, network and baselines."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from recurra import __version__
from recurra.data import Scaler
from recurra.errors import ConfigError, ModelFileError
from recurra.estimators.sequence_data import Coding
from recurra.estimators.sequence_network import draw_network
from recurra.estimators.sequence_scores import Memoryless
from recurra.forecasting.compiled import Compiled
from recurra.models import from_tensors, tensor_layout, to_tensors
from recurra.storage import Layout, plain, write_model

if TYPE_CHECKING:
    from recurra.estimators.sequences import Sequences

_SIDES = ("inputs", "targets")


def save(model: "Sequences", path: Path, *, overwrite: bool) -> None:
    """Write a fitted model.

    Raises:
        ConfigError: symbols that JSON does not know.
    """
    sides = dict(zip(_SIDES, (model.inputs_, model.targets_), strict=True))
    strangers = [s for side in sides.values() for s in side.symbols or () if not isinstance(s, str | int | float)]
    if strangers:
        raise ConfigError(f"a model file holds classes that are texts or numbers, and one is {strangers[0]!r}")
    document = {
        "kind": model.kind,
        "recurra_version": __version__,
        "params": plain(model.get_params()),
        "coding": {
            name: {"width": side.width, "symbols": plain(side.symbols), "scaled": side.scaler is not None}
            for name, side in sides.items()
        },
        "steps": model.steps_,
        "history": model.history_,
    }
    tensors = {f"network/{name}": array for name, array in to_tensors(model.network_.model).items()}
    tensors |= {"constant": model.memoryless_.constant, "linear": model.memoryless_.linear}
    for name, side in sides.items():
        if side.scaler is not None:
            tensors |= {f"{name}/mean": side.scaler.mean, f"{name}/std": side.scaler.std}
    write_model(path, tensors, document, overwrite=overwrite)


def layout(model: "Sequences", document: dict[str, Any]) -> Layout:
    """The arrays that a document calls for."""
    inputs, outputs = (int(document["coding"][name]["width"]) for name in _SIDES)
    arrays = {f"network/{k}": v for k, v in tensor_layout(draw_network(model, inputs, outputs, None)).items()}
    arrays |= {"constant": ("float64", (outputs,)), "linear": ("float64", (inputs + 1, outputs))}
    for name, width in zip(_SIDES, (inputs, outputs), strict=True):
        if document["coding"][name]["scaled"]:
            arrays |= {f"{name}/{part}": ("float64", (width,)) for part in ("mean", "std")}
    return arrays


def restore(model: "Sequences", document: dict[str, Any], tensors: dict[str, np.ndarray]) -> "Sequences":
    """The fitted model."""
    model.inputs_, model.targets_ = (_coding(name, document["coding"][name], tensors) for name in _SIDES)
    if (model.targets_.symbols is None) == (model.loss == "categorical"):
        raise ModelFileError(f"the loss {model.loss!r} does not go with the classes in the file")
    blank = draw_network(model, model.inputs_.width, model.targets_.width, None)
    weights = {name.removeprefix("network/"): t for name, t in tensors.items() if name.startswith("network/")}
    model.network_ = Compiled(from_tensors(blank, weights))
    model.memoryless_ = Memoryless(tensors["constant"], tensors["linear"])
    model.steps_, model.history_, model.params_ = document["steps"], document["history"], model.get_params()
    return model


def _coding(name: str, document: dict[str, Any], tensors: dict[str, np.ndarray]) -> Coding:
    symbols, width = document["symbols"], int(document["width"])
    if symbols is not None and (len(symbols) != width or len(set(symbols)) != width):
        raise ModelFileError(f"the symbols of the {name} are not {width} different ones")
    scaler = Scaler(tensors[f"{name}/mean"], tensors[f"{name}/std"]) if document["scaled"] else None
    return Coding(width, None if symbols is None else tuple(symbols), scaler)
