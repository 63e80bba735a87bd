"""Measures that say whether a free-running series has the attractor of the truth."""

from recurra.diagnostics.attractor.climate import Climate, Score, climate
from recurra.diagnostics.attractor.correlation_dimension import CorrelationDimension, correlation_dimension
from recurra.diagnostics.attractor.marginals import marginal_wasserstein, moment_errors
from recurra.diagnostics.attractor.mixture import mixture_divergence
from recurra.diagnostics.attractor.power_spectrum import power_spectrum_distance
from recurra.diagnostics.attractor.return_map import ReturnMap, return_map, return_map_distance
from recurra.diagnostics.attractor.state_space import state_space_divergence
from recurra.diagnostics.attractor.welch import Spectrum, log_spectral_distance, welch_spectrum

__all__ = [
    "Climate",
    "CorrelationDimension",
    "ReturnMap",
    "Score",
    "Spectrum",
    "climate",
    "correlation_dimension",
    "log_spectral_distance",
    "marginal_wasserstein",
    "mixture_divergence",
    "moment_errors",
    "power_spectrum_distance",
    "return_map",
    "return_map_distance",
    "state_space_divergence",
    "welch_spectrum",
]
