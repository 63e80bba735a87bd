"""Data: read it strictly, convert, check, scale and cut it into windows. NumPy only, nothing is ever run."""

from recurra.data.check import check_finite, check_trainable
from recurra.data.convert import as_list, as_series
from recurra.data.read import read_series
from recurra.data.scale import Scaler
from recurra.data.windows import window_starts, windows

__all__ = [
    "Scaler",
    "as_list",
    "as_series",
    "check_finite",
    "check_trainable",
    "read_series",
    "window_starts",
    "windows",
]
