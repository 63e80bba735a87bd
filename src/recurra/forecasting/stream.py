"""`Stream`: a network on one sequence as it comes, with the memory of one state."""

from collections.abc import Callable
from typing import Any

import numpy as np

from recurra.forecasting.compiled import Compiled
from recurra.models import Model


def _as_it_is(array: Any) -> np.ndarray:
    return np.asarray(array)


class Stream:
    """Runs a model on one sequence row by row or in chunks, which gives what the run on the whole gives.

    What it keeps is the state, however long the sequence becomes. A chunk of a new length is compiled once.

    Args:
        model: the network.
        before: from a chunk as it is given to rows (time, features); None for rows as they are.
        after: from the outputs (time, outputs) to what is given back.

    Example:
        >>> from recurra.models import Stack
        >>> stream = Stream(Stack.draw("gru", 1, 2, units=3, seed=0))
        >>> stream.step(np.ones(1)).shape, stream.run(np.ones((10, 1))).shape, stream.rows
        ((2,), (10, 2), 11)
    """

    def __init__(
        self,
        model: Model,
        *,
        before: Callable[[Any], np.ndarray] | None = None,
        after: Callable[[np.ndarray], np.ndarray] | None = None,
    ):
        self._network = Compiled(model)
        self._before, self._after = before or _as_it_is, after or _as_it_is
        self.reset()

    def reset(self) -> None:
        """Begin a new sequence."""
        self._state = self._network.initial_state(1)
        self.rows = 0

    def step(self, x: Any) -> np.ndarray:
        """The output (outputs,) for the next row (features,)."""
        return self.run(np.asarray(x)[None])[0]

    def run(self, chunk: Any) -> np.ndarray:
        """The outputs (time, outputs) for the next rows (time, features)."""
        rows = self._before(chunk)
        self._state, outputs = self._network.run(self._state, rows[None])
        self.rows += len(rows)
        return self._after(outputs[0])
