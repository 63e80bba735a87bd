"""`Problem`: sequences with their targets, and what a trivial answer reaches."""

from dataclasses import dataclass
from typing import Any

from recurra._types import whole_number
from recurra.errors import ConfigError


@dataclass(frozen=True, eq=False)
class Problem:
    """Inputs and targets as the estimator `Sequences` takes them.

    Args:
        task: one of `recurra.tasks.TASKS`.
        loss: that fits the targets: "squared", "binary" or "categorical".
        inputs: arrays (time, features), or texts.
        targets: one for each; NaN where there is no answer.
        trivial: what the best constant answer is expected to reach: the mean squared error for "squared", otherwise
            the share of right answers.
    """

    task: str
    loss: str
    inputs: list[Any]
    targets: list[Any]
    trivial: float


def check_sizes(**given: int) -> None:
    """Refuse what is not a whole number above 0.

    Raises:
        ConfigError: names it.
    """
    for name, value in given.items():
        if not whole_number(value) or value < 1:
            raise ConfigError(f"`{name}` must be a whole number above 0, got {value!r}")
