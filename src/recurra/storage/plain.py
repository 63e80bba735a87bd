"""Values as JSON can hold them."""

import math
import os
from collections.abc import Mapping
from typing import Any

import numpy as np


def plain(value: Any) -> Any:
    """NumPy numbers and arrays as Python's, tuples as lists, paths and dates as text, NaN and infinity as null.

    Args:
        value: anything nested; what is none of these is given back as it is.

    >>> plain({"rmse": float("inf"), "n": (1, 2)})
    {'rmse': None, 'n': [1, 2]}
    """
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    if isinstance(value, np.ndarray | np.generic):
        # `tolist` alone would make whole numbers of dates in nanoseconds.
        return value.astype(str).tolist() if value.dtype.kind == "M" else plain(value.tolist())
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
