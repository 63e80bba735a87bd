"""Orbits of a step map: where it rests, what comes back, how that changes with a parameter, and the word for it."""

from recurra.diagnostics.orbits.behaviour import Behaviour, behaviour
from recurra.diagnostics.orbits.continuation import Bifurcation, Branch, continuation, switch_branch
from recurra.diagnostics.orbits.diagram import Diagram, bifurcation_diagram
from recurra.diagnostics.orbits.families import family
from recurra.diagnostics.orbits.fixed_points import cycles, fixed_points
from recurra.diagnostics.orbits.limit_cycle import LimitCycle, limit_cycle
from recurra.diagnostics.orbits.periodic import PeriodicPoints

__all__ = [
    "Behaviour",
    "Bifurcation",
    "Branch",
    "Diagram",
    "LimitCycle",
    "PeriodicPoints",
    "behaviour",
    "bifurcation_diagram",
    "continuation",
    "cycles",
    "family",
    "fixed_points",
    "limit_cycle",
    "switch_branch",
]
