"""Lyapunov exponents: of a step map, of a driven network, from data, with their directions."""

from recurra.diagnostics.exponents.conditional import ConditionalExponents, conditional_exponents
from recurra.diagnostics.exponents.covariant import CovariantVectors, covariant_vectors
from recurra.diagnostics.exponents.dimension import entropy_bound, kaplan_yorke_dimension
from recurra.diagnostics.exponents.lyapunov import LyapunovSpectrum, lyapunov_spectrum

__all__ = [
    "ConditionalExponents",
    "CovariantVectors",
    "LyapunovSpectrum",
    "conditional_exponents",
    "covariant_vectors",
    "entropy_bound",
    "kaplan_yorke_dimension",
    "lyapunov_spectrum",
]
