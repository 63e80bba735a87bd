"""Echo state networks on native kernels, NumPy and SciPy: a fixed reservoir, a readout in closed form or stepwise."""

from recurra.reservoirs.features import READOUT_FEATURES
from recurra.reservoirs.force import Forced, force_train
from recurra.reservoirs.network import EchoState
from recurra.reservoirs.plasticity import Plasticity
from recurra.reservoirs.readout import BandPath, RidgePath, TriangularFactor
from recurra.reservoirs.reservoir import Reservoir, harvest_many
from recurra.reservoirs.rls import RecursiveLeastSquares
from recurra.reservoirs.topologies import TOPOLOGIES
from recurra.reservoirs.weights import draw_reservoir, spectral_radius

__all__ = [
    "READOUT_FEATURES",
    "TOPOLOGIES",
    "BandPath",
    "EchoState",
    "Forced",
    "Plasticity",
    "RecursiveLeastSquares",
    "Reservoir",
    "RidgePath",
    "TriangularFactor",
    "draw_reservoir",
    "force_train",
    "harvest_many",
    "spectral_radius",
]
