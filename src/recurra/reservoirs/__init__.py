"""Echo state networks on NumPy and SciPy: a fixed reservoir and a readout found in closed form or step by step."""

from recurra.reservoirs.features import READOUT_FEATURES
from recurra.reservoirs.force import Forced, force_train
from recurra.reservoirs.network import EchoState
from recurra.reservoirs.plasticity import Plasticity
from recurra.reservoirs.readout import RidgePath, TriangularFactor
from recurra.reservoirs.reservoir import Reservoir
from recurra.reservoirs.rls import RecursiveLeastSquares
from recurra.reservoirs.topologies import TOPOLOGIES
from recurra.reservoirs.weights import draw_reservoir, spectral_radius

__all__ = [
    "READOUT_FEATURES",
    "TOPOLOGIES",
    "EchoState",
    "Forced",
    "Plasticity",
    "RecursiveLeastSquares",
    "Reservoir",
    "RidgePath",
    "TriangularFactor",
    "draw_reservoir",
    "force_train",
    "spectral_radius",
]
