"""What a network has learned, and how: gradients through time made visible."""

from recurra.diagnostics.bptt import backward, cross_entropy, forward, squared_error
from recurra.diagnostics.double_sum import double_sum, state_jacobian, state_jacobians
from recurra.diagnostics.rtrl import real_time_gradients
from recurra.diagnostics.untied import Untied, tie
from recurra.diagnostics.vanilla import Vanilla

__all__ = [
    "Untied",
    "Vanilla",
    "backward",
    "cross_entropy",
    "double_sum",
    "forward",
    "real_time_gradients",
    "squared_error",
    "state_jacobian",
    "state_jacobians",
    "tie",
]
