"""Echo state networks on native kernels, NumPy and SciPy: a fixed reservoir, a readout in closed form or stepwise.

Beside the reservoirs stand what takes their place before the same readout: polynomials, or kernels, of delayed rows.
"""

from recurra.reservoirs.delay_map import DelayMap
from recurra.reservoirs.features import READOUT_FEATURES
from recurra.reservoirs.force import Forced, force_train
from recurra.reservoirs.kernel_ridge import KernelPath
from recurra.reservoirs.kernels import KERNELS, Kernel
from recurra.reservoirs.local import LocalEchoState
from recurra.reservoirs.neighbourhoods import Grid, Neighbourhoods
from recurra.reservoirs.network import EchoState
from recurra.reservoirs.plasticity import Plasticity
from recurra.reservoirs.polynomials import Polynomials
from recurra.reservoirs.readout import BandPath, RidgePath, TriangularFactor
from recurra.reservoirs.refinement import FreeRuns, Refinement
from recurra.reservoirs.reservoir import Reservoir, harvest_many
from recurra.reservoirs.rls import RecursiveLeastSquares
from recurra.reservoirs.topologies import TOPOLOGIES
from recurra.reservoirs.weights import draw_reservoir, spectral_radius

__all__ = [
    "KERNELS",
    "READOUT_FEATURES",
    "TOPOLOGIES",
    "BandPath",
    "DelayMap",
    "EchoState",
    "Forced",
    "FreeRuns",
    "Grid",
    "Kernel",
    "KernelPath",
    "LocalEchoState",
    "Neighbourhoods",
    "Plasticity",
    "Polynomials",
    "RecursiveLeastSquares",
    "Refinement",
    "Reservoir",
    "RidgePath",
    "TriangularFactor",
    "draw_reservoir",
    "force_train",
    "harvest_many",
    "spectral_radius",
]
