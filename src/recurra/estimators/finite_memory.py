"""What the feed-forward and the convolutional network share: they see the last rows, and nothing before them."""

import dataclasses
from abc import abstractmethod
from typing import Any

import numpy as np

from recurra.cells import ELEMENTWISE, Convolution, receptive_field
from recurra.estimators.parameters import Checks
from recurra.estimators.recurrent import Recurrent
from recurra.estimators.training_options import objective
from recurra.models import Model, Stack, in_precision
from recurra.models.stack import draw_readout
from recurra.training import NextSteps, Objective
from recurra.training.full_windows import FullWindows

_FEEDBACK = {  # parameters of a state that is fed back, and the value that says nothing
    "recurrent_dropout": 0.0,
    "flossing": 0,
    "learned_start": False,
    "stateful": False,
}


@dataclasses.dataclass(kw_only=True, eq=False)
class FiniteMemory(Recurrent):
    """Layers without feedback and a readout, trained on windows as the recurrent networks are.

    The network is a step map all the same: its state is the buffer of the last rows, so that it streams, forecasts and
    validates in the closed loop as every other. Its forecast of a row depends on the `receptive_field` rows before it.
    Every training window holds at least these, and the steps with fewer rows before them are not compared.

    See `Recurrent` for the other parameters. There is nothing that is fed back: `recurrent_dropout`, `flossing`,
    `learned_start`, `stateful` and penalties on W are refused.

    Args:
        activation: of the units, one of `recurra.cells.ACTIVATIONS` that acts on each by itself.
    """

    activation: str = "tanh"

    @abstractmethod
    def _taps(self) -> list[tuple[int, int]]:
        """Kernel and dilation of every layer."""

    @property
    def receptive_field(self) -> int:
        """Rows that the forecast of the next one depends on: 1 + sum over layers of (kernel - 1) dilation."""
        return receptive_field(self._cells(1, None))

    def _check_cell(self, checks: Checks) -> None:
        checks.choice("activation", ELEMENTWISE)
        self._check_taps(checks)
        for name, nothing in _FEEDBACK.items():
            if getattr(self, name) != nothing:
                checks.problems.append(f"`{name}`: nothing is fed back in a network of finite memory, leave it out")
        if checks.problems:
            return
        field, rows = self.receptive_field, f"an output depends on {self.receptive_field} rows"
        for name, least in (("bptt_length", field), ("teacher_forced", field), ("warmup", field - 1)):
            value = getattr(self, name)
            if value is not None and value < least:
                checks.problems.append(f"`{name}`: {rows}, it must be at least {least}, got {value!r}")

    @abstractmethod
    def _check_taps(self, checks: Checks) -> None:
        """Check what `_taps` is made of."""

    def _warmup_rows(self) -> int:
        return int(self.receptive_field - 1 if self.warmup is None else self.warmup)

    def _objective(self) -> Objective:
        inner = objective(self, self.receptive_field)
        assert isinstance(inner, NextSteps)  # `check` refuses `stateful`
        return FullWindows(inner, self.receptive_field)

    def _cells(self, inputs: int, rng: np.random.Generator | None) -> list[Convolution]:
        widths = [inputs, *[self.units] * (self.layers - 1)]
        return [
            Convolution.draw(width, self.units, rng, kernel, dilation, self.activation)
            for width, (kernel, dilation) in zip(widths, self._taps(), strict=True)
        ]

    def _network(self, outputs: int, features: int, scale: Any, seed: int | None) -> Model:
        rng = None if seed is None else np.random.default_rng(seed)
        cells = tuple(self._cells(features, rng))
        readout = draw_readout((self.units, *(self.readout or ()), outputs), self.readout_activation, rng)
        return in_precision(Stack(cells, readout, scale, self.dropout), self.precision)

    def _size(self, model: Model) -> tuple[int, int, int]:
        return self.units, 1 + self.receptive_field // self.layers, self.layers  # the buffers are kept at every step
