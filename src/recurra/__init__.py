"""Learn, forecast and explain dynamics from time series with recurrent neural networks.

Names are resolved on first use (PEP 562), so that ``import recurra`` loads neither JAX nor SciPy.
"""

from importlib import import_module
from typing import TYPE_CHECKING

__version__ = "0.1.0"

_HOME = {
    "Series": "recurra.series",
    "read_series": "recurra.data",
    "Auto": "recurra.estimators",
    "ESN": "recurra.estimators",
    "LocalESN": "recurra.estimators",
    "NGRC": "recurra.estimators",
    "LocalNGRC": "recurra.estimators",
    "KernelRidge": "recurra.estimators",
    "Hybrid": "recurra.estimators",
    "RNN": "recurra.estimators",
    "GRU": "recurra.estimators",
    "LSTM": "recurra.estimators",
    "FFNN": "recurra.estimators",
    "CNN": "recurra.estimators",
    "Denoised": "recurra.estimators",
    "Ensemble": "recurra.estimators",
    "Network": "recurra.estimators",
    "Observer": "recurra.estimators",
    "Sequences": "recurra.estimators",
    "Bands": "recurra.estimators",
    "Climatology": "recurra.estimators",
    "Harmonic": "recurra.estimators",
    "Nearest": "recurra.estimators",
    "Seasonal": "recurra.estimators",
    "Linear": "recurra.estimators",
    "Persistence": "recurra.estimators",
    "identify": "recurra.estimators.identify",
    "load": "recurra.estimators",
}
_MODULES = ("cells", "data", "datasets", "decisions", "diagnostics", "errors", "metrics", "models", "systems", "tasks")
_INSIDE = {"datasets": "recurra.data.datasets", "decisions": "recurra.estimators.decisions"}

__all__ = [*_HOME, *_MODULES]  # pyright: ignore[reportUnsupportedDunderAll]

if TYPE_CHECKING:
    from recurra import cells as cells
    from recurra import data as data
    from recurra import diagnostics as diagnostics
    from recurra import errors as errors
    from recurra import metrics as metrics
    from recurra import models as models
    from recurra import systems as systems
    from recurra import tasks as tasks
    from recurra.data import datasets as datasets
    from recurra.data import read_series as read_series
    from recurra.estimators import CNN as CNN
    from recurra.estimators import ESN as ESN
    from recurra.estimators import FFNN as FFNN
    from recurra.estimators import GRU as GRU
    from recurra.estimators import LSTM as LSTM
    from recurra.estimators import NGRC as NGRC
    from recurra.estimators import RNN as RNN
    from recurra.estimators import Auto as Auto
    from recurra.estimators import Bands as Bands
    from recurra.estimators import Climatology as Climatology
    from recurra.estimators import Denoised as Denoised
    from recurra.estimators import Ensemble as Ensemble
    from recurra.estimators import Harmonic as Harmonic
    from recurra.estimators import Hybrid as Hybrid
    from recurra.estimators import KernelRidge as KernelRidge
    from recurra.estimators import Linear as Linear
    from recurra.estimators import LocalESN as LocalESN
    from recurra.estimators import LocalNGRC as LocalNGRC
    from recurra.estimators import Nearest as Nearest
    from recurra.estimators import Network as Network
    from recurra.estimators import Observer as Observer
    from recurra.estimators import Persistence as Persistence
    from recurra.estimators import Seasonal as Seasonal
    from recurra.estimators import Sequences as Sequences
    from recurra.estimators import decisions as decisions
    from recurra.estimators import load as load
    from recurra.estimators.identify import identify as identify
    from recurra.series import Series as Series


def __getattr__(name: str):
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    if name in _MODULES:
        return import_module(_INSIDE.get(name, f"recurra.{name}"))
    raise AttributeError(f"module 'recurra' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
