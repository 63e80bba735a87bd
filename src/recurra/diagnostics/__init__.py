"""What a network has learned, and how: gradients through time, gates, exponents, memory."""

from recurra.diagnostics.bptt import backward, cross_entropy, forward, squared_error
from recurra.diagnostics.double_sum import double_sum, state_jacobian, state_jacobians
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
from recurra.diagnostics.followers import Followers, followers
from recurra.diagnostics.frequency_response import FrequencyResponse, frequency_response
from recurra.diagnostics.gates import clamp, gates
from recurra.diagnostics.gradient_flow import gradient_flow
from recurra.diagnostics.information_capacity import information_capacity, measure_information_capacity
from recurra.diagnostics.memory_capacity import linear_memory_capacity, measure_memory_capacity, memory_capacity
from recurra.diagnostics.modes import Modes, modes
from recurra.diagnostics.resonance import Resonance, fit_resonance
from recurra.diagnostics.rtrl import real_time_gradients
from recurra.diagnostics.states import States, states_of
from recurra.diagnostics.untied import Untied, tie
from recurra.diagnostics.vanilla import Vanilla

__all__ = [
    "ConditionalExponents",
    "CovariantVectors",
    "Followers",
    "FrequencyResponse",
    "LyapunovSpectrum",
    "Modes",
    "Resonance",
    "States",
    "Untied",
    "Vanilla",
    "backward",
    "clamp",
    "conditional_exponents",
    "covariant_vectors",
    "cross_entropy",
    "double_sum",
    "entropy_bound",
    "fit_resonance",
    "followers",
    "forward",
    "frequency_response",
    "gates",
    "gradient_flow",
    "information_capacity",
    "kaplan_yorke_dimension",
    "linear_memory_capacity",
    "lyapunov_spectrum",
    "measure_information_capacity",
    "measure_memory_capacity",
    "memory_capacity",
    "modes",
    "real_time_gradients",
    "squared_error",
    "state_jacobian",
    "state_jacobians",
    "states_of",
    "tie",
]
