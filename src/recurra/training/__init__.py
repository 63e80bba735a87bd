"""Training by backpropagation through time: objectives, optimisers and the compiled loop."""

from recurra.training.loop import Trained, train
from recurra.training.objectives import LastStep, NextSteps, Objective
from recurra.training.settings import OPTIMIZERS, Settings

__all__ = ["OPTIMIZERS", "LastStep", "NextSteps", "Objective", "Settings", "Trained", "train"]
