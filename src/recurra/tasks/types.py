"""The four kinds of tasks on sequences, each named in one word: when the input comes, and when the answer."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from recurra.errors import ConfigError, DataError, unknown

TASKS = ("many-to-one", "one-to-many", "many-to-many", "delayed")


@dataclass(frozen=True)
class TaskType:
    r"""When a network answers, for an input of T rows, counted from 0.

    ==================  ================  ===================================
    task                rows of answer    at steps
    ==================  ================  ===================================
    ``many-to-one``     1                 T - 1
    ``one-to-many``     K, of T = 1       0 ... K - 1
    ``many-to-many``    T                 0 ... T - 1
    ``delayed``         K                 T - 1 + delay ... T + K - 2 + delay
    ==================  ================  ===================================

    After the input a network runs on with rows of zeros. A delayed answer is given by the network that has read the
    input: a further input column is 1 at the steps of the answer and 0 before. So one step map serves reading and
    answering, what it has read is in its state alone, and targets are never an input.

    Args:
        name: one of `TASKS`.
        delay: d, steps from the last row of the input to the first of the answer, for "delayed".

    Raises:
        ConfigError: an unknown name, a delay that cannot be.

    >>> TaskType("delayed", 2).rows(np.array([[5.0], [6.0]]), answers=3).tolist()
    [[5.0, 0.0], [6.0, 0.0], [0.0, 0.0], [0.0, 1.0], [0.0, 1.0], [0.0, 1.0]]
    """

    name: str
    delay: int = 0

    def __post_init__(self) -> None:
        if self.name not in TASKS:
            raise ConfigError(unknown("task", self.name, TASKS))
        if self.delay < 0 or (self.delay and self.name != "delayed"):
            raise ConfigError(f"`delay` is {self.delay}: it is from 0 on, and 0 for all tasks but 'delayed'")

    @property
    def runs_on(self) -> bool:
        """Whether the network answers after its input has ended."""
        return self.name in ("one-to-many", "delayed")

    def answers(self, rows: int) -> int | None:
        """Rows of the answer to an input of so many; None where they are free."""
        return {"many-to-one": 1, "many-to-many": rows}.get(self.name)

    def first(self, rows: int) -> int:
        """The step of the first row of the answer to an input of so many rows."""
        if self.name in ("one-to-many", "many-to-many"):
            return 0
        return rows - 1 + self.delay

    def rows(self, inputs: np.ndarray, answers: int) -> np.ndarray:
        """What the network sees: inputs (T, features), then rows of zeros; for "delayed" the mark beside.

        Args:
            inputs: (T, features).
            answers: K, rows of the answer.

        Returns:
            (steps, features), or (steps, features + 1) for "delayed".
        """
        first = self.first(len(inputs))
        steps = max(len(inputs), first + answers)
        seen = np.concatenate([inputs, np.zeros((steps - len(inputs), inputs.shape[1]))])
        if self.name != "delayed":
            return seen
        return np.concatenate([seen, (np.arange(steps) >= first)[:, None]], axis=1)

    def check(self, inputs: Sequence[int], answers: Sequence[int | None]) -> None:
        """Refuse rows that are not those of this task.

        Args:
            inputs: rows of each input.
            answers: rows of each target; None for one without a time axis.

        Raises:
            DataError: names the sequence, and the task that fits.
        """
        for k, (rows, given) in enumerate(zip(inputs, answers, strict=True)):
            if self._fits(rows, given):
                continue
            found = "one target without a time axis" if given is None else f"targets of {_counted(given)}"
            raise DataError(
                f"sequence {k}: {found} for inputs of {_counted(rows)} {'is' if given is None else 'are'} "
                f"'{fitting(rows, given)}'; you asked for '{self.name}'"
            )

    def _fits(self, rows: int, given: int | None) -> bool:
        if given is None or self.name == "many-to-one":
            return given in (None, 1) and self.name == "many-to-one"
        if self.name == "many-to-many":
            return given == rows
        return self.name == "delayed" or rows == 1


def fitting(rows: int, answers: int | None) -> str:
    """The name of the task for an input of so many rows and a target of so many, None for one without a time axis.

    >>> fitting(7, 7), fitting(7, None), fitting(1, 7), fitting(7, 3)
    ('many-to-many', 'many-to-one', 'one-to-many', 'delayed')
    """
    if answers in (None, 1):
        return "many-to-one"
    if answers == rows:
        return "many-to-many"
    return "one-to-many" if rows == 1 else "delayed"


def _counted(rows: int) -> str:
    return f"{rows} row{'s' if rows != 1 else ''}"
