"""Echo state networks on NumPy and SciPy: a fixed reservoir and a readout found in closed form."""

from recurra.reservoirs.network import EchoState
from recurra.reservoirs.readout import RidgePath, TriangularFactor
from recurra.reservoirs.reservoir import Reservoir
from recurra.reservoirs.weights import draw_reservoir, spectral_radius

__all__ = ["EchoState", "Reservoir", "RidgePath", "TriangularFactor", "draw_reservoir", "spectral_radius"]
