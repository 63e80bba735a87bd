"""Orbits of a step map: where it rests, what comes back, how that changes with a parameter, and the word for it."""

from recurra.diagnostics.orbits.continuation import Bifurcation, Branch, continuation
from recurra.diagnostics.orbits.families import family
from recurra.diagnostics.orbits.fixed_points import cycles, fixed_points
from recurra.diagnostics.orbits.periodic import PeriodicPoints

__all__ = ["Bifurcation", "Branch", "PeriodicPoints", "continuation", "cycles", "family", "fixed_points"]
