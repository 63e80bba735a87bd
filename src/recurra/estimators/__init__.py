"""Estimators: `fit`, `forecast`, `predict`, `score`, `backtest`, `save`; names are resolved on first use."""

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recurra.estimators.learners import LEARNERS as LEARNERS
from recurra.estimators.learners import Learner as Learner

_HOME = {
    "Auto": "recurra.estimators.auto",
    "Bands": "recurra.estimators.bands",
    "CNN": "recurra.estimators.cnn",
    "FFNN": "recurra.estimators.ffnn",
    "ESN": "recurra.estimators.esn",
    "GRU": "recurra.estimators.gru",
    "KernelRidge": "recurra.estimators.kernel_ridge",
    "LSTM": "recurra.estimators.lstm",
    "LocalESN": "recurra.estimators.local_esn",
    "LocalNGRC": "recurra.estimators.local_ngrc",
    "RNN": "recurra.estimators.rnn",
    "Climatology": "recurra.estimators.baselines",
    "Ensemble": "recurra.estimators.ensemble",
    "Estimator": "recurra.estimators.base",
    "Denoised": "recurra.estimators.denoised",
    "Harmonic": "recurra.estimators.baselines",
    "Hybrid": "recurra.estimators.hybrid",
    "Linear": "recurra.estimators.baselines",
    "NGRC": "recurra.estimators.ngrc",
    "Nearest": "recurra.estimators.baselines",
    "Network": "recurra.estimators.network",
    "Observer": "recurra.estimators.observer",
    "Persistence": "recurra.estimators.baselines",
    "Seasonal": "recurra.estimators.baselines",
    "Sequences": "recurra.estimators.sequences",
}

__all__ = ["LEARNERS", "Learner", "load", *_HOME]  # pyright: ignore[reportUnsupportedDunderAll]

if TYPE_CHECKING:
    from recurra.estimators.auto import Auto as Auto
    from recurra.estimators.bands import Bands as Bands
    from recurra.estimators.base import Estimator as Estimator
    from recurra.estimators.baselines import Climatology as Climatology
    from recurra.estimators.baselines import Harmonic as Harmonic
    from recurra.estimators.baselines import Linear as Linear
    from recurra.estimators.baselines import Nearest as Nearest
    from recurra.estimators.baselines import Persistence as Persistence
    from recurra.estimators.baselines import Seasonal as Seasonal
    from recurra.estimators.cnn import CNN as CNN
    from recurra.estimators.denoised import Denoised as Denoised
    from recurra.estimators.ensemble import Ensemble as Ensemble
    from recurra.estimators.esn import ESN as ESN
    from recurra.estimators.ffnn import FFNN as FFNN
    from recurra.estimators.gru import GRU as GRU
    from recurra.estimators.hybrid import Hybrid as Hybrid
    from recurra.estimators.kernel_ridge import KernelRidge as KernelRidge
    from recurra.estimators.local_esn import LocalESN as LocalESN
    from recurra.estimators.local_ngrc import LocalNGRC as LocalNGRC
    from recurra.estimators.lstm import LSTM as LSTM
    from recurra.estimators.network import Network as Network
    from recurra.estimators.ngrc import NGRC as NGRC
    from recurra.estimators.observer import Observer as Observer
    from recurra.estimators.rnn import RNN as RNN
    from recurra.estimators.sequences import Sequences as Sequences


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module 'recurra.estimators' has no attribute {name!r}")


def load(path: Any, **handed: Any) -> "Estimator":
    """Read a model that `save` wrote: parameters, weights, scaling, baselines and the rows to warm up on.

    Args:
        path: the file, by custom `model.safetensors`.
        handed: what no file holds: `cell=MyCell` of a `Network` with a cell of one's own.

    Raises:
        ModelFileError: missing, foreign, damaged, too new, or not what it claims to be. No code in the file can run.
    """
    from recurra.estimators.model_file import load as load_file

    return load_file(Path(path), **handed)
