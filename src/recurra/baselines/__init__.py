"""Honest baselines as forecasters in NumPy: persistence, climatology, linear, seasonal, sinusoids, and the nearest
past segment.

All work in scaled units (mean 0, standard deviation 1 over the training rows) with a leading batch axis, as
`recurra._types.Forecaster` asks.
"""

from recurra.baselines.constant import Climatology, Persistence
from recurra.baselines.harmonic import Harmonic, residuals, sinusoids
from recurra.baselines.linear import LinearAR, fit_linear
from recurra.baselines.nearest import Nearest
from recurra.baselines.seasonal import Seasonal, periods

__all__ = [
    "Climatology",
    "Harmonic",
    "LinearAR",
    "Nearest",
    "Persistence",
    "Seasonal",
    "fit_linear",
    "periods",
    "residuals",
    "sinusoids",
]
