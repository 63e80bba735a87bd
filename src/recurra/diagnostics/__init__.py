"""What a network has learned, and how: gradients through time, gates, exponents, memory."""

from recurra.diagnostics.attractor import Climate, climate
from recurra.diagnostics.bptt import backward, cross_entropy, forward, squared_error
from recurra.diagnostics.double_sum import double_sum, state_jacobian, state_jacobians
from recurra.diagnostics.embedding import cao, choose_delay, choose_dimension, embed, false_nearest_neighbors
from recurra.diagnostics.equation import Equation, sparse_regression
from recurra.diagnostics.exponents import (
    ConditionalExponents,
    CovariantVectors,
    LyapunovSpectrum,
    conditional_exponents,
    covariant_vectors,
    entropy_bound,
    kaplan_yorke_dimension,
    lyapunov_spectrum,
)
from recurra.diagnostics.exponents.from_data import ExponentEstimate, exponent_from_data
from recurra.diagnostics.followers import Followers, followers
from recurra.diagnostics.frequency_response import FrequencyResponse, frequency_response
from recurra.diagnostics.gates import clamp, gates
from recurra.diagnostics.gradient_flow import gradient_flow
from recurra.diagnostics.information_capacity import information_capacity, measure_information_capacity
from recurra.diagnostics.memory_capacity import linear_memory_capacity, measure_memory_capacity, memory_capacity
from recurra.diagnostics.modes import Modes, modes
from recurra.diagnostics.orbits import (
    Behaviour,
    Branch,
    LimitCycle,
    PeriodicPoints,
    behaviour,
    bifurcation_diagram,
    continuation,
    cycles,
    family,
    fixed_points,
    limit_cycle,
    switch_branch,
)
from recurra.diagnostics.predictability import Predictability, noise_level, predictability
from recurra.diagnostics.resonance import Resonance, fit_resonance
from recurra.diagnostics.rtrl import real_time_gradients
from recurra.diagnostics.states import States, states_of
from recurra.diagnostics.untied import Untied, tie
from recurra.diagnostics.vanilla import Vanilla

__all__ = [
    "Behaviour",
    "Branch",
    "Climate",
    "ConditionalExponents",
    "CovariantVectors",
    "Equation",
    "ExponentEstimate",
    "Followers",
    "FrequencyResponse",
    "LimitCycle",
    "LyapunovSpectrum",
    "Modes",
    "PeriodicPoints",
    "Predictability",
    "Resonance",
    "States",
    "Untied",
    "Vanilla",
    "backward",
    "behaviour",
    "bifurcation_diagram",
    "cao",
    "choose_delay",
    "choose_dimension",
    "clamp",
    "climate",
    "conditional_exponents",
    "continuation",
    "covariant_vectors",
    "cross_entropy",
    "cycles",
    "double_sum",
    "embed",
    "entropy_bound",
    "exponent_from_data",
    "false_nearest_neighbors",
    "family",
    "fit_resonance",
    "fixed_points",
    "followers",
    "forward",
    "frequency_response",
    "gates",
    "gradient_flow",
    "information_capacity",
    "kaplan_yorke_dimension",
    "limit_cycle",
    "linear_memory_capacity",
    "lyapunov_spectrum",
    "measure_information_capacity",
    "measure_memory_capacity",
    "memory_capacity",
    "modes",
    "noise_level",
    "predictability",
    "real_time_gradients",
    "sparse_regression",
    "squared_error",
    "state_jacobian",
    "state_jacobians",
    "states_of",
    "switch_branch",
    "tie",
]
