"""What the trained networks share: windows, backpropagation through time, early stopping in the closed loop."""

import dataclasses
from typing import Any, ClassVar

import numpy as np

from recurra._types import whole_number
from recurra.data import window_starts
from recurra.errors import ConfigError, DataError
from recurra.estimators.base import Estimator
from recurra.estimators.parameters import Checks
from recurra.estimators.training_set import Scaled, TrainingSet, validation_origins
from recurra.forecasting import closed_loop_errors, forecast_origins, horizon_score
from recurra.forecasting.compiled import Compiled
from recurra.models import Stack, from_tensors, stack_shapes, to_tensors
from recurra.storage import Layout, plain
from recurra.training import OPTIMIZERS, NextSteps, Settings, train
from recurra.training.loop import Validate


@dataclasses.dataclass(kw_only=True, eq=False)
class Recurrent(Estimator):
    """A stack of recurrent layers and a linear readout, trained by backpropagation through time.

    Args:
        units: hidden units of each layer.
        layers: recurrent layers on top of each other.
        optimizer: "adam", "rmsprop", "sgd" or "momentum", with the constants that Keras documents.
        learning_rate: step length of the optimiser.
        final_learning_rate: step length at the end, reached along half a cosine; None keeps it constant.
        momentum: coefficient of the velocity, for "momentum".
        epochs: passes over the training windows.
        batch_size: windows a gradient is averaged over.
        bptt_length: steps of a training window, through which gradients flow.
        stride: rows from the start of one window to the next.
        clip_norm: longest gradient; None for no limit.
        increment: learn y[t+1] - y[t], in units of its standard deviation, instead of y[t+1].
        teacher_forced: steps of a window that see the true rows, the others run on the network's own output; None for
            all of them.
        validation: fraction of the training rows held out; the weights with the best closed-loop forecasts of them
            are kept. 0 trains on all rows and keeps the last weights.
        patience: epochs without a better validation after which training stops, looked at every 10 epochs; None
            trains to the end.
        horizon: steps of each validation forecast; None takes `bptt_length`, or half of the held-out rows.
        origins: number of validation forecasts.
        warmup: rows of history run through the network before a forecast; None takes `bptt_length` - 1.
        seed: of the weights and the order of the windows; the same seed gives the same bits.
    """

    cell: ClassVar[str]
    choices: ClassVar[dict[str, list[str]]] = {}  # of the parameters that only this cell has

    units: int = 64
    layers: int = 1
    optimizer: str = "adam"
    learning_rate: float = 1e-3
    final_learning_rate: float | None = None
    momentum: float = 0.9
    epochs: int = 100
    batch_size: int = 32
    bptt_length: int = 50
    stride: int = 1
    clip_norm: float | None = 1.0
    increment: bool = False
    teacher_forced: int | None = None
    validation: float = 0.1
    patience: int | None = None
    horizon: int | None = None
    origins: int = 20
    warmup: int | None = None
    seed: int = 0

    def _cell_options(self) -> dict[str, Any]:
        """Arguments of the cell beside its sizes."""
        return {name: getattr(self, name) for name in self.choices}

    def check(self) -> None:
        checks = Checks(self).whole("units", 1, 100_000).whole("layers", 1, 1000).choice("optimizer", list(OPTIMIZERS))
        checks.number("learning_rate", 0, open_low=True).number("final_learning_rate", 0, optional=True)
        checks.number("momentum", 0, 1).whole("epochs", 1).whole("batch_size", 1).whole("bptt_length", 1)
        checks.whole("stride", 1).number("clip_norm", 0, open_low=True, optional=True).flag("increment")
        longest = self.bptt_length if whole_number(self.bptt_length) else 1
        checks.whole("teacher_forced", 1, longest, optional=True).number("validation", 0, 0.9)
        checks.whole("patience", 1, optional=True).whole("horizon", 1, optional=True).whole("origins", 1)
        checks.whole("warmup", 0, optional=True).whole("seed", 0, 2**32 - 1)
        for name, known in self.choices.items():
            checks.choice(name, known)
        checks.raise_all()

    def _warmup_rows(self) -> int:
        return int(self.bptt_length - 1 if self.warmup is None else self.warmup)

    def _learn(self, training: TrainingSet) -> tuple[Compiled, list[dict[str, Any]]]:
        held = training.held is not None or self.validation > 0
        if self.patience is not None and not held:
            raise ConfigError(
                "`patience` waits for a better validation, and nothing validates: set `validation` above 0"
            )
        cuts = training.cuts(self.validation) if held else [len(values) for values, _ in training.parts]
        data = self._windows(training.trained(cuts))
        trained = train(
            self._draw(len(training.frame.channels), training.frame.features, training.parts),
            NextSteps(int(self.bptt_length), int(self.teacher_forced or self.bptt_length)),
            data,
            self._settings(),
            validate=self._validate(training.validation(cuts, self._warmup_rows())) if held else None,
            checkpoint=training.checkpoint,
            progress=training.progress,
        )
        return Compiled(trained.best), trained.history

    def _settings(self) -> Settings:
        same = ("optimizer", "learning_rate", "momentum", "epochs", "batch_size", "clip_norm", "patience", "seed")
        given: dict[str, Any] = plain({name: getattr(self, name) for name in same})
        final = given["learning_rate"] if self.final_learning_rate is None else float(self.final_learning_rate)
        return Settings(final_learning_rate=final, **given)

    def _windows(self, parts: list[Scaled]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The rows of all series one after the other, and the first row of every window."""
        starts = window_starts([len(values) for values, _ in parts], self.bptt_length + 1, self.stride)
        if len(starts) == 0:
            longest = max(len(values) for values, _ in parts)
            raise DataError(
                f"no window of {self.bptt_length} steps fits the {longest} training rows of the longest series (it "
                f"spans {self.bptt_length + 1}): set `bptt_length` to at most {longest - 1}"
            )
        values, drive = (np.concatenate(tables).astype(np.float32) for tables in zip(*parts, strict=True))
        return values, drive, starts.astype(np.int32)

    def _draw(self, channels: int, features: int, parts: list[Scaled]) -> Stack:
        scale = None
        if self.increment:
            steps = np.concatenate([np.diff(values, axis=0) for values, _ in parts])
            scale = steps.std(axis=0).astype(np.float32)
        return Stack.draw(
            self.cell,
            features,
            channels,
            units=self.units,
            layers=self.layers,
            scale=scale,
            seed=self.seed,
            **self._cell_options(),
        )

    def _validate(self, held: list[Scaled]) -> Validate:
        origins = validation_origins(held, self._warmup_rows(), self.horizon, self.bptt_length, self.origins)

        def score(model: Stack) -> float:
            return float(horizon_score(closed_loop_errors(forecast_origins(Compiled(model), origins), origins.truth)))

        return score

    def _facts(self) -> dict[str, Any]:
        return {}

    def _tensors(self) -> dict[str, np.ndarray]:
        return to_tensors(self.network_.model)

    def _layout(self, channels: int, features: int, facts: dict[str, Any]) -> Layout:
        shapes = stack_shapes(self.cell, features, channels, self.units, self.layers)
        if self.increment:
            shapes["scale"] = (channels,)
        return {name: ("float32", shape) for name, shape in shapes.items()}

    def _restore(self, channels: int, features: int, facts: dict[str, Any], tensors: dict[str, np.ndarray]) -> Compiled:
        return Compiled(from_tensors(self.cell, self.layers, tensors, self._cell_options()))
