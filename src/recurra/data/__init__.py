"""Data: read it strictly, convert, check, scale and cut it into windows. NumPy only, nothing is ever run."""

from recurra.data import splits
from recurra.data.check import check_finite, check_trainable
from recurra.data.convert import as_list, as_series
from recurra.data.describe import describe
from recurra.data.leakage import check_scaling, check_split
from recurra.data.noise import NoiseLevel, noise_level
from recurra.data.read import read_series
from recurra.data.scale import Scaler
from recurra.data.symbols import from_one_hot, to_one_hot
from recurra.data.windows import window_starts, windows

__all__ = [
    "NoiseLevel",
    "Scaler",
    "as_list",
    "as_series",
    "check_finite",
    "check_scaling",
    "check_split",
    "check_trainable",
    "describe",
    "from_one_hot",
    "noise_level",
    "read_series",
    "splits",
    "to_one_hot",
    "window_starts",
    "windows",
]
