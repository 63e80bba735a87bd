"""Training by backpropagation through time: objectives, losses, optimisers, schedules and the compiled loop."""

from recurra.training.feeding import FEEDINGS, SHARES, Fed, Feeding
from recurra.training.flossing import floss
from recurra.training.fresh import Fresh
from recurra.training.hessian_free import HessianFree
from recurra.training.initial import INITIALISATIONS, best_echo_state, echo_state
from recurra.training.least_squares import Fitted, least_squares
from recurra.training.loop import Trained, train
from recurra.training.losses import LOSSES, Loss
from recurra.training.objectives import LastStep, NextSteps, Objective, Windows
from recurra.training.optimizers import OPTIMIZERS
from recurra.training.penalties import Penalty
from recurra.training.physics import Physics
from recurra.training.schedules import MOMENTA, SCHEDULES
from recurra.training.sequences import Feedback, MaskedSteps, masked_outputs
from recurra.training.settings import METHODS, Settings
from recurra.training.truncated import Truncated, streams
from recurra.training.wrappers import Gaussian, LearnedStart

__all__ = [
    "FEEDINGS",
    "INITIALISATIONS",
    "LOSSES",
    "METHODS",
    "MOMENTA",
    "OPTIMIZERS",
    "SCHEDULES",
    "SHARES",
    "Fed",
    "Feedback",
    "Feeding",
    "Fitted",
    "Fresh",
    "Gaussian",
    "HessianFree",
    "LastStep",
    "LearnedStart",
    "Loss",
    "MaskedSteps",
    "NextSteps",
    "Objective",
    "Penalty",
    "Physics",
    "Settings",
    "Trained",
    "Truncated",
    "Windows",
    "best_echo_state",
    "echo_state",
    "floss",
    "least_squares",
    "masked_outputs",
    "streams",
    "train",
]
