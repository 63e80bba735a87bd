"""What the trained networks share: windows, backpropagation through time, early stopping in the closed loop."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from recurra.cells import ELEMENTWISE
from recurra.errors import ConfigError
from recurra.estimators.base import Estimator
from recurra.estimators.memory import refuse_beyond_memory, training_bytes
from recurra.estimators.parameters import Checks
from recurra.estimators.search import SEARCHED
from recurra.estimators.second_order import batch_of, bytes_at_once, hessian_free, vectors
from recurra.estimators.training_options import (
    check_training,
    flossed,
    increment_sizes,
    objective,
    settings,
    windows,
    with_physics,
)
from recurra.estimators.training_set import Scaled, TrainingSet, validation_origins
from recurra.forecasting import closed_loop_errors, forecast_origins, horizon_score
from recurra.forecasting.compiled import Compiled
from recurra.models import CELLS, Model, Stack, from_tensors, in_precision, tensor_layout, to_tensors
from recurra.storage import Layout
from recurra.training import Gaussian, HessianFree, LearnedStart, Objective, train
from recurra.training.loop import Validate
from recurra.training.settings import HESSIAN_FREE

_DAMPING = 1e-3  # lambda of Hessian-free at the start: scaled rows are forecast with small errors


@dataclasses.dataclass(kw_only=True, eq=False)
class Recurrent(Estimator):
    """Recurrent layers and a readout, trained by backpropagation through time.

    Args:
        units: hidden units of each layer.
        layers: recurrent layers on top of each other.
        readout: units of each hidden layer between the recurrent layers and the output, such as (64, 64); None for a
            linear readout.
        readout_activation: of those hidden layers, one of `recurra.cells.ACTIVATIONS`.
        dropout: share of the inputs of every recurrent layer that is left out in training, the same inputs at all
            steps of a window.
        recurrent_dropout: the same of the hidden activity that a layer feeds back to itself.
        flossing: updates of the weights before the training that move the largest conditional exponents along its rows
            to zero, so that gradients reach far back; 0 for none. See `recurra.training.floss`.
        learned_start: train the state before the first row too, instead of zeros.
        precision: "float32" or "float64", of weights, training and forecasts.
        loss: "squared", "absolute", "huber", or "gaussian" for a variance beside every forecast; see
            `recurra.training.Loss`.
        huber_delta: where the loss "huber" goes from a parabola to a straight line, in standard deviations.
        physics: the differential equation of the data, which the forecasts of a window are to obey as well: a system of
            `recurra.systems`, or the name of one. Its channels are those of the data, its force their input. A model
            file keeps a name, but no system that was handed over.
        physics_weight: how much that counts; see `recurra.training.Physics`.
        l1, l2: penalties on the sum of absolute values and of squares, a table of strengths for the weights U, W, b of
            the recurrent layers and V of the readout, such as {"W": 1e-4}.
        optimizer: "adam", "adamw", "rmsprop", "adagrad", "sgd", "momentum" or "nesterov", with the constants that
            Keras documents; or "hessian-free", which finds its own step lengths and takes no rates.
        hessian_free: a table of its settings, such as {"cg_steps": 100}; see `recurra.training.HessianFree`.
        learning_rate: step length of the optimiser.
        final_learning_rate: step length at the end of the schedules "cosine" and "exponential"; None keeps it constant.
        schedule: "constant", "cosine", "exponential", or "step", which multiplies the rate by `decay` after each of
            the `milestones`.
        milestones: numbers of epochs, for "step".
        decay: factor of the rate, for "step".
        warmup_updates: updates at the beginning in which the rate rises.
        momentum: coefficient of the velocity, for "momentum" and "nesterov".
        momentum_schedule: "constant"; "delayed", 0.9 in the first 1000 updates; or "increasing" towards `momentum`.
        momentum_tail: updates at the end in which the momentum is 0.9 at most, to come to rest; 0 for none.
        averaged_updates: updates at the end whose weights are averaged, which is then what is validated and kept; 0 for
            none. It takes out what the last steps go to and fro.
        weight_decay: for "adamw".
        epochs: passes over the training windows.
        batch_size: windows a gradient is averaged over; of a stateful training, the streams side by side. None takes
            32, and all windows for "hessian-free".
        bptt_length: steps of a training window, through which gradients flow.
        stride: rows from the start of one window to the next.
        stateful: windows follow each other, and each begins with the state in which the one before ended, instead of
            the initial state: truncated backpropagation through time, for memories longer than a window.
        washout: steps at the beginning of a window (of a stateful training: of a series) that are not compared, since
            the network has not seen enough of the past there; a forecast warms up on `warmup` rows before it begins.
        clip_norm: longest gradient; None for no limit.
        increment: learn y[t+1] - y[t], in units of its standard deviation, instead of y[t+1].
        teacher_forced: steps of a window that see the true rows, the others run on the network's own output; None for
            all of them, or half of them where `feeding` says what the others see.
        feeding: what those others see: "own" output, the closed loop; "mixed", share times the data and the rest the
            own output (generalised teacher forcing); "sampled", the data with the probability of the share (scheduled
            sampling); "leading", the data at the first ones, as many as the share says, and then the own output (a
            closed loop that grows). Drives are always true. For the formulas see `recurra.training.Feeding`.
        data_share: share of the data there, from 0 to 1, at the first update, where `feeding` is not "own".
        final_data_share: the share at the last one.
        share_schedule: how it goes from one to the other: "linear", "exponential" or "inverse-sigmoid".
        share_epochs: epochs in which it does; None takes all.
        input_noise: standard deviation of noise on the true rows that are seen, new in every update, in standard
            deviations of the channels. What is compared, and the drive, have none.
        validation: fraction of the training rows held out; the weights with the best closed-loop forecasts of them
            are kept. 0 trains on all rows and keeps the last weights.
        patience: epochs without a better validation after which training stops, looked at every 10 epochs (every one
            with "hessian-free"); None trains to the end.
        budget: seconds of wall time after which training stops, at the end of 10 epochs (of one), and keeps the best
            weights so far; the result then depends on the machine. None trains to the end.
        on_diverge: "stop", or "backoff:n": halve the rate and go on from the last good weights, at most n times.
        horizon: steps of each validation forecast; None takes `bptt_length`, or half of the held-out rows.
        origins: number of validation forecasts.
        warmup: rows of history run through the network before a forecast; None takes `bptt_length` - 1.
        tune: seconds of a search (as of `Auto`) over sizes, rates and windows, as far as they are left at their
            defaults, with more epochs for the better ones; None for none. What it chose is in `tuned_`, and in a file.
        seed: of the weights, the order of the windows and dropout; the same seed gives the same bits.
    """

    layer: ClassVar[str]  # a name of `recurra.models.CELLS`

    units: int = 64
    layers: int = 1
    readout: Sequence[int] | None = None
    readout_activation: str = "relu"
    dropout: float = 0.0
    recurrent_dropout: float = 0.0
    flossing: int = 0
    learned_start: bool = False
    precision: str = "float32"
    loss: str = "squared"
    huber_delta: float = 1.0
    physics: Any = None
    physics_weight: float = 1.0
    l1: Mapping[str, float] | None = None
    l2: Mapping[str, float] | None = None
    optimizer: str = "adam"
    hessian_free: Mapping[str, Any] | None = None
    learning_rate: float = 1e-3
    final_learning_rate: float | None = None
    schedule: str = "cosine"
    milestones: Sequence[int] | None = None
    decay: float = 0.1
    warmup_updates: int = 0
    momentum: float = 0.9
    momentum_schedule: str = "constant"
    momentum_tail: int = 0
    averaged_updates: int = 0
    weight_decay: float = 0.0
    epochs: int = 100
    batch_size: int | None = None
    bptt_length: int = 50
    stride: int = 1
    stateful: bool = False
    washout: int = 0
    clip_norm: float | None = 1.0
    increment: bool = False
    teacher_forced: int | None = None
    feeding: str = "own"
    data_share: float = 1.0
    final_data_share: float = 0.0
    share_schedule: str = "linear"
    share_epochs: int | None = None
    input_noise: float = 0.0
    validation: float = 0.1
    patience: int | None = None
    budget: float | None = None
    on_diverge: str = "stop"
    horizon: int | None = None
    origins: int = 20
    warmup: int | None = None
    tune: float | None = None
    seed: int = 0

    def check(self) -> None:
        checks = Checks(self).whole("units", 1, 100_000).whole("layers", 1, 1000)
        checks.wholes("readout", 1, 100_000, optional=True).choice("readout_activation", ELEMENTWISE)
        checks.number("dropout", 0, 0.99).number("recurrent_dropout", 0, 0.99).whole("flossing", 0)
        checks.choice("precision", ["float32", "float64"]).number("validation", 0, 0.9)
        checks.whole("horizon", 1, optional=True).whole("origins", 1).whole("warmup", 0, optional=True)
        check_training(checks)
        checks.number("tune", 0, open_low=True, optional=True)
        if self.tune is not None and self.kind not in SEARCHED:
            checks.problems.append(f"`tune`: no settings of a {self.kind} are searched")
        self._check_cell(checks)
        checks.raise_all()

    def _check_cell(self, checks: Checks) -> None:
        """Check what only this kind of network has."""

    def _cell_options(self) -> dict[str, Any]:
        """Arguments of the cell beside its sizes."""
        return {}

    def _objective(self) -> Objective:
        """What the training minimises."""
        return objective(self)

    def _warmup_rows(self) -> int:
        return int(self.bptt_length - 1 if self.warmup is None else self.warmup)

    def _learn(self, training: TrainingSet) -> tuple[Compiled, list[dict[str, Any]]]:
        held = training.held is not None or self.validation > 0
        if self.patience is not None and not held:
            raise ConfigError(
                "`patience` waits for a better validation, and nothing validates: set `validation` above 0"
            )
        cuts = training.cuts(self.validation) if held else [len(values) for values, _ in training.parts]
        rows = training.trained(cuts)
        data = windows(self, rows)
        count = data[2].size
        method = self._method(training, count)
        task, data = with_physics(self, data, self._objective(), training.frame)
        trained = train(
            flossed(self, self._drawn(training), rows),
            task,
            data,
            settings(self, count, method),
            validate=self._validate(training.validation(cuts, self._warmup_rows())) if held else None,
            checkpoint=training.checkpoint,
            progress=training.progress,
        )
        self.alarms_ = trained.alarms
        return Compiled(trained.best), trained.history

    def _method(self, training: TrainingSet, windows: int) -> HessianFree:
        """The settings of Hessian-free optimisation; refuses a training that does not fit this machine."""
        blank = self._blank(len(training.frame.channels), training.frame.features)
        units, gates, layers = self._size(blank)
        shapes, wide = [shape for _, shape in tensor_layout(blank).values()], blank.dtype.itemsize / 4
        each = wide * training_bytes([], units, gates, layers, self.bptt_length)
        at_once = min(windows, batch_of(self, windows))
        method = hessian_free(self, self._bounded(), each, self.bptt_length, at_once, _DAMPING)
        held = each * at_once
        if self.optimizer == HESSIAN_FREE:
            held = bytes_at_once(method, each, self.bptt_length, at_once)
        need = wide * training_bytes(shapes * vectors(self, method), units, gates, layers, 0) + held
        advice = "take fewer `units` or `layers`, a smaller `batch_size` or a shorter `bptt_length`"
        refuse_beyond_memory(need, f"training {layers} layers of {units} units", advice)
        return method

    def _bounded(self) -> bool:
        """Whether its hidden units are those of a vanilla network with a bounded activation."""
        return False

    def _size(self, model: Model) -> tuple[int, int, int]:
        """Units, their gates, and layers of them."""
        return self.units, CELLS[self.layer].gates, self.layers

    def _drawn(self, training: TrainingSet) -> Model:
        """The network before training."""
        scale = increment_sizes(training.parts) if self.increment else None
        return self._model(len(training.frame.channels), training.frame.features, scale, self.seed)

    def _blank(self, channels: int, features: int) -> Model:
        """The same in names and shapes alone: zeros that take no memory."""
        return self._model(channels, features, np.zeros(channels) if self.increment else None, None)

    def _model(self, channels: int, features: int, scale: Any, seed: int | None) -> Model:
        spread = self.loss == "gaussian"
        model = self._network(2 * channels if spread else channels, features, None if spread else scale, seed)
        if self.learned_start:
            model = LearnedStart.of(model)
        return in_precision(Gaussian(model, scale) if spread else model, self.precision)

    def _network(self, outputs: int, features: int, scale: Any, seed: int | None) -> Model:
        """Cells and readout; without a seed, zeros that take no memory."""
        return Stack.draw(
            self.layer,
            features,
            outputs,
            units=self.units,
            layers=self.layers,
            hidden=self.readout or (),
            hidden_activation=self.readout_activation,
            scale=scale,
            dropout=self.dropout,
            recurrent_dropout=self.recurrent_dropout,
            precision=self.precision,
            seed=seed,
            **self._cell_options(),
        )

    def _validate(self, held: list[Scaled]) -> Validate:
        origins = validation_origins(held, self._warmup_rows(), self.horizon, self.bptt_length, self.origins)

        def score(model: Model) -> float:
            return float(horizon_score(closed_loop_errors(forecast_origins(Compiled(model), origins), origins.truth)))

        return score

    def _saved(self) -> dict[str, Any]:
        return {**self.get_params(), "physics": self.physics if isinstance(self.physics, str) else None}

    def _facts(self) -> dict[str, Any]:
        return {}

    def _tensors(self) -> dict[str, np.ndarray]:
        return to_tensors(self.network_.model)

    def _layout(self, channels: int, features: int, facts: dict[str, Any]) -> Layout:
        return tensor_layout(self._blank(channels, features))

    def _restore(self, channels: int, features: int, facts: dict[str, Any], tensors: dict[str, np.ndarray]) -> Compiled:
        return Compiled(from_tensors(self._blank(channels, features), tensors))
