"""Training by backpropagation through time: objectives, losses, optimisers, schedules and the compiled loop."""

from recurra.training.least_squares import Fitted, least_squares
from recurra.training.loop import Trained, train
from recurra.training.losses import LOSSES, Loss
from recurra.training.objectives import LastStep, NextSteps, Objective
from recurra.training.optimizers import OPTIMIZERS
from recurra.training.penalties import Penalty
from recurra.training.physics import Physics
from recurra.training.schedules import SCHEDULES
from recurra.training.sequences import Feedback, MaskedSteps
from recurra.training.settings import Settings
from recurra.training.truncated import Truncated, streams
from recurra.training.wrappers import Gaussian, LearnedStart

__all__ = [
    "LOSSES",
    "OPTIMIZERS",
    "SCHEDULES",
    "Feedback",
    "Fitted",
    "Gaussian",
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
    "least_squares",
    "streams",
    "train",
]
